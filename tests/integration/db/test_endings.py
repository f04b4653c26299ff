"""When the web app ends a session in its own row, the sweep records the event for the session's readers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from db.batches import BatchStore
from db.events import EventLog
from db.sessions import SessionStore
from generation.model import EventKind
from tests.integration.db.exams import make_ready, new_session, practice_plan
from tests.integration.db.races import at_once

MANY = 100


@pytest.fixture
def endings(log: EventLog) -> Callable[[UUID], list[Any]]:
    """The statuses that were recorded after the session began."""

    def recorded(session_id: UUID) -> list[Any]:
        events = [event for event in log.after(session_id, 1) if event.kind is EventKind.SESSION]
        return [event.payload["status"] for event in events]

    return recorded


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("UPDATE exam_sessions SET status = 'completed'", "completed"),
        ("DELETE FROM exam_sessions", "abandoned"),
    ],
)
def test_the_end_of_an_exam_is_recorded_once_also_when_nothing_was_left_to_write(
    sessions: SessionStore,
    store: BatchStore,
    session_id: UUID,
    endings: Callable[[UUID], list[Any]],
    *,
    run_sql: Callable[..., Any],
    ending: str,
    status: str,
) -> None:
    make_ready(store, session_id, 0)
    sessions.publish_endings(MANY)
    assert endings(session_id) == []

    run_sql(ending)
    for _ in range(2):
        sessions.publish_endings(MANY)
    assert endings(session_id) == [status]


def test_a_practice_session_ends_like_an_exam(
    sessions: SessionStore, endings: Callable[[UUID], list[Any]], run_sql: Callable[..., Any]
) -> None:
    practice, exam = new_session(sessions, practice_plan()), new_session(sessions)
    run_sql("UPDATE practice_sessions SET status = 'completed'")
    sessions.publish_endings(MANY)

    assert (endings(practice), endings(exam)) == (["completed"], [])


def test_a_paused_exam_has_not_ended_and_the_end_of_a_cancelled_one_is_already_recorded(
    sessions: SessionStore, session_id: UUID, endings: Callable[[UUID], list[Any]]
) -> None:
    sessions.pause(session_id)
    sessions.publish_endings(MANY)
    sessions.cancel(session_id)
    sessions.publish_endings(MANY)

    assert endings(session_id) == ["paused", "abandoned"]


def test_the_end_of_an_old_exam_is_not_recorded(
    sessions: SessionStore,
    session_id: UUID,
    endings: Callable[[UUID], list[Any]],
    run_sql: Callable[..., Any],
) -> None:
    run_sql("UPDATE exam_sessions SET status = 'completed'")
    run_sql("UPDATE generation.plans SET created_at = now() - interval '3 days'")
    sessions.publish_endings(MANY)

    assert endings(session_id) == []


def test_concurrent_workers_record_each_end_once(
    sessions: SessionStore, endings: Callable[[UUID], list[Any]], run_sql: Callable[..., Any]
) -> None:
    made = [new_session(sessions) for _ in range(20)]
    run_sql("UPDATE exam_sessions SET status = 'completed'")
    at_once([partial(sessions.publish_endings, MANY)] * 4)

    assert [endings(session_id) for session_id in made] == [["completed"]] * 20
