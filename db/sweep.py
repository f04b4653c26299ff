"""The sweep: what is wanted and not under way, compared level by level, whatever was lost before.

Sweeps may run side by side: each takes rows that no other transaction holds (SKIP LOCKED), and a row
that is skipped now is found by the next. Every worker sweeps every second, mostly to find nothing, and building
the statements takes longer than Postgres needs for that: they are built once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Table,
    Update,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from db.events import wake_for
from db.fence import NOBODY
from db.publish import set_generating
from db.session_row import ABANDONED, IN_PROGRESS, PAUSED, session_status, sessions
from db.tables import WEB_APP_TABLES, batches, events, plans
from generation.model import BatchStatus, EventKind, SessionKind, Urgency

SESSION_CLOSED = "session_closed"

#: The end of a session this old is not told any more: nobody has had a stream of it open for so long.
REPORTED_WITHIN = timedelta(days=2)

#: A session whose row is gone counts as abandoned.
_status = func.coalesce(session_status, ABANDONED)
_is_over = _status.not_in([IN_PROGRESS, PAUSED])


@dataclass(frozen=True, slots=True)
class Due:
    """A batch somebody should work on: enqueue it."""

    session_id: UUID
    batch_index: int
    urgency: Urgency


def release_lapsed(connection: Connection, limit: int) -> None:
    """Queue again what a dead or cut-off run holds. Its old epoch writes nothing more."""
    connection.execute(_releasing(limit))


@cache
def _releasing(limit: int) -> Update:
    lapsed = (
        select(batches.c.session_id, batches.c.batch_index)
        .where(batches.c.status == BatchStatus.RUNNING, batches.c.lease_until < func.now())
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (
        update(batches)
        .where(_key_in(lapsed))
        .values(status=BatchStatus.QUEUED, not_before=func.now(), enqueued_at=None, **NOBODY)
    )


def close_orphans(connection: Connection, limit: int) -> None:
    """Give up the batches of sessions that the web app has ended in its own row, or has deleted."""
    for kind in WEB_APP_TABLES:
        for session_id in set(connection.execute(_closing_ended(kind, limit)).scalars()):
            set_generating(connection, session_id, kind)
    connection.execute(_closing_gone(limit))


@cache
def _closing_ended(kind: SessionKind, limit: int) -> ReturningUpdate[Any]:
    table = WEB_APP_TABLES[kind]
    ended = _unfinished().where(table.c.id == batches.c.session_id, _is_over)
    return _giving_up(ended.limit(limit), of=(batches, table))


@cache
def _closing_gone(limit: int) -> ReturningUpdate[Any]:
    return _giving_up(_unfinished().where(session_status.is_(None)).limit(limit), of=(batches,))


def _giving_up(orphans: Select[Any], *, of: tuple[Table, ...]) -> ReturningUpdate[Any]:
    """Whose rows are locked then, `of` them all: what somebody else holds is left for the next pass."""
    free = orphans.with_for_update(of=of, skip_locked=True, key_share=True)
    return (
        update(batches)
        .where(_key_in(free))
        .values(status=BatchStatus.FAILED, last_error=SESSION_CLOSED, epoch=batches.c.epoch + 1, **NOBODY)
        .returning(batches.c.session_id)
    )


def publish_endings(connection: Connection, limit: int) -> None:
    """Record the end of sessions that the web app has ended in its own row: their event streams end with it."""
    ended = (
        select(plans.c.session_id, _status.label("status"))
        .select_from(sessions)
        .where(
            plans.c.closed_at.is_(None), plans.c.created_at > func.now() - literal(REPORTED_WITHIN), _is_over
        )
        .limit(limit)
        .with_for_update(of=plans, skip_locked=True, key_share=True)
        .cte("ended")
    )
    counted = (
        update(plans)
        .where(plans.c.session_id == ended.c.session_id)
        .values(last_seq=plans.c.last_seq + 1, updated_at=func.now(), closed_at=func.now())
        .returning(plans.c.session_id, plans.c.last_seq, ended.c.status)
        .cte("counted")
    )
    payload = func.jsonb_build_object("status", counted.c.status)
    row = select(counted.c.session_id, counted.c.last_seq, literal(EventKind.SESSION.value), payload)
    told = insert(events).from_select(["session_id", "seq", "kind", "payload"], row)
    connection.execute(wake_for(told.returning(events.c.session_id).cte("told")))


def take_due(
    connection: Connection, enqueue_again_s: float, limit: int, *, sooner_s: Mapping[Urgency, float]
) -> list[Due]:
    """Mark as enqueued, and return, what is due and not enqueued recently; what a student waits for first."""
    rows = connection.execute(_taking(enqueue_again_s, limit, tuple(sooner_s.items())))
    ordered = sorted(rows, key=lambda row: (row.urgency != Urgency.INTERACTIVE, row.not_before))
    return [Due(row.session_id, row.batch_index, Urgency(row.urgency)) for row in ordered]


@cache  # one a state of the queues
def _taking(
    enqueue_again_s: float, limit: int, sooner_s: tuple[tuple[Urgency, float], ...]
) -> ReturningUpdate[Any]:
    stale = func.now() - _timeout(enqueue_again_s, dict(sooner_s))
    due = (
        _unfinished()
        .where(
            batches.c.status == BatchStatus.QUEUED,
            batches.c.not_before <= func.now(),
            or_(
                batches.c.enqueued_at.is_(None),
                batches.c.enqueued_at < stale,
                batches.c.enqueued_at
                < batches.c.not_before,  # enqueued too early: whoever came was sent away
            ),
            session_status == IN_PROGRESS,
        )
        .order_by(_urgent_first(), batches.c.not_before)
        .limit(limit)
        .with_for_update(of=batches, skip_locked=True, key_share=True)
    )
    return (
        update(batches)
        .where(_key_in(due))
        .values(enqueued_at=func.now())
        .returning(batches.c.session_id, batches.c.batch_index, batches.c.urgency, batches.c.not_before)
    )


def _timeout(enqueue_again_s: float, sooner_s: Mapping[Urgency, float]) -> Any:
    usual = literal(timedelta(seconds=enqueue_again_s))
    if not sooner_s:
        return usual
    by_urgency = {urgency: literal(timedelta(seconds=seconds)) for urgency, seconds in sooner_s.items()}
    return case(by_urgency, value=batches.c.urgency, else_=usual)


def _unfinished() -> Select[Any]:
    """The keys of queued and running batches, joined with what is known of their sessions."""
    return (
        select(batches.c.session_id, batches.c.batch_index)
        .select_from(batches.join(sessions, plans.c.session_id == batches.c.session_id))
        .where(batches.c.status.in_([BatchStatus.QUEUED, BatchStatus.RUNNING]))
    )


def _key_in(keys: Select[Any]) -> Any:
    # A CTE that locks rows is never normalized into the update, so LIMIT and SKIP LOCKED are applied once.
    found = keys.cte("found")
    return tuple_(batches.c.session_id, batches.c.batch_index).in_(
        select(found.c.session_id, found.c.batch_index)
    )


def _urgent_first() -> Any:
    return case((batches.c.urgency == Urgency.INTERACTIVE, 0), else_=1)
