"""A session as the stores read it: its plan, joined with the web app's row, which has its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, Uuid, bindparam, func, select

from db.tables import WEB_APP_TABLES, exam_sessions, plans, practice_sessions
from generation.errors import SessionMissing
from generation.model import Batch, Difficulty, PracticeChoice, Section, SessionKind, Topic

IN_PROGRESS = "in_progress"
PAUSED = "paused"
ABANDONED = "abandoned"
COMPLETED = "completed"

#: The session's status in the web app's row; NULL when that row does not exist.
session_status: ColumnElement[str | None] = func.coalesce(exam_sessions.c.status, practice_sessions.c.status)

_generated = func.coalesce(exam_sessions.c.generated_batches, practice_sessions.c.generated_batches, 0)

#: plans, joined with both tables of the web app; one of them holds the session.
sessions = plans.outerjoin(exam_sessions, exam_sessions.c.id == plans.c.session_id).outerjoin(
    practice_sessions, practice_sessions.c.id == plans.c.session_id
)


def select_sessions() -> Select[Any]:
    return select(plans, session_status.label("status"), _generated.label("generated_batches")).select_from(
        sessions
    )


def read_session(connection: Connection, session_id: UUID) -> Row[Any]:
    """The session's row. Raises SessionMissing, also for a session of the web app that has no plan."""
    row = connection.execute(select_sessions().where(plans.c.session_id == session_id)).one_or_none()
    if row is None or row.status is None:
        raise SessionMissing(session_id=session_id)
    return row


def lock_session(connection: Connection, session_id: UUID) -> Row[Any]:
    """The session's row, locked until the transaction ends. Raises SessionMissing."""
    lock_row(connection, session_id, SessionKind(read_session(connection, session_id).kind))
    # Read again: this statement sees what the previous holder of the lock committed.
    return read_session(connection, session_id)


def lock_row(connection: Connection, session_id: UUID, kind: SessionKind) -> int:
    """Lock the web app's row until the transaction ends; returns its number of batches, 0 without a row.

    Always the first lock: another transaction may hold that row for long, and must not block ours meanwhile.
    """
    return connection.execute(_locking(kind), {"in_session": session_id}).scalar_one_or_none() or 0


@cache
def _locking(kind: SessionKind) -> Select[Any]:
    row = WEB_APP_TABLES[kind].c
    its_id = bindparam("in_session", type_=Uuid)
    return select(row.generated_batches).where(row.id == its_id).with_for_update(key_share=True)


def batches_of(specs: list[Mapping[str, Any]]) -> tuple[Batch, ...]:
    """The planned batches. Sessions created before `bundle` was stored have bundles of 1."""
    return tuple(
        Batch(s["index"], Section(s["section"]), s["start"], s["size"], s.get("bundle", 1)) for s in specs
    )


def batch_specs(batches: tuple[Batch, ...]) -> list[dict[str, Any]]:
    return [asdict(batch) for batch in batches]


def choice_of(spec: Mapping[str, Any] | None) -> PracticeChoice | None:
    if spec is None:
        return None
    return PracticeChoice(
        section=Section(spec["section"]),
        topics=tuple(Topic(topic) for topic in spec["topics"]),
        difficulty=Difficulty(spec["difficulty"]),
        question_count=spec["questionCount"],
    )


def choice_spec(choice: PracticeChoice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    return {
        "section": choice.section.value,
        "topics": [topic.value for topic in choice.topics],
        "difficulty": choice.difficulty.value,
        "questionCount": choice.question_count,
    }
