"""The sweep: finds requested batches that no worker works on, whatever was lost: a message, a worker, a lease.

Sweeps may run at the same time: each takes only rows that no other transaction has locked (SKIP LOCKED), and
the next sweep finds the skipped rows. Every worker sweeps every second and mostly finds nothing. Building a
statement takes longer than that query, so the statements are built once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple
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
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from db.events import wake_for
from db.fence import NO_LEASE, is_one_of
from db.publish import set_generating
from db.session_row import ABANDONED, IN_PROGRESS, PAUSED, session_status, sessions
from db.tables import WEB_APP_TABLES, batches, events, plans
from generation.model import BatchStatus, EventKind, SessionKind, Urgency

SESSION_CLOSED = "session_closed"

#: The end of an older session is not recorded as an event: no client keeps a stream open for so long.
REPORTED_WITHIN = timedelta(days=2)

#: A session without a row in the web app's tables counts as abandoned.
_status = func.coalesce(session_status, ABANDONED)
_is_over = _status.not_in([IN_PROGRESS, PAUSED])


class Due(NamedTuple):
    """A batch that a worker should claim now: the caller enqueues it."""

    session_id: UUID
    batch_index: int
    urgency: Urgency


def release_lapsed(connection: Connection, limit: int) -> None:
    """Queue again at most `limit` batches whose lease lapsed: their run is dead or disconnected.

    From then on that run can write nothing more.
    """
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
        .where(is_one_of(lapsed))
        .values(status=BatchStatus.QUEUED, not_before=func.now(), enqueued_at=None, **NO_LEASE)
    )


def close_orphans(connection: Connection, limit: int) -> None:
    """Fail unfinished batches of sessions that the web app ended in its own row or deleted."""
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
    """Fail the orphans. Rows of the tables `of` are locked first; locked rows are left to the next sweep."""
    free = orphans.with_for_update(of=of, skip_locked=True, key_share=True)
    return (
        update(batches)
        .where(is_one_of(free))
        .values(status=BatchStatus.FAILED, last_error=SESSION_CLOSED, epoch=batches.c.epoch + 1, **NO_LEASE)
        .returning(batches.c.session_id)
    )


def publish_endings(connection: Connection, limit: int) -> None:
    """Record the end of sessions that the web app ended in its own row, which also ends their event streams."""
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
    recorded = insert(events).from_select(["session_id", "seq", "kind", "payload"], row)
    connection.execute(wake_for(recorded.returning(events.c.session_id).cte("recorded")))


def take_due(
    connection: Connection, enqueue_again_s: float, limit: int, *, sooner_s: Mapping[Urgency, float]
) -> list[Due]:
    """Mark as enqueued and return the batches that are due and were not enqueued recently, urgent ones first."""
    rows = connection.execute(_taking(enqueue_again_s, limit, tuple(sooner_s.items())))
    ordered = sorted(rows, key=lambda row: (row.urgency != Urgency.INTERACTIVE, row.not_before))
    return [Due(row.session_id, row.batch_index, Urgency(row.urgency)) for row in ordered]


@cache  # one statement for each combination of timeouts
def _taking(
    enqueue_again_s: float, limit: int, sooner_s: tuple[tuple[Urgency, float], ...]
) -> ReturningUpdate[Any]:
    urgent_first = case((batches.c.urgency == Urgency.INTERACTIVE, 0), else_=1)
    stale = func.now() - _timeout(enqueue_again_s, dict(sooner_s))
    due = (
        _unfinished()
        .where(
            batches.c.status == BatchStatus.QUEUED,
            batches.c.not_before <= func.now(),
            or_(
                batches.c.enqueued_at.is_(None),
                batches.c.enqueued_at < stale,
                # Enqueued too early: the worker that received the message could not claim the batch yet.
                batches.c.enqueued_at < batches.c.not_before,
            ),
            session_status == IN_PROGRESS,
        )
        .order_by(urgent_first, batches.c.not_before)
        .limit(limit)
        .with_for_update(of=batches, skip_locked=True, key_share=True)
    )
    return (
        update(batches)
        .where(is_one_of(due))
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
    """The keys of queued and running batches, joined with their sessions."""
    return (
        select(batches.c.session_id, batches.c.batch_index)
        .select_from(batches.join(sessions, plans.c.session_id == batches.c.session_id))
        .where(batches.c.status.in_([BatchStatus.QUEUED, BatchStatus.RUNNING]))
    )
