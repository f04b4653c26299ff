"""One story, one trace: the real API and a real worker tell a collector on loopback of one batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
import structlog
from sqlalchemy import text

from db.errors import DatabaseUnreachable
from generation.errors import ProviderMisused, StreamCut
from generation.model import Urgency
from runtime.settings import DatabaseSettings
from runtime.tracing import Tracing, TracingSettings, start_tracing
from tasks.contract import BatchPayload, ProgressPayload
from tasks.generate_batch import answer
from tasks.prefetch import note_progress
from tasks.sweep import sweep_once
from tests.integration.api.served import Served
from tests.integration.tasks.conftest import Messages
from tests.support.collector import Collector
from tests.support.scripted import ScriptedProvider, everything
from worker.assembly import Assembly

STUDENT = UUID("00000000-0000-4000-8000-00000000000a")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGE = "00f067aa0ba902b7"  #: the span of the page that calls
CREATE, ASK, PROGRESS = (
    "POST /api/exams",
    "POST /api/exams/{session_id}/questions",
    "POST /api/exams/{session_id}/progress",
)


@dataclass
class System:
    """An API process and a worker that send their traces to one collector."""

    served: Served
    assembly: Assembly
    collector: Collector
    opened: ExitStack

    def student(self, **headers: str) -> httpx2.Client:
        return self.opened.enter_context(self.served.client(STUDENT, **headers))

    def create(self, **headers: str) -> UUID:
        """An exam whose first batch is wanted."""
        asked = {"Prefer": "respond-async", **headers}
        made = self.student().post("/exams", json={"track": "scientific"}, headers=asked)
        assert made.status_code == 201
        return UUID(made.json()["id"])

    def enqueue(self, session_id: UUID, batch_index: int = 0) -> str:
        outcome: str = self._answer(session_id, batch_index)["outcome"]
        return outcome

    def _answer(self, session_id: UUID, batch_index: int) -> dict[str, Any]:
        return answer(self.assembly, BatchPayload(session_id=session_id, batch_index=batch_index))

    def reported(self) -> Collector:
        """The collector, when it has everything."""
        self.served.stop()
        for tracing in (self.served.app.state.context.tracing, self.assembly.tracing):
            tracing.close()
        return self.collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def system(
    assembly: Assembly, database: DatabaseSettings, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> Iterator[System]:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")

    def tracing(service: str) -> Tracing:
        return start_tracing(TracingSettings(otel_exporter_otlp_endpoint=collector.url), service=service)

    with ExitStack() as stack:
        api = tracing("tafawoq-api")
        served = stack.enter_context(Served(database, assembly.engine, api_poll_s=0.05, tracing=api))
        yield System(served, replace(assembly, tracing=tracing("tafawoq-worker")), collector, stack)


def cut(specs: list[dict[str, Any]]) -> tuple[str, StreamCut]:
    return everything(specs[:4])[0], StreamCut(provider="claude")


def test_a_trace_goes_from_the_call_through_the_run_and_its_attempts_to_the_last_event(
    system: System, provider: ScriptedProvider
) -> None:
    provider.replies = (cut, everything)
    session_id = system.create(Traceparent=f"00-{TRACE}-{PAGE}-01")
    assert system.enqueue(session_id) == "ready"

    reported = system.reported()
    call, run = reported.the(CREATE), reported.the("run batch")
    attempts = sorted(reported.named("chat scripted-1"), key=lambda span: span.start_ns)
    assert {span.trace_id for span in reported.spans} == {TRACE}
    assert [call.parent_id, run.parent_id] == [PAGE, call.span_id]
    assert [attempt.parent_id for attempt in attempts] == [run.span_id] * 2
    assert [call.service, run.service] == ["tafawoq-api", "tafawoq-worker"]
    assert [call.kind, run.kind, attempts[0].kind] == ["SERVER", "CONSUMER", "CLIENT"]
    assert [name for name, _ in run.events] == ["question"] * 10 + ["batch-ready"]
    assert [where["tafawoq.position"] for _, where in run.events[:-1]] == list(range(10))
    assert (run.attributes["tafawoq.session.id"], run.attributes["tafawoq.epoch"]) == (str(session_id), 1)
    assert (run.attributes["tafawoq.outcome"], run.failed) == ("ready", False)
    assert call.attributes["http.response.status_code"] == 201


def test_an_attempt_is_told_as_the_conventions_name_things_with_its_own_times(
    system: System, provider: ScriptedProvider
) -> None:
    provider.replies = (cut, everything)
    system.enqueue(system.create())

    reported = system.reported()
    run = reported.the("run batch")
    broken, whole = sorted(reported.named("chat scripted-1"), key=lambda span: span.start_ns)
    assert run.start_ns <= broken.start_ns <= broken.end_ns <= whole.start_ns <= whole.end_ns
    assert (broken.failed, broken.attributes["error.type"]) == (True, StreamCut.code)
    assert "gen_ai.response.finish_reasons" not in broken.attributes
    assert not whole.failed
    assert {name: value for name, value in whole.attributes.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "scripted-1",
        "gen_ai.response.id": "msg_2",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.response.time_to_first_chunk": whole.attributes["gen_ai.response.time_to_first_chunk"],
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": whole.attributes["gen_ai.usage.output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": 900,
        "gen_ai.usage.cache_creation.input_tokens": 0,
    }
    assert [whole.attributes["tafawoq.asked"], whole.attributes["tafawoq.accepted"]] == [6, 6]


def test_a_batch_whose_worker_died_and_whose_message_was_lost_goes_on_in_the_same_trace(
    system: System, messages: Messages
) -> None:
    session_id = system.create()
    with system.assembly.engine.begin() as connection:
        assert system.assembly.batches.claim(session_id, 0, "a worker that dies", 60)
        connection.execute(text("UPDATE generation.batches SET lease_until = now() - interval '1 second'"))
    sweep_once(system.assembly)
    assert messages.enqueued == [(session_id, 0, Urgency.INTERACTIVE)]
    assert system.enqueue(session_id) == "ready"

    reported = system.reported()
    run = reported.the("run batch")
    assert run.parent_id == reported.the(CREATE).span_id
    assert (run.attributes["tafawoq.epoch"], run.attributes["tafawoq.run"]) == (2, 2)


def test_every_run_of_a_batch_is_in_its_trace_and_the_last_says_that_it_rests(
    system: System, provider: ScriptedProvider
) -> None:
    provider.replies = (lambda _: ("", ProviderMisused(provider="claude")),)
    session_id = system.create()
    for _ in range(system.assembly.limits.generation_max_failed_runs):
        assert system.enqueue(session_id) == ProviderMisused.code
        with system.assembly.engine.begin() as connection:
            connection.execute(text("UPDATE generation.batches SET not_before = now()"))

    reported = system.reported()
    runs = sorted(reported.named("run batch"), key=lambda span: span.start_ns)
    assert [run.parent_id for run in runs] == [reported.the(CREATE).span_id] * 3
    assert [run.attributes["tafawoq.batch.outcome"] for run in runs] == ["count", "count", "rest"]
    assert {run.attributes["error.type"] for run in runs} == {ProviderMisused.code}
    assert all(run.failed for run in runs)
    failures = [event for run in runs for event in run.events if event[0] == "batch-failed"]
    assert failures == [("batch-failed", {"tafawoq.code": ProviderMisused.code})]


def test_a_prefetch_goes_on_with_the_trace_of_the_progress_that_made_it_due(system: System) -> None:
    session_id = system.create()
    system.enqueue(session_id)
    moved = system.student().post(f"/exams/{session_id}/progress", json={"questionIndex": 7})
    assert moved.json() == {"prefetch": {"batchIndex": 1}}
    assert system.enqueue(session_id, 1) == "ready"

    reported = system.reported()
    [prefetch] = [run for run in reported.named("run batch") if run.attributes["tafawoq.batch.index"] == 1]
    progress = reported.the(PROGRESS)
    assert (prefetch.trace_id, prefetch.parent_id) == (progress.trace_id, progress.span_id)
    assert prefetch.attributes["tafawoq.urgency"] == "prefetch"


def test_a_prefetch_of_a_producer_without_the_api_has_its_task_for_a_parent(
    system: System, messages: Messages
) -> None:
    session_id = system.create()
    system.enqueue(session_id)
    assert note_progress(system.assembly, ProgressPayload(session_id=session_id, position=7)) == 1
    assert system.enqueue(session_id, 1) == "ready"

    reported = system.reported()
    [prefetch] = [run for run in reported.named("run batch") if run.attributes["tafawoq.batch.index"] == 1]
    assert prefetch.parent_id == reported.the("generation.prefetch").span_id


def test_a_student_who_comes_for_a_prefetched_batch_takes_its_runs_into_his_own_trace(system: System) -> None:
    session_id = system.create()
    system.enqueue(session_id)
    student = system.student()
    student.post(f"/exams/{session_id}/progress", json={"questionIndex": 7})
    waited = student.post(
        f"/exams/{session_id}/questions", json={"batchIndex": 1}, headers={"Prefer": "wait=0"}
    )
    assert waited.status_code == 202
    system.enqueue(session_id, 1)

    reported = system.reported()
    [run] = [run for run in reported.named("run batch") if run.attributes["tafawoq.batch.index"] == 1]
    assert run.parent_id == reported.the(ASK).span_id


def test_the_reader_of_a_stream_ends_the_trace_of_the_batch_he_is_told_of(system: System) -> None:
    session_id = system.create()
    with system.student().stream("GET", f"/exams/{session_id}/events") as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line == "event: session")
        system.enqueue(session_id)
        next(line for line in lines if line == "event: batch-ready")
        system.student().post(f"/exams/{session_id}/cancel")
        assert any(line == "event: session" for line in lines)
    with system.student().stream("GET", f"/exams/{session_id}/events") as again:
        assert sum(line.startswith("event: ") for line in again.iter_lines()) == 13

    reported = system.reported()
    delivery = reported.the("deliver batch-ready")
    assert delivery.parent_id == reported.the(CREATE).span_id
    assert delivery.attributes["tafawoq.event.number"] == 12
    assert delivery.start_ns <= delivery.end_ns


def test_a_stream_goes_on_when_the_trace_of_its_batch_cannot_be_read(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnreachable

    monkeypatch.setattr(system.served.writer.batches, "traceparent", away)
    session_id = system.create()
    with system.student().stream("GET", f"/exams/{session_id}/events") as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line == "event: session")
        system.enqueue(session_id)
        next(line for line in lines if line == "event: batch-ready")
        system.student().post(f"/exams/{session_id}/cancel")
        assert any(line == "event: session" for line in lines)
    assert system.reported().named("deliver batch-ready") == []


def test_a_call_that_fails_has_the_code_of_its_answer(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = system.student()
    student.get(f"/exams/{UUID(int=7)}")
    monkeypatch.setattr(system.served.sessions, "page", None)  # a defect
    student.get("/exams")
    student.get(f"{system.served.url}/healthz")
    student.get(f"{system.served.url}/no-such-page")

    reported = system.reported()
    missing, broken = reported.the("GET /api/exams/{session_id}"), reported.the("GET /api/exams")
    assert (missing.failed, missing.attributes["error.type"]) == (False, "session_not_found")
    assert (broken.failed, broken.attributes["error.type"]) == (True, "internal_error")
    assert {span.name for span in reported.spans} == {missing.name, broken.name, "GET unmatched"}


def test_a_caller_who_wants_no_trace_gets_none(system: System) -> None:
    """The last two digits of the header say that whoever began it does not keep it."""
    session_id = system.create(Traceparent=f"00-{TRACE}-{PAGE}-00")
    system.enqueue(session_id)
    assert system.reported().spans == []


def test_log_lines_of_a_call_and_of_its_run_have_the_traces_id(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()]
    )
    system.enqueue(system.create(Traceparent=f"00-{TRACE}-{PAGE}-01"))
    system.reported()
    structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    of = {line["event"]: line.get("trace_id") for line in lines}
    assert {of["request"], of["run_started"], of["attempt_ended"], of["run_ended"]} == {TRACE}
    assert structlog.contextvars.get_contextvars() == {}


def test_no_span_holds_a_question_an_answer_or_who_the_student_is(system: System) -> None:
    secret = "hunter2-in-an-address"
    student = system.student()
    student.get(f"/exams?before={secret}")
    student.get(f"/exams/{secret}/events", headers={"Last-Event-ID": secret})
    student.get(f"/{secret}")
    session_id = system.create()
    system.enqueue(session_id)
    student.post(f"/exams/{session_id}/progress", json={"questionIndex": 7})

    reported = b"".join(system.reported().bodies).decode("utf-8", "replace")
    with system.assembly.engine.connect() as connection:
        contents = list(connection.execute(text("SELECT content FROM generation.questions")).scalars())
    texts = {said for content in contents for said in (content["stem"], content["explanation"])}
    texts |= {choice for content in contents for choice in content["choices"]}
    assert len(texts) > 10
    assert str(session_id) in reported
    assert not [said for said in (*texts, "answerIndex", str(STUDENT)) if said in reported]
    assert secret not in reported


def test_without_an_address_nothing_is_kept_with_a_batch(
    assembly: Assembly, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    with Served(database, assembly.engine) as served, served.client(STUDENT) as student:
        headers = {"Traceparent": f"00-{TRACE}-{PAGE}-01", "Prefer": "respond-async"}
        student.post("/exams", json={"track": "scientific"}, headers=headers)
    with assembly.engine.connect() as connection:
        assert connection.execute(text("SELECT traceparent FROM generation.batches")).scalar_one() is None
