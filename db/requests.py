"""Requests for a batch: which batch may be requested, and what a request changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, insert, select, update

from db.fence import is_batch
from db.publish import set_generating
from db.session_row import IN_PROGRESS, lock_session
from db.tables import batches
from generation.errors import BatchNotNext, SessionClosed
from generation.model import BatchStatus, SessionKind, Urgency


@dataclass(frozen=True, slots=True)
class Requested:
    status: BatchStatus
    created: bool  #: True: the caller enqueues the batch, on the queue of the requested urgency


def request(
    connection: Connection,
    session_id: UUID,
    batch_index: int,
    urgency: Urgency,
    *,
    waits: bool,
    traceparent: str | None = None,
) -> Requested:
    """BatchStore.request in one transaction. `waits`: a student waits for the batch now."""
    session = lock_session(connection, session_id)
    row = _lock_batch(connection, session_id, batch_index)
    if row is not None and row.status == BatchStatus.READY:
        return Requested(BatchStatus.READY, created=False)
    if session.status != IN_PROGRESS:
        raise SessionClosed(session_id=session_id)
    _check_next(session, batch_index, urgency)
    if row is None:
        return _insert(connection, session, batch_index, urgency=urgency, traceparent=traceparent)
    return _ask_again(connection, session, row, urgency=urgency, waits=waits, traceparent=traceparent)


def revive(connection: Connection, session_id: UUID) -> list[int]:
    """Queue the failed batches of a session in progress with their old urgency and a new budget, for the sweep.

    Returns their indexes. Raises SessionMissing and SessionClosed.
    """
    session = lock_session(connection, session_id)
    if session.status != IN_PROGRESS:
        raise SessionClosed(session_id=session_id)
    revived = connection.execute(
        update(batches)
        .where(batches.c.session_id == session_id, batches.c.status == BatchStatus.FAILED)
        .values(_QUEUED_AGAIN | {"enqueued_at": None, "rests": 0, "budget_from": func.now()})
        .returning(batches.c.batch_index)
    )
    indexes = sorted(revived.scalars())
    set_generating(connection, session_id, SessionKind(session.kind))
    return indexes


def _lock_batch(connection: Connection, session_id: UUID, batch_index: int) -> Row[Any] | None:
    is_resting = (batches.c.not_before > func.now()).label("is_resting")
    query = (
        select(batches, is_resting).where(is_batch(session_id, batch_index)).with_for_update(key_share=True)
    )
    return connection.execute(query).one_or_none()


def _check_next(session: Row[Any], batch_index: int, urgency: Urgency) -> None:
    ahead = 1 if urgency is Urgency.PREFETCH else 0
    last = min(session.generated_batches + ahead, len(session.batches) - 1)
    if not 0 <= batch_index <= last:
        raise BatchNotNext(
            expected=session.generated_batches, session_id=session.session_id, batch_index=batch_index
        )


def _insert(
    connection: Connection,
    session: Row[Any],
    batch_index: int,
    *,
    urgency: Urgency,
    traceparent: str | None,
) -> Requested:
    """No other request can insert it: every request for a batch of this session holds the session's row."""
    key = {"session_id": session.session_id, "batch_index": batch_index}
    preferred = {"urgency": urgency, "traceparent": traceparent}
    connection.execute(insert(batches).values(**key, **preferred, enqueued_at=func.now()))
    set_generating(connection, session.session_id, SessionKind(session.kind))
    return Requested(BatchStatus.QUEUED, created=True)


def _ask_again(
    connection: Connection,
    session: Row[Any],
    row: Row[Any],
    *,
    urgency: Urgency,
    waits: bool,
    traceparent: str | None,
) -> Requested:
    """Request a batch again that has a row.

    A student who waits revives a failed batch, and makes a prefetch urgent and due at once. An urgent request
    without a waiting student does this only to a queued batch (D8: moving on must not restart a failed batch).
    A prefetch request changes nothing. A rest, and the pause after a run that failed, keep their length.
    """
    status = BatchStatus(row.status)
    unchanged = Requested(status, created=False)
    if not waits and status is not BatchStatus.QUEUED:
        return unchanged
    if status is BatchStatus.FAILED and row.is_resting:
        return unchanged
    if urgency is Urgency.PREFETCH or (status is not BatchStatus.FAILED and row.urgency == urgency):
        return unchanged
    values: dict[str, Any] = {"urgency": urgency}
    if status is not BatchStatus.RUNNING:
        values |= {"traceparent": traceparent} | _queued_now(status)
    connection.execute(update(batches).where(is_batch(row.session_id, row.batch_index)).values(values))
    if status is BatchStatus.RUNNING:
        # It needs no message and continues its trace; the new urgency counts if its run releases it.
        return unchanged
    if status is BatchStatus.FAILED:
        set_generating(connection, row.session_id, SessionKind(session.kind))
    return Requested(BatchStatus.QUEUED, created=True)


#: The values of a failed batch that is requested again.
_QUEUED_AGAIN: dict[str, Any] = {
    "status": BatchStatus.QUEUED,
    "failures": 0,
    "last_error": None,
    "not_before": func.now(),
    "requested_at": func.now(),
    "enqueued_at": func.now(),
}


def _queued_now(status: BatchStatus) -> dict[str, Any]:
    """The values of a failed or queued batch that the caller enqueues."""
    if status is BatchStatus.FAILED:
        return _QUEUED_AGAIN
    due = case((batches.c.failures == 0, func.now()), else_=batches.c.not_before)
    return {"not_before": due, "enqueued_at": func.now()}
