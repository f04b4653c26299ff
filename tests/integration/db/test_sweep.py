"""The sweep finds every due batch, whatever was lost before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from db import sweep
from db.batches import BatchStore
from db.leases import Lease, Renewal
from db.sessions import SessionStore
from db.sweep import Due
from generation.errors import FenceLost
from generation.model import BatchStatus, SessionKind, Urgency
from tests.integration.db.exams import STUDENT, claimed, make_ready, new_session
from tests.integration.db.races import at_once

ENQUEUE_AGAIN_S = 15.0
LAPSE = "UPDATE generation.batches SET lease_until = now() - interval '1 second'"
LONG_AGO = "UPDATE generation.batches SET enqueued_at = now() - interval '1 minute'"


def test_a_batch_that_was_just_enqueued_is_left_alone_and_is_enqueued_again_when_its_message_is_lost(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []

    run_sql(LONG_AGO)
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == [Due(session_id, 0, Urgency.INTERACTIVE)]
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []


def test_an_urgency_with_a_shorter_timeout_is_enqueued_again_sooner(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    awaited, prefetched = new_session(sessions), new_session(sessions)
    run_sql("UPDATE generation.batches SET urgency = 'prefetch' WHERE session_id = :id", id=prefetched)
    run_sql("UPDATE generation.batches SET enqueued_at = now() - interval '5 seconds'")
    run_sql("UPDATE generation.batches SET not_before = enqueued_at")

    assert store.sweep(ENQUEUE_AGAIN_S, 10, sooner_s={Urgency.INTERACTIVE: 6.0}) == []
    assert store.sweep(ENQUEUE_AGAIN_S, 10, sooner_s={Urgency.INTERACTIVE: 4.0}) == [
        Due(awaited, 0, Urgency.INTERACTIVE)
    ]
    assert store.sweep(ENQUEUE_AGAIN_S, 10, sooner_s={Urgency.PREFETCH: 4.0}) == [
        Due(prefetched, 0, Urgency.PREFETCH)
    ]


def test_a_batch_that_could_not_be_enqueued_is_enqueued_by_the_next_sweep(
    store: BatchStore, session_id: UUID
) -> None:
    store.mark_all_not_enqueued([(session_id, 0)])

    assert len(store.sweep(ENQUEUE_AGAIN_S, 10)) == 1


def test_defect_2_a_batch_whose_worker_died_is_queued_again(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    dead = claimed(store, session_id)
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []

    run_sql(LAPSE)
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == [Due(session_id, 0, Urgency.INTERACTIVE)]
    assert store.renew([Lease.of(dead)], 30) == Renewal()
    with pytest.raises(FenceLost):
        store.finish(dead)
    assert claimed(store, session_id).failures == 0


def test_a_retry_is_enqueued_when_it_is_due_and_not_before(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    store.release(claimed(store, session_id), 60, "provider_busy", counts_as_failure=False)
    assert store.sweep(0, 10) == []

    run_sql("UPDATE generation.batches SET not_before = now()")
    assert len(store.sweep(ENQUEUE_AGAIN_S, 10)) == 1


def test_a_batch_that_was_enqueued_before_it_was_due_is_enqueued_again(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    """A student asks while the retry is deferred: the worker that received that message could not claim the batch."""
    run_sql(
        "UPDATE generation.batches"
        " SET enqueued_at = now() - interval '2 seconds', not_before = now() - interval '1 second'"
    )
    assert len(store.sweep(ENQUEUE_AGAIN_S, 10)) == 1
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []


def test_urgent_batches_come_first_and_the_limit_holds(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    waiting = [new_session(sessions) for _ in range(3)]
    run_sql("UPDATE generation.batches SET urgency = 'prefetch' WHERE session_id <> :id", id=waiting[2])
    run_sql(LONG_AGO)

    first = store.sweep(ENQUEUE_AGAIN_S, 2)
    assert [due.session_id for due in first] == [waiting[2], waiting[0]]
    assert [due.session_id for due in store.sweep(ENQUEUE_AGAIN_S, 2)] == [waiting[1]]


def test_two_sweeps_at_once_share_the_work(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    made = {new_session(sessions) for _ in range(20)}
    run_sql(LONG_AGO)

    found = [
        due.session_id for part in at_once([partial(store.sweep, ENQUEUE_AGAIN_S, 100)] * 4) for due in part
    ]
    assert sorted(found) == sorted(made)


def test_a_sweep_takes_what_another_does_not_hold(
    engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    """Without waiting, the second sweep skips the rows that the first has not committed yet."""
    made = {new_session(sessions) for _ in range(4)}
    run_sql(LONG_AGO)
    with engine.begin() as connection:
        first = sweep.take_due(connection, ENQUEUE_AGAIN_S, 3, sooner_s={})
        second = store.sweep(ENQUEUE_AGAIN_S, 10)

    assert (len(first), len(second)) == (3, 1)
    assert {due.session_id for due in first + second} == made


def test_batches_of_a_paused_session_are_not_enqueued_until_it_resumes(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    run_sql(LONG_AGO)
    sessions.pause(session_id)
    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []
    assert store.claim(session_id, 0, "worker", 30) is None

    sessions.resume(session_id)
    assert len(store.sweep(ENQUEUE_AGAIN_S, 10)) == 1


@pytest.mark.parametrize(
    "ending", ["UPDATE exam_sessions SET status = 'completed'", "DELETE FROM exam_sessions"]
)
def test_the_batches_of_a_session_that_the_web_app_ended_are_failed(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, ending: str
) -> None:
    running = claimed(store, session_id)
    run_sql(ending)

    assert store.sweep(ENQUEUE_AGAIN_S, 10) == []
    [row] = run_sql("SELECT status, last_error, epoch FROM generation.batches")
    assert row == (BatchStatus.FAILED, "session_closed", running.epoch + 1)
    assert run_sql("SELECT id FROM exam_sessions WHERE generation_in_progress") == []


def test_a_batch_that_is_ready_or_failed_is_not_swept(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.PREFETCH)
    store.fail(claimed(store, session_id, 1), "refused")

    assert store.sweep(0, 10) == []
    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert [batch.status for batch in view.batches] == [BatchStatus.READY, BatchStatus.FAILED, None]
