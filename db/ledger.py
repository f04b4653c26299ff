"""The ledger: what every model call cost. Writes are not fenced, because the money is spent anyway."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row, Update, case, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from db.engine import committing_each
from db.tables import attempts, batches, questions
from generation.model import BatchStatus
from generation.model_call import AttemptRecord, Usage, UsageSource
from generation.verdicts import Purpose

#: Two outcomes besides stop reasons and errors' codes: the call still runs, and it was lost with its worker.
OPEN = "open"
LOST = "lost"

#: The session of attempts whose user is erased.
NOBODY = UUID(int=0)

#: A call may be recorded shortly before its lease is visible, and closed shortly after its batch is released.
_GRACE_PERIOD = literal(timedelta(seconds=30))


class CostKey(StrEnum):
    """The keys that costs can be grouped by."""

    DAY = "day"  # UTC
    PROVIDER = "provider"
    MODEL = "model"
    PURPOSE = "purpose"  # questions written, or answer checks on them
    OUTCOME = "outcome"
    SESSION = "session"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Cost:
    key: str  #: the day, provider, model, purpose, outcome, session or batch index
    attempts: int
    asked: int  #: questions asked for
    accepted: int
    rejected: int
    usage: Usage
    cost_microdollars: Decimal
    counted: int = 0  #: attempts whose output was not reported, and whose received tokens were counted
    estimated: int = 0  #: attempts whose tokens could not all be counted, or whose price is not known
    unknown: int = 0  #: attempts of unknown cost, which is taken as zero


class LedgerStore:
    """Every method is one short transaction. Implements generation.ports.Ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._committing_each = committing_each(engine)

    def open(self, attempt: AttemptRecord) -> None:
        """Record that a call begins, so that it stays known when its worker is killed."""
        with self._committing_each.begin() as connection:
            connection.execute(_opening(), _row(attempt))

    def close(self, attempt: AttemptRecord) -> None:
        """Record how the call ended and what it cost, also when its beginning was not recorded."""
        with self._committing_each.begin() as connection:
            connection.execute(_closing(), _row(attempt))

    def close_lost(self, limit: int) -> int:
        """Close at most `limit` calls whose worker is gone, as LOST and of unknown cost; returns how many.

        A worker that was only disconnected overwrites this with the true outcome when it returns.
        """
        with self._engine.begin() as connection:
            return connection.execute(_closing_lost(limit)).rowcount

    def spent(self, *, session_id: UUID | None = None, since: datetime | None = None) -> Decimal:
        """Micro-dollars spent: in total, on one session, or since a time."""
        query = select(func.coalesce(func.sum(attempts.c.cost_microdollars), 0)).where(
            *_filters(session_id, since, None)
        )
        with self._engine.connect() as connection:
            return Decimal(connection.execute(query).scalar_one())

    def cost_by(
        self,
        key: CostKey,
        *,
        session_id: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cost]:
        """Calls, tokens and cost grouped and ordered by `key`; `until` is exclusive."""
        group = _GROUPS[key]
        query = (
            select(group.label("key"), *_sums())
            .where(*_filters(session_id, since, until))
            .group_by(group)
            .order_by(group)
        )
        with self._engine.connect() as connection:
            return [_cost(row) for row in connection.execute(query)]


#: The attempt's run holds the batch with a lease that has not lapsed.
_LEASED = exists().where(
    batches.c.session_id == attempts.c.session_id,
    batches.c.batch_index == attempts.c.batch_index,
    batches.c.epoch == attempts.c.epoch,
    batches.c.status == BatchStatus.RUNNING,
    batches.c.lease_until > func.now(),
)

_GROUPS: dict[CostKey, Any] = {
    CostKey.DAY: func.to_char(func.timezone("UTC", attempts.c.opened_at), "YYYY-MM-DD"),
    CostKey.PROVIDER: attempts.c.provider,
    CostKey.MODEL: attempts.c.model,
    CostKey.PURPOSE: attempts.c.purpose,
    CostKey.OUTCOME: attempts.c.outcome,
    CostKey.SESSION: attempts.c.session_id,
    CostKey.BATCH: attempts.c.batch_index,
}

#: The column of each kind of token.
_TOKENS = {field.name: f"{field.name}_tokens" for field in fields(Usage)}

_SUMMED = ("accepted", "rejected", *_TOKENS.values(), "cost_microdollars")

#: Only these attempts ask for new questions; the solver answers existing ones.
_WRITES = attempts.c.purpose == Purpose.WRITE


def _sums() -> list[Any]:
    return [
        func.count().label("attempts"),
        func.coalesce(func.sum(attempts.c.asked).filter(_WRITES), 0).label("asked"),
        *(func.sum(attempts.c[name]).label(name) for name in _SUMMED),
        *(
            func.count().filter(attempts.c.usage_source == source).label(source.value)
            for source in (UsageSource.COUNTED, UsageSource.ESTIMATED, UsageSource.UNKNOWN)
        ),
    ]


def _filters(session_id: UUID | None, since: datetime | None, until: datetime | None) -> list[Any]:
    filters: list[Any] = []
    if session_id is not None:
        filters.append(attempts.c.session_id == session_id)
    if since is not None:
        filters.append(attempts.c.opened_at >= since)
    if until is not None:
        filters.append(attempts.c.opened_at < until)
    return filters


def _cost(row: Row[Any]) -> Cost:
    return Cost(
        key=str(row.key),
        attempts=row.attempts,
        asked=row.asked,
        accepted=row.accepted,
        rejected=row.rejected,
        usage=Usage(**{kind: getattr(row, column) for kind, column in _TOKENS.items()}),
        cost_microdollars=row.cost_microdollars,
        counted=row.counted,
        estimated=row.estimated,
        unknown=row.unknown,
    )


@cache
def _opening() -> Insert:
    return insert(attempts).on_conflict_do_nothing()


@cache
def _closing() -> Insert:
    statement = insert(attempts).values(closed_at=func.now())
    # When its user was erased during the call, the row belongs to NOBODY and keeps no id of the provider.
    kept = {"opened_at", "session_id", "batch_index"}
    changed: dict[str, Any] = {c.name: c for c in statement.excluded if c.name not in kept}
    for name in ("request_id", "message_id"):
        changed[name] = case((attempts.c.session_id != NOBODY, changed[name]))
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)


@cache
def _closing_lost(limit: int) -> Update:
    lost = (
        select(attempts.c.id)
        .where(attempts.c.outcome == OPEN, attempts.c.opened_at < func.now() - _GRACE_PERIOD, ~_LEASED)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("lost")
    )
    committed = select(func.count()).where(
        questions.c.session_id == attempts.c.session_id, questions.c.attempt_id == attempts.c.id
    )
    return (
        update(attempts)
        .where(attempts.c.id.in_(select(lost.c.id)))
        .values(
            outcome=LOST,
            usage_source=UsageSource.UNKNOWN,
            accepted=committed.scalar_subquery(),
            closed_at=func.now(),
        )
    )


def _row(attempt: AttemptRecord) -> dict[str, Any]:
    """The columns are named like the fields; only the usage has several."""
    row = {field.name: getattr(attempt, field.name) for field in fields(attempt) if field.name != "usage"}
    return row | {column: getattr(attempt.usage, kind) for kind, column in _TOKENS.items()}
