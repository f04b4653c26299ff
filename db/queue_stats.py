"""The depth and age of the queues, and today's spending: the values that alerts watch.

They come from Postgres, which holds the wanted work; the broker's messages only announce it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, and_, func, select

from db.session_row import IN_PROGRESS, session_status, sessions
from db.spend_rate import spent_today
from db.tables import batches, plans
from generation.model import BatchStatus, Urgency


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Unfinished batches of one urgency, in sessions that are in progress."""

    due: int = 0  #: queued, and any worker may claim them now
    deferred: int = 0  #: queued, but not before a later time
    running: int = 0
    lapsed: int = 0  #: running, but the lease has lapsed: of a dead worker, until the next sweep
    oldest_due_s: float = 0.0  #: for how many seconds the oldest has been due


@dataclass(frozen=True, slots=True)
class QueueStats:
    queues: dict[Urgency, QueueDepth]  #: every urgency has one
    workers: int  #: processes that hold a lease now
    deferred_for_providers: int  #: queued again because no provider could write
    spent_today_microdollars: Decimal  #: since midnight UTC


def read_queue_stats(engine: Engine) -> QueueStats:
    """Reads only unfinished batches and today's attempts."""
    with engine.connect() as connection:
        rows = {Urgency(row.urgency): row for row in connection.execute(_QUEUES)}
        return QueueStats(
            queues={urgency: _depth(rows.get(urgency)) for urgency in Urgency},
            workers=connection.execute(_WORKERS).scalar_one(),
            deferred_for_providers=sum(row.for_providers for row in rows.values()),
            spent_today_microdollars=spent_today(connection),
        )


def _depth(row: Any | None) -> QueueDepth:
    if row is None:
        return QueueDepth()
    return QueueDepth(row.due, row.deferred, row.running, row.lapsed, float(row.oldest_due_s or 0))


_now = func.now()
_queued = batches.c.status == BatchStatus.QUEUED
_running = batches.c.status == BatchStatus.RUNNING
_is_due = and_(_queued, batches.c.not_before <= _now)
_is_deferred = and_(_queued, batches.c.not_before > _now)


def _count(condition: Any) -> Any:
    return func.count().filter(condition)


_QUEUES = (
    select(
        batches.c.urgency,
        _count(_is_due).label("due"),
        _count(_is_deferred).label("deferred"),
        _count(and_(_queued, batches.c.last_error.startswith("provider"))).label("for_providers"),
        _count(_running).label("running"),
        _count(and_(_running, batches.c.lease_until < _now)).label("lapsed"),
        func.max(func.extract("epoch", _now - func.greatest(batches.c.requested_at, batches.c.not_before)))
        .filter(_is_due)
        .label("oldest_due_s"),
    )
    .select_from(batches.join(sessions, plans.c.session_id == batches.c.session_id))
    .where(batches.c.status.in_([BatchStatus.QUEUED, BatchStatus.RUNNING]), session_status == IN_PROGRESS)
    .group_by(batches.c.urgency)
)

_WORKERS = select(func.count(func.distinct(batches.c.owner))).where(_running, batches.c.lease_until >= _now)
