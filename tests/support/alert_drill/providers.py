"""Scenes in which a provider, the key, the model or our own prompt is at fault."""

from __future__ import annotations

import json
import time

from tests.integration.stack.student import Student
from tests.support.alert_drill.load import hurried, students
from tests.support.alert_drill.record import DrillFailed, Record
from tests.support.alert_drill.ward import Edit, Ward

#: Two versions that should not have been rolled out.
WRONG_TYPE = Edit(
    "generation/prompts/request.py", old='"type": slot.question_type.value', new='"type": "comparison"'
)
DRIFTING = Edit(
    "providers/messages.py",
    old='"text": block.text}',
    new='"text": block.text + str(__import__("time").time_ns())}',
)

_READY_WITHIN_S = 60
#: Until there is something to compare the fault with.
_TRAFFIC_S = 10


def no_fallback(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 3, hurried):
        record.calm("ProvidersDown")
        record.fault("Claude answers 529 to every call, and there is no fallback.")
        ward.inject({"kind": "overloaded", "route": "anthropic"})
        record.fires("ProvidersDown")
        record.remedy("`OPENROUTER_API_KEY` is set, the workers are restarted.")
        ward.restart_workers(
            OPENROUTER_API_KEY="sk-or-drill", OPENROUTER_BASE_URL=f"{ward.simulator_url}/api"
        )
        record.ends("ProvidersDown")


def outage(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 3, hurried):
        record.calm("CircuitBreakerOpen", "ProviderErrors")
        record.fault("Claude answers 529 to every call.")
        ward.inject({"kind": "overloaded", "route": "anthropic"})
        record.fires("CircuitBreakerOpen", "ProviderErrors")
        record.remedy("An outage: wait. Claude answers again.")
        ward.inject()
        record.ends("CircuitBreakerOpen", "ProviderErrors")


def key_refused(ward: Ward, record: Record) -> None:
    ward.restart_workers(ANTHROPIC_API_KEY="sk-ant-first", CLAUDE_BASE_URL=ward.simulator_url)
    with students(ward.api_url, 3, hurried):
        record.calm("KeyRefused")
        record.fault("The key is revoked at the provider.")
        ward.simulate(refused_key="sk-ant-first")
        record.fires("KeyRefused")
        record.remedy("Rotate it: the workers are restarted with a second `ANTHROPIC_API_KEY`.")
        ward.restart_workers(ANTHROPIC_API_KEY="sk-ant-second")
        record.ends("KeyRefused")


def model_retired(ward: Ward, record: Record) -> None:
    ward.restart_workers(CLAUDE_MODEL="claude-sonnet-4-5")
    with students(ward.api_url, 3, hurried):
        record.calm("RequestRefused")
        record.fault("`CLAUDE_MODEL=claude-sonnet-4-5` is retired while the workers run.")
        ward.simulate(today="2026-12-01")
        record.fires("RequestRefused")
        record.remedy("`CLAUDE_MODEL=claude-sonnet-5-5`, and the workers are restarted.")
        ward.restart_workers(CLAUDE_MODEL="claude-sonnet-5-5")
        record.ends("RequestRefused")


def wrong_prompt(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 2, hurried):
        time.sleep(_TRAFFIC_S)
        record.calm("RejectsMany", "BatchesGivenUp")
        record.fault("A version is rolled out whose prompt names the wrong type of question.")
        ward.stop_workers()
        ward.start_release(WRONG_TYPE)
        stuck = Student(ward.api_url)
        stuck.begin({"track": "scientific"}, prefer="respond-async")
        record.fires("RejectsMany")
        record.fires("BatchesGivenUp")
        _await_batch(ward, stuck, "failed")
        record.remedy("The version is rolled back, then `tafawoq-worker retry SESSION`.")
        ward.restart_workers()
        ward.operate("retry", stuck.session_id)
        record.ends("RejectsMany", "BatchesGivenUp")
        _await_batch(ward, stuck, "ready")


def vain_replies(ward: Ward, record: Record) -> None:
    ward.restart_workers(GENERATION_BUDGET_FACTOR="1")
    record.calm("BudgetsExhausted")
    record.fault("Nothing that the model writes is accepted, with `GENERATION_BUDGET_FACTOR=1`.")
    ward.simulate(reject_rate=1)
    stuck = Student(ward.api_url)
    stuck.begin({"track": "scientific"}, prefer="respond-async")
    record.fires("BudgetsExhausted")  # the batch has failed by then
    record.remedy("The model writes well again; `tafawoq-worker retry SESSION`.")
    ward.simulate(reject_rate=0)
    ward.operate("retry", stuck.session_id)
    record.ends("BudgetsExhausted")
    _await_batch(ward, stuck, "ready")


def filtered_topic(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 3, hurried):
        time.sleep(_TRAFFIC_S)
        record.calm("SlotsDeviate")
        record.fault("A content filter blocks each call for a slot of algebra.")
        ward.inject(_FILTER)
        record.fires("SlotsDeviate")
        record.remedy("The filter is lifted; else the topic's subtopics are corrected in `generation/data/`.")
        ward.inject()
        record.ends("SlotsDeviate")


_FILTER = {
    "kind": "http",
    "status": 400,
    "error_type": "invalid_request_error",
    "message": "Output blocked by content filtering policy",
    "contains": '"topic":"algebra"',
}


def drifting_prompt(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 3, hurried):
        time.sleep(_TRAFFIC_S)
        record.calm("PrefixDrifted", "CacheCold", "DearQuestions")
        record.fault(
            "A version is rolled out that puts the time into the prompt, with `CLAUDE_MODEL=claude-opus-5-5`."
        )
        ward.stop_workers()
        ward.start_release(DRIFTING, CLAUDE_MODEL="claude-opus-5-5")
        record.fires("PrefixDrifted", "CacheCold", "DearQuestions")
        record.remedy("The version before it is started again, with `CLAUDE_MODEL=claude-sonnet-5-5`.")
        ward.restart_workers(CLAUDE_MODEL="claude-sonnet-5-5")
        record.ends("PrefixDrifted", "CacheCold", "DearQuestions")


def _await_batch(ward: Ward, student: Student, status: str) -> None:
    """Until the operator sees the student's first batch so."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while (seen := _first_batch(ward, student)) != status:
        if time.monotonic() > deadline:
            raise DrillFailed(f"The batch is {seen}, and not {status}, after {_READY_WITHIN_S} s.")
        time.sleep(1)


def _first_batch(ward: Ward, student: Student) -> str:
    shown = json.loads(ward.operate("show", student.session_id, "--json"))
    return str(shown["batches"][0]["status"])
