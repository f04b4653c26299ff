"""Marking a full batch ready, in one statement that is built once."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, Uuid, bindparam, func, select, update

from db.errors import BatchIncomplete
from db.fence import NO_LEASE, fence_lost, is_held
from db.tables import SlotState, batches, slots
from generation.model import BatchStatus, Claim


def mark_ready(connection: Connection, claim: Claim) -> None:
    """Mark the claim's batch ready. Raises FenceLost, and BatchIncomplete while a slot is open."""
    which = {"in_session": claim.session_id, "in_batch": claim.batch.index, "in_epoch": claim.epoch}
    row = connection.execute(_marking(), which).one()
    if not row.held:
        raise fence_lost(claim)
    if row.still_open:
        raise BatchIncomplete(
            session_id=claim.session_id, batch_index=claim.batch.index, open_slots=row.still_open
        )


@cache
def _marking() -> Select[Any]:
    """Returns whether the run held the batch and how many slots are open; with open slots the caller rolls back."""
    session_id, index = bindparam("in_session", type_=Uuid), bindparam("in_batch", type_=Integer)
    marked = (
        update(batches)
        .where(is_held(session_id, index, bindparam("in_epoch", type_=BigInteger)))
        .values(status=BatchStatus.READY, ready_at=func.now(), last_error=None, **NO_LEASE)
        .returning(batches.c.batch_index)
        .cte("marked")
    )
    held = select(func.count()).select_from(marked).scalar_subquery()
    still_open = (
        select(func.count())
        .where(
            slots.c.session_id == session_id, slots.c.batch_index == index, slots.c.state == SlotState.OPEN
        )
        .scalar_subquery()
    )
    return select(held.label("held"), still_open.label("still_open"))
