"""One session as its rows tell it: batches, model calls and committed questions, with the time of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, func, select

from db.operator_queries import begin_look
from db.session_row import batches_of
from db.tables import attempts, batches, plans, questions
from generation.model import BatchStatus, Section, SessionKind, Track, Urgency
from generation.verdicts import Purpose

#: A session that had more calls shows its first ones; a healthy exam has about forty.
MOST_CALLS = 500


@dataclass(frozen=True, slots=True)
class TimelineCall:
    """One model call."""

    id: UUID
    batch_index: int
    epoch: int  #: of the run that made it
    provider: str
    model: str
    purpose: Purpose
    outcome: str
    asked: int
    accepted: int
    rejected: int
    cost_microdollars: Decimal
    first_token_ms: int | None
    opened_at: datetime
    closed_at: datetime | None  #: None while it runs

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        values = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**values | {"purpose": Purpose(row.purpose)})


@dataclass(frozen=True, slots=True)
class Commit:
    """One question that is in the exam now."""

    position: int
    batch_index: int
    attempt_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class TimelineBatch:
    """One batch that was requested at least once."""

    batch_index: int
    section: Section
    size: int
    status: BatchStatus
    urgency: Urgency
    runs: int
    failures: int
    owner: str | None  #: host and process id of the worker that writes it now
    last_error: str | None
    requested_at: datetime
    started_at: datetime | None
    first_question_at: datetime | None
    ready_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionTimeline:
    now: datetime
    session_id: UUID
    kind: SessionKind
    track: Track
    created_at: datetime
    total_questions: int
    planned_batches: int
    student_position: int | None
    batches: tuple[TimelineBatch, ...]  #: by index
    calls: tuple[TimelineCall, ...]  #: in the order in which they began, at most MOST_CALLS
    commits: tuple[Commit, ...]  #: by position

    @property
    def is_complete(self) -> bool:
        """Every planned batch is ready."""
        ready = [batch for batch in self.batches if batch.status is BatchStatus.READY]
        return len(ready) == self.planned_batches

    @property
    def cost_microdollars(self) -> Decimal:
        return sum((call.cost_microdollars for call in self.calls), Decimal(0))


def read_session_timeline(engine: Engine, session_id: UUID) -> SessionTimeline | None:
    """The session as of one moment; None when there is no such session."""
    with engine.connect() as connection:
        begin_look(connection)
        query = select(plans, func.now().label("now")).where(plans.c.session_id == session_id)
        row = connection.execute(query).one_or_none()
        return None if row is None else _timeline(connection, row)


def _timeline(connection: Connection, row: Row[Any]) -> SessionTimeline:
    planned = batches_of(row.batches)
    return SessionTimeline(
        now=row.now,
        session_id=row.session_id,
        kind=SessionKind(row.kind),
        track=Track(row.track),
        created_at=row.created_at,
        total_questions=row.total_questions,
        planned_batches=len(planned),
        student_position=row.student_position,
        batches=tuple(_batches(connection, row.session_id, planned)),
        calls=tuple(_calls(connection, row.session_id)),
        commits=tuple(_commits(connection, row.session_id)),
    )


def _batches(connection: Connection, session_id: UUID, planned: Any) -> list[TimelineBatch]:
    query = select(batches).where(batches.c.session_id == session_id).order_by(batches.c.batch_index)
    return [
        TimelineBatch(
            batch_index=row.batch_index,
            section=planned[row.batch_index].section,
            size=planned[row.batch_index].size,
            status=BatchStatus(row.status),
            urgency=Urgency(row.urgency),
            runs=row.runs,
            failures=row.failures,
            owner=row.owner,
            last_error=row.last_error,
            requested_at=row.requested_at,
            started_at=row.started_at,
            first_question_at=row.first_question_at,
            ready_at=row.ready_at,
        )
        for row in connection.execute(query)
    ]


def _calls(connection: Connection, session_id: UUID) -> list[TimelineCall]:
    query = (
        select(attempts)
        .where(attempts.c.session_id == session_id)
        .order_by(attempts.c.opened_at, attempts.c.id)
        .limit(MOST_CALLS)
    )
    return [TimelineCall.of(row) for row in connection.execute(query)]


def _commits(connection: Connection, session_id: UUID) -> list[Commit]:
    columns = (questions.c.position, questions.c.batch_index, questions.c.attempt_id, questions.c.created_at)
    query = select(*columns).where(questions.c.session_id == session_id).order_by(questions.c.position)
    return [Commit(*row) for row in connection.execute(query)]
