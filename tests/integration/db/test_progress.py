from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.errors import QuestionNotLoaded
from db.progress import ENOUGH, FRESH_S, LONGEST_S, USUAL, Owner, TimesTaken
from db.sessions import SessionStore
from generation.errors import SessionClosed, SessionMissing
from generation.model import SessionKind, Urgency
from generation.pace import Due, GenerationTimes
from runtime.settings import PlanSettings
from tests.integration.db.exams import exam_plan, make_ready, new_session

PLAN = PlanSettings(prefetch_reading_s=0)


@pytest.fixture
def session_id(sessions: SessionStore, store: BatchStore) -> UUID:
    """An exam of three batches, of which the first is ready."""
    session_id = new_session(sessions, exam_plan((9, 2, 2)))
    make_ready(store, session_id, 0)
    return session_id


def aged(run_sql: Callable[..., Any], seconds: float) -> None:
    run_sql(f"UPDATE generation.plans SET moved_at = moved_at - interval '{seconds} seconds'")


def paces_of(store: BatchStore, session_id: UUID, positions: Iterable[int]) -> list[float | None]:
    return [store.note_progress(session_id, position, plan=PLAN).pace_s for position in positions]


def test_only_the_report_that_makes_the_next_batch_due_requests_it(
    store: BatchStore, session_id: UUID
) -> None:
    wanted = [store.note_progress(session_id, position, plan=PLAN).wanted for position in (4, 5, 6, 6, 7)]
    assert wanted == [None, None, Due(1, Urgency.PREFETCH), None, None]


def test_concurrent_reports_request_a_batch_once(store: BatchStore, session_id: UUID) -> None:
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: store.note_progress(session_id, 7, plan=PLAN), range(8)))
    assert [report.wanted for report in reports if report.wanted] == [Due(1, Urgency.PREFETCH)]


def test_a_report_is_accepted_only_from_the_owner_of_an_open_session(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    [(user_id,)] = run_sql("SELECT user_id FROM generation.plans")
    owner = Owner(user_id, SessionKind.EXAM)
    assert store.note_progress(session_id, 6, plan=PLAN, owner=owner).wanted is not None
    for stranger in (Owner(uuid4(), SessionKind.EXAM), Owner(user_id, SessionKind.PRACTICE)):
        with pytest.raises(SessionMissing):
            store.note_progress(session_id, 8, plan=PLAN, owner=stranger)
    sessions.cancel(session_id)
    with pytest.raises(SessionClosed):
        store.note_progress(session_id, 8, plan=PLAN, owner=owner)
    assert run_sql("SELECT student_position FROM generation.plans") == [(6,)]


def test_the_position_is_stored_when_the_batch_may_not_be_requested(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    sessions.pause(session_id)
    progress = store.note_progress(session_id, 7, plan=PLAN)
    assert progress.wanted is None
    assert isinstance(progress.not_wanted, SessionClosed)
    assert run_sql("SELECT student_position FROM generation.plans") == [(7,)]


def test_the_pace_is_learnt_from_one_report_to_the_next_and_kept(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    paces = []
    for position in range(5):
        paces += paces_of(store, session_id, [position])
        aged(run_sql, 20)
    assert paces[:3] == [None, None, None]
    assert paces[3:] == pytest.approx([20, 20], abs=1)


def test_reports_faster_than_reading_do_not_change_the_pace(store: BatchStore, session_id: UUID) -> None:
    assert paces_of(store, session_id, range(9)) == [None] * 9


def test_looking_back_changes_the_position_but_not_the_pace(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    for position in (0, 1, 2, 1, 3):
        paces_of(store, session_id, [position])
        aged(run_sql, 10)
    assert paces_of(store, session_id, [2]) == [pytest.approx(10, abs=1)]


@pytest.mark.parametrize("position", [9, 12, 13, 9_999])
def test_a_position_without_a_question_is_rejected_and_changes_nothing(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, position: int
) -> None:
    """A stored position far ahead would stay the furthest, and the pace could never be measured again."""
    paces_of(store, session_id, [1])
    with pytest.raises(QuestionNotLoaded):
        paces_of(store, session_id, [position])
    assert run_sql("SELECT student_position, furthest_position FROM generation.plans") == [(1, 1)]


def test_progress_of_an_unknown_session_is_rejected(store: BatchStore) -> None:
    with pytest.raises(SessionMissing):
        paces_of(store, uuid4(), [0])


def written(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], *, took_s: float, how_many: int
) -> None:
    for _ in range(how_many):
        make_ready(store, new_session(sessions), 0)
    run_sql(f"UPDATE generation.batches SET requested_at = ready_at - interval '{took_s} seconds'")


def test_durations_are_the_usual_ones_until_enough_are_measured(
    engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    now = [0.0]
    taken = TimesTaken(clock=lambda: now[0])

    def times(kind: SessionKind) -> GenerationTimes:
        with engine.connect() as connection:
            return taken.of(connection, kind)

    written(sessions, store, run_sql, took_s=3, how_many=ENOUGH - 1)
    assert times(SessionKind.EXAM) == USUAL
    written(sessions, store, run_sql, took_s=3, how_many=1)
    assert times(SessionKind.EXAM) == USUAL, "asked again only when the answer is stale"
    now[0] += FRESH_S + 1
    assert times(SessionKind.EXAM).lanes_s == pytest.approx(3)
    assert times(SessionKind.EXAM).one_lane_s == USUAL.one_lane_s
    assert times(SessionKind.PRACTICE) == USUAL


def test_an_outage_does_not_make_every_batch_due_immediately(
    engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    written(sessions, store, run_sql, took_s=4000, how_many=ENOUGH)
    with engine.connect() as connection:
        assert TimesTaken().of(connection, SessionKind.EXAM).lanes_s == LONGEST_S
