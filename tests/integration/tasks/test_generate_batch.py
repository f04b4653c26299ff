from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event, text

from db.operator_queries import OperatorView
from db.spending import SpendLimits
from generation.cancellation import StopReason
from generation.errors import ProviderBusy, ProviderMisused, ProviderUnreachable, StreamCut
from generation.model import BatchStatus, SessionKind, Urgency
from tasks.contract import BatchPayload, PayloadRefused, ProgressPayload
from tasks.generate_batch import answer, generate_batch
from tasks.prefetch import note_progress
from tests.support.old_rows import exam_questions
from tests.support.scripted import ScriptedProvider, an_object, everything, lines
from worker.assembly import Assembly
from worker.outcomes import OUTCOMES, Outcome

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Exam, Messages


def enqueue(exam: Exam, batch_index: int = 0, assembly: Assembly | None = None) -> dict[str, Any]:
    payload = BatchPayload(session_id=exam.id, batch_index=batch_index)
    return answer(assembly or exam.assembly, payload)


def due_now(exam: Exam) -> None:
    """Let the pause before the next run be over."""
    with exam.assembly.engine.begin() as connection:
        connection.execute(text("UPDATE generation.batches SET not_before = now()"))


def test_a_message_fills_its_batch_and_publishes_it(exam: Exam) -> None:
    assert enqueue(exam) == {"outcome": "ready", "accepted": 10}
    view = exam.view()
    assert (view.generated_batches, view.generation_in_progress, len(view.questions)) == (1, False, 10)
    assert exam.status() is BatchStatus.READY


def test_a_message_that_comes_again_finds_nothing_to_do(exam: Exam, provider: ScriptedProvider) -> None:
    enqueue(exam)
    assert enqueue(exam) == {"outcome": "nothing_to_do"}
    assert len(provider.prompts) == 1


def test_fifty_messages_at_once_start_one_run(exam: Exam, provider: ScriptedProvider) -> None:
    """D1: the original's lock let every racer through."""
    with ThreadPoolExecutor(50) as pool:
        outcomes = [f["outcome"] for f in pool.map(lambda _: enqueue(exam), range(50))]
    assert outcomes.count("ready") == 1
    assert set(outcomes) <= {"ready", "held_elsewhere", "nothing_to_do"}
    assert len(provider.prompts) == 1


def test_without_redis_fifty_messages_still_start_one_run(
    exam: Exam, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis.exceptions import ConnectionError as RedisGone

    def gone(*_: object, **__: object) -> None:
        raise RedisGone

    monkeypatch.setattr(exam.assembly.redis, "execute_command", gone)
    with ThreadPoolExecutor(50) as pool:
        outcomes = [f["outcome"] for f in pool.map(lambda _: enqueue(exam), range(50))]
    assert outcomes.count("ready") == 1
    assert len(provider.prompts) == 1


def test_a_batch_nobody_wanted_yet_is_wanted_by_its_first_message(exam: Exam) -> None:
    """A producer that enqueues by name has no row; sequence still holds."""
    enqueue(exam, 0)
    assert exam.status(1) is None
    assert enqueue(exam, 1)["outcome"] == "ready"
    assert exam.view().generated_batches == 2


@pytest.mark.parametrize("hints", [False, True])
def test_hints_are_asked_for_by_the_setting(exam: Exam, provider: ScriptedProvider, hints: bool) -> None:
    limits = exam.assembly.limits.model_copy(update={"generation_hints": hints})
    enqueue(exam, assembly=replace(exam.assembly, limits=limits))
    assert ('"t"' in provider.prompts[0].user) is hints


def test_a_message_for_a_session_from_before_the_switch_adopts_it(assembly: Assembly, engine: Engine) -> None:
    session_id, user_id = uuid4(), uuid4()
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO exam_sessions (id, user_id, track, questions, generated_batches) "
                "VALUES (:id, :user, 'literary', CAST(:questions AS jsonb), 2)"
            ),
            {
                "id": session_id,
                "user": user_id,
                "questions": json.dumps(exam_questions(session_id, [10, 10])),
            },
        )
    assert note_progress(assembly, ProgressPayload(session_id=session_id, position=18)) == 2
    assert answer(assembly, BatchPayload(session_id=session_id, batch_index=2))["outcome"] == "ready"
    view = assembly.sessions.view(session_id, SessionKind.EXAM, user_id)
    assert (view.generated_batches, len(view.questions)) == (3, 29)


def test_a_message_out_of_order_or_for_nobody_is_refused_quietly(exam: Exam) -> None:
    assert enqueue(exam, 7) == {"outcome": "nothing_to_do"}
    stranger = BatchPayload(session_id=uuid4(), batch_index=0)
    assert answer(exam.assembly, stranger) == {"outcome": "nothing_to_do"}


def test_a_shutdown_gives_the_batch_back_at_once_with_what_it_has(
    exam: Exam, provider: ScriptedProvider, messages: Messages
) -> None:
    def shut_down(_: int) -> None:
        if len(exam.view().questions) == 4:
            exam.assembly.leases.release_all()
            exam.assembly.leases.watch()

    provider.during = shut_down
    assert enqueue(exam) == {"outcome": StopReason.SHUTDOWN, "accepted": 4}
    assert exam.status() is BatchStatus.QUEUED
    assert messages.enqueued == [(exam.id, 0, Urgency.INTERACTIVE)]


def test_the_next_run_asks_only_for_what_the_last_one_left(exam: Exam, provider: ScriptedProvider) -> None:
    cut = StreamCut(provider="claude")
    provider.replies = [
        lambda specs: (lines([an_object(spec) for spec in specs[:3]]), cut),
        lambda _: ("", cut),
        everything,
    ]
    assert enqueue(exam)["accepted"] == 3
    due_now(exam)
    assert enqueue(exam) == {"outcome": "ready", "accepted": 7}
    assert provider.asked()[-1] == list(range(3, 10))


def test_while_no_provider_answers_the_batch_waits_for_as_long_as_it_takes(
    exam: Exam, provider: ScriptedProvider
) -> None:
    provider.replies = [lambda _: ("", ProviderUnreachable(provider="claude"))]
    for _ in range(6):
        assert enqueue(exam)["outcome"] == "providers_unavailable"
        assert exam.status() is BatchStatus.QUEUED
        due_now(exam)
    provider.replies = [everything]
    assert enqueue(exam)["outcome"] == "ready"


def test_no_retry_comes_before_the_time_a_provider_asked_for(exam: Exam, provider: ScriptedProvider) -> None:
    provider.replies = [lambda _: ("", ProviderBusy(provider="claude", retry_after_s=30))]
    enqueue(exam)
    batch = exam.view().batches[0]
    assert batch.not_before is not None
    assert batch.requested_at is not None
    assert (batch.not_before - batch.requested_at).total_seconds() > 29
    assert enqueue(exam) == {"outcome": "nothing_to_do"}
    assert len(provider.prompts) == 1


def test_a_batch_that_fails_again_and_again_is_given_up_with_its_reason(
    exam: Exam, provider: ScriptedProvider
) -> None:
    provider.replies = [lambda _: ("", ProviderMisused(provider="claude"))]
    for _ in range(3):
        assert exam.status() is BatchStatus.QUEUED
        enqueue(exam)
        due_now(exam)
    batch = exam.view().batches[0]
    assert (batch.status, batch.last_error) == (BatchStatus.FAILED, "provider_misused")
    assert exam.view().generation_in_progress is False
    [reported] = OperatorView(exam.assembly.engine).batches(exam.id)
    assert (reported.runs, reported.failures) == (3, 3)


def test_a_run_with_progress_does_not_count_towards_giving_up(exam: Exam, provider: ScriptedProvider) -> None:
    """One question a run for ten runs is slow, not poison."""
    provider.replies = [
        lambda specs: (lines([an_object(specs[0])]), ProviderMisused(provider="claude")),
    ]
    for _ in range(9):
        assert enqueue(exam)["accepted"] == 1
        due_now(exam)
    provider.replies = [everything]
    assert enqueue(exam) == {"outcome": "ready", "accepted": 1}


def test_a_defect_in_a_run_leaves_the_batch_queued_and_says_no_text(
    exam: Exam, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(_: int) -> None:
        raise RuntimeError("نص السؤال السري")

    provider.during = explode
    assert enqueue(exam) == {"outcome": "crashed", "accepted": 0}
    assert exam.status() is BatchStatus.QUEUED
    assert exam.view().batches[0].last_error == "crashed"


def test_a_run_that_crashed_after_a_question_has_made_progress(
    exam: Exam, provider: ScriptedProvider
) -> None:
    """Counted as fruitless, five of them would give up a batch of which one slot is open."""

    def explode_late(_: int) -> None:
        if len(exam.view().questions) == 2:
            raise RuntimeError

    provider.during = explode_late
    assert enqueue(exam) == {"outcome": "crashed", "accepted": 2}
    due_now(exam)
    claim = exam.assembly.batches.claim(exam.id, 0, "another", 30)
    assert claim is not None
    assert claim.failures == 0


def test_a_cancelled_session_stops_its_run(exam: Exam, provider: ScriptedProvider) -> None:
    def cancel(_: int) -> None:
        if len(exam.view().questions) == 2:
            exam.assembly.sessions.cancel(exam.id)

    provider.during = cancel
    assert enqueue(exam)["outcome"] in {"fence_lost", "lease_lost"}
    assert len(exam.view().questions) == 2
    assert enqueue(exam) == {"outcome": "nothing_to_do"}


def test_every_stop_reason_is_settled_on_purpose() -> None:
    """A run whose lane failed ends with what the lane met, and a round without a yield ends no run."""
    assert set(StopReason) - {StopReason.LANE_FAILED, StopReason.FRUITLESS} <= set(OUTCOMES)
    assert OUTCOMES[StopReason.SHUTDOWN] is Outcome.RELEASE


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"session_id": "not-a-uuid", "batch_index": 0},
        {"session_id": str(uuid4()), "batch_index": -1},
        {"session_id": str(uuid4()), "batch_index": 0, "surprise": True},
    ],
)
def test_a_message_that_breaks_the_contract_is_refused_without_repeating_it(
    assembly: Assembly, kwargs: dict[str, Any]
) -> None:
    with pytest.raises(PayloadRefused) as caught:
        generate_batch.run(**kwargs)
    assert "not-a-uuid" not in str(caught.value)


def test_a_whole_exam_by_messages_alone_has_exactly_its_plan(make_exam: Callable[[], Exam]) -> None:
    exam = make_exam()
    for batch_index in range(10):
        assert enqueue(exam, batch_index)["outcome"] == "ready"
    view = exam.view()
    assert [question["position"] for question in view.questions] == list(range(96))
    assert len({question["id"] for question in view.questions}) == 96
    assert view.generated_batches == 10


def test_a_session_that_has_cost_enough_gets_no_further_run(
    exam: Exam, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is tried again and again must not be paid for without end."""
    monkeypatch.setattr(exam.assembly.batches, "_limits", SpendLimits(session_usd=Decimal("0.000001")))
    provider.replies = [lambda specs: (lines([an_object(specs[0])]), None)]
    first = enqueue(exam)
    assert first["accepted"] >= 1, "nothing had been spent yet, and a run is never cut"
    due_now(exam)
    calls = len(provider.prompts)
    assert enqueue(exam) == {"outcome": "spend_limit_reached", "accepted": 0}
    assert len(provider.prompts) == calls
    assert exam.status() is BatchStatus.FAILED
    assert exam.view().batches[0].last_error == "spend_limit_reached"


def test_a_batch_of_ten_costs_few_transactions(exam: Exam) -> None:
    """Write amplification: one for each question, and four around them; more would be paid 500 times at once."""
    ended: list[str] = []
    engine = exam.assembly.engine

    def note(name: str, _: Connection) -> None:
        if threading.current_thread().name != "lease-heartbeat":  # the longer a run takes, the more of them
            ended.append(name)

    for name in ("commit", "rollback"):
        event.listen(engine, name, partial(note, name))
    enqueue(exam)
    assert exam.status() is BatchStatus.READY
    assert len(ended) <= len(exam.view().questions) + 8
