from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.errors import QuestionNotLoaded
from db.progress import ENOUGH, FRESH_S, LONGEST_S, USUAL, TimesTaken
from db.sessions import SessionStore
from generation.errors import SessionMissing
from generation.model import SessionKind
from tests.integration.db.exams import exam_plan, make_ready, new_session


@pytest.fixture
def session_id(sessions: SessionStore, store: BatchStore) -> UUID:
    """An exam of three batches, the first of which is there."""
    session_id = new_session(sessions, exam_plan((9, 2, 2)))
    make_ready(store, session_id, 0)
    return session_id


def aged(run_sql: Callable[..., Any], seconds: float) -> None:
    run_sql(f"UPDATE generation.plans SET moved_at = moved_at - interval '{seconds} seconds'")


def test_progress_tells_the_plan_and_what_is_published(sessions: SessionStore, session_id: UUID) -> None:
    moved = sessions.record_progress(session_id, 4)
    assert (moved.kind, moved.position, moved.batches, moved.generated, moved.pace_s) == (
        SessionKind.EXAM,
        4,
        exam_plan((9, 2, 2)).batches,
        1,
        None,
    )


def test_the_pace_is_learnt_from_one_report_to_the_next_and_kept(
    sessions: SessionStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    paces = []
    for position in range(5):
        paces.append(sessions.record_progress(session_id, position).pace_s)
        aged(run_sql, 20)
    assert paces[:3] == [None, None, None]
    assert paces[3:] == pytest.approx([20, 20], abs=1)


def test_reports_faster_than_reading_teach_nothing(sessions: SessionStore, session_id: UUID) -> None:
    assert [sessions.record_progress(session_id, position).pace_s for position in range(9)] == [None] * 9


def test_looking_back_is_remembered_as_the_place_but_not_as_the_pace(
    sessions: SessionStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    for position in (0, 1, 2, 1, 3):
        sessions.record_progress(session_id, position)
        aged(run_sql, 10)
    assert sessions.record_progress(session_id, 2).pace_s == pytest.approx(10, abs=1)


@pytest.mark.parametrize("position", [9, 12, 13, 9_999])
def test_a_question_that_is_not_there_is_no_place_to_be_and_teaches_nothing(
    sessions: SessionStore, run_sql: Callable[..., Any], session_id: UUID, position: int
) -> None:
    """A position far ahead that was remembered would be the furthest for good, and no pace learnt any more."""
    sessions.record_progress(session_id, 1)
    with pytest.raises(QuestionNotLoaded):
        sessions.record_progress(session_id, position)
    assert run_sql("SELECT student_position, furthest_position FROM generation.plans") == [(1, 1)]


def test_progress_of_an_unknown_session_is_refused(sessions: SessionStore) -> None:
    with pytest.raises(SessionMissing):
        sessions.record_progress(uuid4(), 0)


def written(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], *, took_s: float, how_many: int
) -> None:
    for _ in range(how_many):
        make_ready(store, new_session(sessions), 0)
    run_sql(f"UPDATE generation.batches SET requested_at = ready_at - interval '{took_s} seconds'")


def test_times_are_the_usual_ones_until_enough_is_measured(
    engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    now = [0.0]
    times = TimesTaken(engine, clock=lambda: now[0])
    written(sessions, store, run_sql, took_s=3, how_many=ENOUGH - 1)
    assert times.of(SessionKind.EXAM) == USUAL
    written(sessions, store, run_sql, took_s=3, how_many=1)
    assert times.of(SessionKind.EXAM) == USUAL, "asked again only when the answer is stale"
    now[0] += FRESH_S + 1
    assert times.of(SessionKind.EXAM).lanes_s == pytest.approx(3)
    assert times.of(SessionKind.EXAM).one_lane_s == USUAL.one_lane_s
    assert times.of(SessionKind.PRACTICE) == USUAL


def test_an_outage_does_not_make_every_exam_be_written_ahead(
    engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    written(sessions, store, run_sql, took_s=4000, how_many=ENOUGH)
    assert TimesTaken(engine).of(SessionKind.EXAM).lanes_s == LONGEST_S
