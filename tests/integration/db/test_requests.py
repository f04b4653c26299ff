"""Requests for batches: which one, when, and what they change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db import requests
from db.batches import BatchStore
from db.sessions import SessionStore
from generation.errors import BatchNotNext, SessionClosed, SessionMissing
from generation.model import BatchStatus, Urgency
from tests.integration.db.exams import claimed, fill, make_ready, new_session
from tests.integration.db.races import at_once, while_held

INTERACTIVE, PREFETCH = Urgency.INTERACTIVE, Urgency.PREFETCH


def ask(store: BatchStore, session_id: UUID, index: int, urgency: Urgency) -> tuple[BatchStatus, bool]:
    answer = store.request(session_id, index, urgency)
    return answer.status, answer.created


@pytest.mark.parametrize("urgency", list(Urgency))
def test_the_next_batch_is_queued_once(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, urgency: Urgency
) -> None:
    make_ready(store, session_id, 0)

    assert ask(store, session_id, 1, urgency) == (BatchStatus.QUEUED, True)
    assert ask(store, session_id, 1, urgency) == (BatchStatus.QUEUED, False)
    assert run_sql("SELECT generation_in_progress FROM exam_sessions") == [(True,)]


def test_a_prefetch_may_be_one_batch_ahead_and_a_student_may_not(store: BatchStore, session_id: UUID) -> None:
    with pytest.raises(BatchNotNext) as caught:
        store.request(session_id, 1, INTERACTIVE)
    assert caught.value.expected == 0

    assert ask(store, session_id, 1, PREFETCH) == (BatchStatus.QUEUED, True)
    with pytest.raises(BatchNotNext):
        store.request(session_id, 2, PREFETCH)


@pytest.mark.parametrize("index", [-1, 3, 99])
def test_a_batch_that_is_not_planned_cannot_be_asked_for(
    store: BatchStore, session_id: UUID, index: int
) -> None:
    for ready in range(3):
        make_ready(store, session_id, ready)

    for urgency in Urgency:
        with pytest.raises(BatchNotNext) as caught:
            store.request(session_id, index, urgency)
        assert caught.value.expected == 3


def test_defect_7_a_finished_batch_can_always_be_asked_for_again(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    make_ready(store, session_id, 1)
    assert ask(store, session_id, 0, INTERACTIVE) == (BatchStatus.READY, False)

    sessions.cancel(session_id)
    assert ask(store, session_id, 0, INTERACTIVE) == (BatchStatus.READY, False)


def test_a_waiting_student_makes_a_queued_prefetch_urgent_once(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    ask(store, session_id, 1, PREFETCH)

    assert ask(store, session_id, 1, INTERACTIVE) == (BatchStatus.QUEUED, True)
    assert ask(store, session_id, 1, INTERACTIVE) == (BatchStatus.QUEUED, False)
    assert ask(store, session_id, 1, PREFETCH) == (BatchStatus.QUEUED, False)
    assert run_sql("SELECT urgency FROM generation.batches WHERE batch_index = 1") == [("interactive",)]


def test_a_running_prefetch_continues_and_counts_as_urgent_when_it_is_released(
    store: BatchStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    ask(store, session_id, 1, PREFETCH)
    claim = claimed(store, session_id, 1)
    assert ask(store, session_id, 1, INTERACTIVE) == (BatchStatus.RUNNING, False)

    store.release(claim, 0, "shutdown", counts_as_failure=False)
    [due] = store.sweep(15, 10)
    assert due.urgency is INTERACTIVE


def test_a_failed_batch_is_revived_by_a_student_and_not_by_a_prefetch(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    for _ in range(2):
        store.release(claimed(store, session_id), 0, "stream_cut", counts_as_failure=True)
    store.fail(claimed(store, session_id), "stream_cut")

    assert ask(store, session_id, 0, PREFETCH) == (BatchStatus.FAILED, False)
    assert run_sql("SELECT last_error FROM generation.batches") == [("stream_cut",)]

    assert ask(store, session_id, 0, INTERACTIVE) == (BatchStatus.QUEUED, True)
    assert run_sql("SELECT last_error FROM generation.batches") == [(None,)]
    claim = claimed(store, session_id)
    assert (claim.failures, claim.urgency) == (0, INTERACTIVE)


def test_an_operator_revives_all_failed_batches_of_a_session_in_progress(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    for index in (1, 2):
        store.request(session_id, index, PREFETCH)
        store.fail(claimed(store, session_id, index), "refused")

    assert store.revive(session_id) == [1, 2]
    assert {due.batch_index for due in store.sweep(15, 10)} == {1, 2}
    assert store.revive(session_id) == []

    sessions.cancel(session_id)
    with pytest.raises(SessionClosed):
        store.revive(session_id)
    with pytest.raises(SessionMissing):
        store.revive(uuid4())


def test_asking_does_not_shorten_the_delay_of_an_urgent_batch(store: BatchStore, session_id: UUID) -> None:
    store.release(claimed(store, session_id), 60, "provider_busy", counts_as_failure=False)

    assert ask(store, session_id, 0, INTERACTIVE) == (BatchStatus.QUEUED, False)
    assert store.claim(session_id, 0, "worker", 30) is None


def test_nothing_new_is_made_for_a_session_that_is_paused_over_or_unknown(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    sessions.pause(session_id)
    with pytest.raises(SessionClosed):
        store.request(session_id, 1, INTERACTIVE)
    sessions.cancel(session_id)
    with pytest.raises(SessionClosed):
        store.request(session_id, 1, PREFETCH)
    with pytest.raises(SessionMissing):
        store.request(uuid4(), 0, INTERACTIVE)


def test_a_row_of_the_web_app_without_a_plan_is_left_alone(
    store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    theirs = uuid4()
    run_sql("INSERT INTO exam_sessions (id, user_id) VALUES (:id, :id)", id=theirs)

    with pytest.raises(SessionMissing):
        store.request(theirs, 0, INTERACTIVE)
    assert store.claim(theirs, 0, "worker", 30) is None
    assert store.sweep(0, 10) == []


def test_two_requests_at_once_make_one_batch(sessions: SessionStore, store: BatchStore) -> None:
    for session_id in (new_session(sessions) for _ in range(5)):
        make_ready(store, session_id, 0)
        answers = at_once([partial(ask, store, session_id, 1, PREFETCH)] * 6)
        assert sorted(created for _, created in answers) == [False] * 5 + [True]


def test_a_request_that_comes_second_finds_the_row_of_the_first(
    engine: Engine, store: BatchStore, session_id: UUID
) -> None:
    """A prefetch inserts the row while a student asks for the batch: the student's urgency is not lost."""
    make_ready(store, session_id, 0)

    def prefetch(connection: Any) -> None:
        assert requests.request(connection, session_id, 1, PREFETCH, waits=False).created

    with while_held(engine, prefetch, partial(store.request, session_id, 1, INTERACTIVE)) as student:
        assert student.result().created is True
    assert claimed(store, session_id, 1).urgency is INTERACTIVE


def test_a_student_who_comes_near_makes_a_queued_batch_urgent_and_restarts_none(
    engine: Engine, store: BatchStore, session_id: UUID
) -> None:
    """D8: only a student who asks for it restarts a failed batch, never one who only moves on."""

    def request_ahead(urgency: Urgency) -> bool:
        with engine.begin() as connection:
            return requests.request(connection, session_id, 1, urgency, waits=False).created

    make_ready(store, session_id, 0)
    assert request_ahead(PREFETCH) is True
    assert [request_ahead(INTERACTIVE) for _ in range(2)] == [True, False]
    claim = claimed(store, session_id, 1)
    assert claim.urgency is INTERACTIVE
    assert request_ahead(INTERACTIVE) is False
    store.fail(claim, "slots_left_open")
    assert request_ahead(INTERACTIVE) is False
    assert store.request(session_id, 1, INTERACTIVE).created is True


def test_a_request_that_waits_for_a_publication_sees_it(
    engine: Engine, store: BatchStore, session_id: UUID
) -> None:
    """Otherwise the student would get the error that the next batch is not the next."""
    claim = claimed(store, session_id)
    fill(store, claim)

    def hold_the_plan(connection: Any) -> None:
        connection.exec_driver_sql("SELECT 1 FROM generation.plans FOR UPDATE")
        connection.exec_driver_sql("UPDATE exam_sessions SET generated_batches = 1")

    with while_held(engine, hold_the_plan, partial(store.request, session_id, 1, INTERACTIVE)) as student:
        assert student.result().created is True
