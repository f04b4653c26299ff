"""Queries for an operator: the sessions, the batches and attempts of one, and what failed.

They read across all users, so only the operators' page, `/ops`, and commands use them. No result contains question
text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, func, select, text

from db.tables import attempts, batches, plans, questions, slots
from generation.model import BatchStatus, SessionKind, Track, Urgency
from generation.verdicts import Purpose, Verdict

#: A look that takes longer is given up, so that it never holds a connection that students need.
LOOK_TIMEOUT_MS = 4000


@dataclass(frozen=True, slots=True)
class SessionLine:
    session_id: UUID
    kind: SessionKind
    track: Track
    created_at: datetime
    questions: int  #: committed
    total_questions: int
    batches: dict[BatchStatus, int]  #: how many are in each state; one that was never requested has none
    cost_microdollars: Decimal

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        states = sorted(Counter(row.states or ()).items())
        return cls(
            session_id=row.session_id,
            kind=SessionKind(row.kind),
            track=Track(row.track),
            created_at=row.created_at,
            questions=row.committed,
            total_questions=row.total_questions,
            batches={BatchStatus(state): count for state, count in states},
            cost_microdollars=row.spent,
        )


@dataclass(frozen=True, slots=True)
class BatchLine:
    batch_index: int
    status: BatchStatus
    urgency: Urgency
    runs: int
    failures: int
    owner: str | None
    last_error: str | None
    requested_at: datetime
    first_question_at: datetime | None
    ready_at: datetime | None
    not_before: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        values = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**values | {"status": BatchStatus(row.status), "urgency": Urgency(row.urgency)})


@dataclass(frozen=True, slots=True)
class AttemptLine:
    batch_index: int
    opened_at: datetime
    provider: str
    model: str
    purpose: Purpose
    outcome: str
    asked: int
    accepted: int
    rejected: int
    cost_microdollars: Decimal
    first_token_ms: int | None
    duration_ms: int | None
    request_id: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        values = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**values | {"purpose": Purpose(row.purpose)})


@dataclass(frozen=True, slots=True)
class Quality:
    """What the rules and the solver found about a session's questions, in counts."""

    questions: int  #: committed
    checked: int  #: by the solver: the sum of the next two
    agreed: int
    disputed_kept: int  #: disputed, but no longer replaceable: replaced once already, or a student waited
    rewritten: int  #: slots whose first question was disputed and replaced
    rejected: int  #: objects that never became a question; a metric counts the reasons


class OperatorView:
    """Every method is one short read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sessions(self, limit: int, *, failed: bool = False) -> list[SessionLine]:
        """The newest sessions of all users, at most `limit`; with `failed`, only those with a failed batch."""
        wanted = select(plans)
        if failed:
            is_failed = batches.c.session_id == plans.c.session_id, batches.c.status == BatchStatus.FAILED
            wanted = wanted.where(select(batches.c.session_id).where(*is_failed).exists())
        newest = wanted.order_by(plans.c.created_at.desc()).limit(limit).subquery()
        committed = select(func.count()).where(questions.c.session_id == newest.c.session_id)
        spent = select(func.coalesce(func.sum(attempts.c.cost_microdollars), 0)).where(
            attempts.c.session_id == newest.c.session_id
        )
        states = select(func.array_agg(batches.c.status)).where(batches.c.session_id == newest.c.session_id)
        query = select(
            newest,
            committed.scalar_subquery().label("committed"),
            spent.scalar_subquery().label("spent"),
            states.scalar_subquery().label("states"),
        ).order_by(newest.c.created_at.desc())
        with self._engine.connect() as connection:
            return [SessionLine.of(row) for row in connection.execute(query)]

    def batches(self, session_id: UUID) -> list[BatchLine]:
        """Every batch of the session that was ever requested, by index."""
        query = select(batches).where(batches.c.session_id == session_id).order_by(batches.c.batch_index)
        with self._engine.connect() as connection:
            return [BatchLine.of(row) for row in connection.execute(query)]

    def quality(self, session_id: UUID) -> Quality:
        """The session's counts so far."""
        of_session = questions.c.session_id == session_id
        counts = [func.count().filter(questions.c.solver_verdict == verdict) for verdict in Verdict]
        rewritten = select(func.coalesce(func.sum(slots.c.disputes), 0)).where(
            slots.c.session_id == session_id
        )
        rejected = select(func.coalesce(func.sum(attempts.c.rejected), 0)).where(
            attempts.c.session_id == session_id
        )
        query = select(func.count(), *counts, rewritten.scalar_subquery(), rejected.scalar_subquery())
        with self._engine.connect() as connection:
            committed, agreed, kept, *rest = connection.execute(query.where(of_session)).one()
        return Quality(committed, agreed + kept, agreed, kept, *rest)

    def attempts(self, session_id: UUID) -> list[AttemptLine]:
        """Every model call made for the session, in the order in which they began."""
        query = select(attempts).where(attempts.c.session_id == session_id).order_by(attempts.c.opened_at)
        with self._engine.connect() as connection:
            return [AttemptLine.of(row) for row in connection.execute(query)]


def begin_look(connection: Connection) -> None:
    """Let the transaction see one moment, only read, and end each statement after LOOK_TIMEOUT_MS."""
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    connection.execute(text(f"SET LOCAL statement_timeout = {LOOK_TIMEOUT_MS}"))
