"""Sessions: created once, visible to their student only, paused, resumed and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from db.batches import BatchStore
from db.creation import keep_key
from db.errors import IdempotencyConflict
from db.events import EventLog
from db.leases import Lease, Renewal
from db.session_status import SessionStatus
from db.sessions import SessionStore
from generation.errors import FenceLost, SessionClosed, SessionMissing
from generation.model import BatchStatus, EventKind, SessionKind, Urgency
from tests.integration.db.exams import (
    STUDENT,
    claimed,
    exam_plan,
    fill,
    make_ready,
    new_session,
    practice_plan,
    question_for,
)
from tests.integration.db.races import at_once, while_held

EXAM = SessionKind.EXAM


def test_defect_10_the_same_key_makes_one_session(
    sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    def create() -> Any:
        return sessions.create(STUDENT, exam_plan(), idempotency_key="click", request_digest="d")

    first, again = create(), create()
    assert (first.replayed, again.replayed) == (False, True)
    assert first.session_id == again.session_id
    assert run_sql("SELECT count(*) FROM exam_sessions") == [(1,)]


def test_defect_10_a_double_click_makes_one_session(
    sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    create = partial(sessions.create, STUDENT, exam_plan(), idempotency_key="click", request_digest="d")
    made = at_once([create] * 6)

    assert len({created.session_id for created in made}) == 1
    assert sorted(created.replayed for created in made) == [False] + [True] * 5
    assert run_sql("SELECT count(*) FROM generation.plans") == [(1,)]


def test_a_second_click_waits_for_the_first_to_be_committed(engine: Engine, sessions: SessionStore) -> None:
    first = uuid4()

    def hold(connection: Any) -> None:
        assert keep_key(connection, STUDENT, "click", "d", first) is None

    second = partial(sessions.create, STUDENT, exam_plan(), idempotency_key="click", request_digest="d")
    with while_held(engine, hold, second) as waiting:
        assert (waiting.result().session_id, waiting.result().replayed) == (first, True)


def test_a_key_of_another_request_is_rejected_and_one_of_another_student_is_not(
    sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="scientific")
    with pytest.raises(IdempotencyConflict):
        sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="literary")
    assert sessions.create(uuid4(), exam_plan(), idempotency_key="k", request_digest="x").replayed is False
    assert run_sql("SELECT count(*) FROM exam_sessions") == [(2,)]


def test_without_a_key_every_request_makes_a_session(sessions: SessionStore) -> None:
    assert new_session(sessions) != new_session(sessions)


def test_a_session_is_missing_for_another_student_and_under_another_kind(
    sessions: SessionStore, session_id: UUID
) -> None:
    for view in (
        partial(sessions.view, session_id, EXAM, uuid4()),
        partial(sessions.view, session_id, SessionKind.PRACTICE, STUDENT),
        partial(sessions.view, uuid4(), EXAM, STUDENT),
        partial(sessions.session_status, session_id, EXAM, uuid4()),
        partial(sessions.session_status, session_id, SessionKind.PRACTICE, STUDENT),
        partial(sessions.session_status, uuid4(), EXAM, STUDENT),
    ):
        with pytest.raises(SessionMissing):
            view()


def test_a_session_that_the_web_app_made_or_deleted_is_missing(
    sessions: SessionStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    theirs = uuid4()
    run_sql("INSERT INTO exam_sessions (id, user_id) VALUES (:id, :user)", id=theirs, user=STUDENT)
    run_sql("DELETE FROM exam_sessions WHERE id = :id", id=session_id)

    for missing in (theirs, session_id):
        with pytest.raises(SessionMissing):
            sessions.view(missing, EXAM, STUDENT)
        with pytest.raises(SessionMissing):
            sessions.session_status(missing, EXAM, STUDENT)
        with pytest.raises(SessionMissing):
            sessions.cancel(missing)
    assert sessions.page(STUDENT, EXAM, 10) == []


def test_pages_show_the_newest_first_and_only_the_students_own(
    sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    made = [new_session(sessions) for _ in range(3)]
    sessions.create(uuid4(), exam_plan())
    practice = new_session(sessions, practice_plan())

    page = sessions.page(STUDENT, EXAM, 2)
    assert [summary.id for summary in page] == [made[2], made[1]]
    rest = sessions.page(STUDENT, EXAM, 2, before=page[-1].created_at)
    assert [summary.id for summary in rest] == [made[0]]
    run_sql("DELETE FROM exam_sessions WHERE id = :id", id=made[2])
    assert [summary.id for summary in sessions.page(STUDENT, EXAM, 2)] == [made[1], made[0]]
    [other] = sessions.page(STUDENT, SessionKind.PRACTICE, 2)
    assert (other.id, other.practice, other.total_questions) == (practice, practice_plan().practice, 4)


def test_a_cancelled_session_fences_off_its_run_and_keeps_what_it_has(
    sessions: SessionStore, store: BatchStore, log: EventLog, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.PREFETCH)
    run = claimed(store, session_id, 1)
    store.accept(run, question_for(run.open_slots[0]), uuid4(), "claude")
    sessions.cancel(session_id)

    assert store.renew([Lease.of(run)], 30) == Renewal()
    with pytest.raises(FenceLost):
        store.accept(run, question_for(run.open_slots[1]), uuid4(), "claude")
    view = sessions.view(session_id, EXAM, STUDENT)
    assert [batch.status for batch in view.batches] == [BatchStatus.READY, BatchStatus.FAILED, None]
    assert (view.batches[1].last_error, len(view.questions)) == ("cancelled", 4)
    assert (view.status, view.generation_in_progress) == ("abandoned", False)
    [row] = run_sql("SELECT status, generation_in_progress, generated_batches FROM exam_sessions")
    assert row == ("abandoned", False, 1)
    [event] = log.after(session_id, view.last_seq - 1)
    assert (event.kind, event.payload) == (EventKind.SESSION, {"status": "abandoned"})


def test_a_cancel_waits_for_an_accept_and_an_accept_for_a_cancel(
    engine: Engine, sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    run = claimed(store, session_id)

    def hold(connection: Any) -> None:
        connection.exec_driver_sql("SELECT 1 FROM generation.batches FOR NO KEY UPDATE")

    with while_held(engine, hold, partial(sessions.cancel, session_id)) as cancelled:
        assert cancelled.result() is None
    with pytest.raises(FenceLost):
        store.accept(run, question_for(run.open_slots[0]), uuid4(), "claude")


def test_cancelling_again_changes_nothing(sessions: SessionStore, log: EventLog, session_id: UUID) -> None:
    sessions.cancel(session_id)
    sessions.cancel(session_id)

    assert log.changed({session_id: -1}) == {session_id: 2}


def test_a_completed_session_stays_completed(
    sessions: SessionStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    run_sql("UPDATE exam_sessions SET status = 'completed'")
    sessions.cancel(session_id)

    assert sessions.view(session_id, EXAM, STUDENT).status == "completed"
    for move in (sessions.pause, sessions.resume):
        with pytest.raises(SessionClosed):
            move(session_id)


def test_a_pause_lets_the_running_batch_end_and_notifies_readers_once(
    sessions: SessionStore, store: BatchStore, log: EventLog, session_id: UUID
) -> None:
    run = claimed(store, session_id)
    sessions.pause(session_id)
    sessions.pause(session_id)
    assert store.renew([Lease.of(run)], 30).renewed == {Lease.of(run)}
    fill(store, run)
    store.finish(run)
    sessions.resume(session_id)

    view = sessions.view(session_id, EXAM, STUDENT)
    assert (view.status, view.generated_batches) == ("in_progress", 1)
    recorded = [
        event.payload["status"] for event in log.after(session_id, 0) if event.kind is EventKind.SESSION
    ]
    assert recorded == ["in_progress", "paused", "in_progress"]


def test_a_failed_creation_leaves_nothing_behind(sessions: SessionStore, run_sql: Callable[..., Any]) -> None:
    """Defect 3: no incomplete session, and no key that names one."""
    run_sql("ALTER TABLE generation.events ADD CONSTRAINT refuse CHECK (kind <> 'session')")
    try:
        with pytest.raises(IntegrityError, match="refuse"):
            sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    finally:
        run_sql("ALTER TABLE generation.events DROP CONSTRAINT refuse")

    for table in ("exam_sessions", "generation.plans", "generation.slots", "generation.idempotency_keys"):
        assert run_sql(f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_batch_is_under_way_when_asking_for_it_would_change_nothing(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    def session_status(batch_index: int) -> SessionStatus:
        return sessions.session_status(session_id, EXAM, STUDENT, batch_index=batch_index)

    claim = claimed(store, session_id)
    assert session_status(0).is_under_way
    assert session_status(1).batch is None
    store.request(session_id, 1, Urgency.PREFETCH)
    assert not session_status(1).is_under_way  # a student who asks for it makes it urgent

    sessions.pause(session_id)
    assert not session_status(0).is_under_way  # a request reports that the session is paused
    fill(store, claim)
    store.finish(claim)
    assert session_status(0).is_ready
    assert (session_status(0).status, session_status(0).last_seq) == (
        "paused",
        sessions.view(session_id, EXAM, STUDENT).last_seq,
    )
