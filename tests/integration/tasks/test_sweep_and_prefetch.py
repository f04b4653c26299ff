from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import text

from generation.model import BatchStatus, Urgency
from runtime.settings import PlanSettings
from tasks.contract import BatchPayload, ProgressPayload
from tasks.generate_batch import answer
from tasks.prefetch import note_progress
from tasks.sweep import LOST_AFTER_S, sweep_once
from worker.assembly import Assembly

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.tasks.conftest import Exam, Messages


def fill(exam: Exam, batch_index: int) -> None:
    answer(exam.assembly, BatchPayload(session_id=exam.id, batch_index=batch_index))


def reach(exam: Exam, position: int) -> int | None:
    return note_progress(exam.assembly, ProgressPayload(session_id=exam.id, position=position))


def forget_messages(assembly: Assembly) -> None:
    """As if every message had been lost a while ago."""
    enqueued_ago(assembly, 3600)


def enqueued_ago(assembly: Assembly, seconds: float) -> None:
    statement = text(
        "UPDATE generation.batches SET enqueued_at = now() - make_interval(secs => :s), "
        "not_before = now() - make_interval(secs => :s)"
    )
    with assembly.engine.begin() as connection:
        connection.execute(statement, {"s": seconds})


def test_the_next_batch_is_wanted_at_the_threshold_and_not_before(exam: Exam, messages: Messages) -> None:
    fill(exam, 0)
    assert [reach(exam, position) for position in range(7)] == [None] * 7
    assert exam.status(1) is None
    assert reach(exam, 7) == 1
    assert messages.enqueued == [(exam.id, 1, Urgency.PREFETCH)]
    assert exam.status(1) is BatchStatus.QUEUED


def test_the_threshold_enqueues_once_however_often_it_is_passed(exam: Exam, messages: Messages) -> None:
    """D8: the original asked again without end while the student stayed there."""
    fill(exam, 0)
    assert [reach(exam, position) for position in (7, 7, 8, 9)] == [1, None, None, None]
    assert len(messages.enqueued) == 1


def test_question_57_is_not_the_end_of_a_scientific_exam(exam: Exam) -> None:
    """D4: batch 5 has seven questions, and the original waited for the eighth."""
    for batch_index in range(6):
        fill(exam, batch_index)
    assert reach(exam, 53) is None
    assert reach(exam, 54) == 6


def test_nothing_is_wanted_after_the_last_batch(exam: Exam) -> None:
    for batch_index in range(10):
        fill(exam, batch_index)
    assert reach(exam, 95) is None


def test_nothing_is_wanted_for_nobody(exam: Exam) -> None:
    assert note_progress(exam.assembly, ProgressPayload(session_id=uuid4(), position=7)) is None


@pytest.mark.parametrize("position", [88, 96, 10_000])
def test_a_position_far_ahead_does_not_buy_the_rest_of_the_exam(exam: Exam, position: int) -> None:
    fill(exam, 0)
    assert reach(exam, position) is None
    assert exam.status(1) is None


def test_a_prefetch_that_could_not_be_enqueued_is_enqueued_by_the_sweep(
    exam: Exam, messages: Messages
) -> None:
    fill(exam, 0)
    messages.broken = True
    assert reach(exam, 7) == 1
    messages.broken = False
    assert sweep_once(exam.assembly) == 1
    assert messages.enqueued == [(exam.id, 1, Urgency.PREFETCH)]


def test_a_lost_message_is_enqueued_again_once_a_period(exam: Exam, messages: Messages) -> None:
    forget_messages(exam.assembly)
    assert sweep_once(exam.assembly) == 1
    assert sweep_once(exam.assembly) == 0
    assert messages.enqueued == [(exam.id, 0, Urgency.INTERACTIVE)]


def test_a_message_that_is_in_no_queue_and_was_not_taken_is_enqueued_again_soon(
    exam: Exam, messages: Messages
) -> None:
    """A worker killed, or frozen, with the message in its hands; a queue that was emptied."""
    enqueued_ago(exam.assembly, LOST_AFTER_S + 0.1)
    exam.assembly.redis.lpush("test:interactive", "a message that still waits")
    assert sweep_once(exam.assembly) == 0
    exam.assembly.redis.delete("test:interactive")
    assert sweep_once(exam.assembly) == 1


def test_without_redis_a_message_counts_as_lost_after_the_usual_time(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise RedisGone

    monkeypatch.setattr(exam.assembly.redis, "execute_command", gone)
    enqueued_ago(exam.assembly, LOST_AFTER_S + 0.1)
    assert sweep_once(exam.assembly) == 0
    enqueued_ago(exam.assembly, exam.assembly.lease_settings.sweep_enqueue_again_s + 0.1)
    assert sweep_once(exam.assembly) == 1


def test_the_batch_of_a_dead_worker_is_enqueued_when_its_lease_lapses(exam: Exam, messages: Messages) -> None:
    """D2: the original's flag had no owner and no end."""
    claim = exam.assembly.batches.claim(exam.id, 0, "dead", 60)
    assert claim is not None
    assert sweep_once(exam.assembly) == 0
    with exam.assembly.engine.begin() as connection:
        connection.execute(text("UPDATE generation.batches SET lease_until = now() - interval '1 second'"))
    assert sweep_once(exam.assembly) == 1
    assert messages.enqueued == [(exam.id, 0, Urgency.INTERACTIVE)]
    fill(exam, 0)
    assert exam.status() is BatchStatus.READY


def test_with_the_broker_away_nothing_counts_as_enqueued(
    make_exam: Callable[[], Exam], messages: Messages
) -> None:
    exams = [make_exam() for _ in range(3)]
    forget_messages(exams[0].assembly)
    messages.broken = True
    assert sweep_once(exams[0].assembly) == 0
    messages.broken = False
    assert sweep_once(exams[0].assembly) == 3


def test_a_skimmer_gets_the_next_batch_in_lanes_before_the_threshold(exam: Exam, messages: Messages) -> None:
    fill(exam, 0)
    enqueued = []
    for position in range(7):
        enqueued.append(reach(exam, position))
        with exam.assembly.engine.begin() as connection:
            connection.execute(
                text("UPDATE generation.plans SET moved_at = moved_at - interval '1200 milliseconds'")
            )
    assert enqueued[:3] == [None] * 3
    assert [index for index in enqueued if index is not None] == [1], "once, and earlier than the threshold"
    assert messages.enqueued == [(exam.id, 1, Urgency.INTERACTIVE)]


def test_a_skimmer_waits_for_the_threshold_when_prefetch_does_not_adapt(exam: Exam) -> None:
    fill(exam, 0)
    plain = replace(exam.assembly, plan=PlanSettings(prefetch_adaptive=False, prefetch_reading_s=0))
    enqueued = []
    for position in range(8):
        enqueued.append(note_progress(plain, ProgressPayload(session_id=exam.id, position=position)))
        with plain.engine.begin() as connection:
            connection.execute(text("UPDATE generation.plans SET moved_at = moved_at - interval '2 s'"))
    assert enqueued == [None] * 7 + [1]
