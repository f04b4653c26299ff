"""The fence: which rows a run may still write. Every write of a run is conditional on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, tuple_

from db.tables import batches
from generation.errors import FenceLost
from generation.model import BatchStatus, Claim


def is_batch(session_id: Any, batch_index: Any) -> ColumnElement[bool]:
    return and_(batches.c.session_id == session_id, batches.c.batch_index == batch_index)


def is_one_of(keys: Select[Any]) -> ColumnElement[bool]:
    """True of the batches whose keys `keys` selects and locks."""
    # Postgres never inlines a CTE that locks rows, so LIMIT and SKIP LOCKED are applied once.
    found = keys.cte("found")
    return tuple_(batches.c.session_id, batches.c.batch_index).in_(select(found))


def held_by(claim: Claim) -> ColumnElement[bool]:
    """True of the batch's row while this run owns it.

    A run whose lease lapsed still owns the batch until the sweep or another run takes it.
    """
    return is_held(claim.session_id, claim.batch.index, claim.epoch)


def is_held(session_id: Any, batch_index: Any, epoch: Any) -> ColumnElement[bool]:
    """Like `held_by`, for values, parameters or columns."""
    return and_(
        is_batch(session_id, batch_index), batches.c.epoch == epoch, batches.c.status == BatchStatus.RUNNING
    )


def fence_lost(claim: Claim) -> FenceLost:
    return FenceLost(session_id=claim.session_id, batch_index=claim.batch.index, epoch=claim.epoch)


#: The lease columns of a batch that no run holds.
NO_LEASE: dict[str, Any] = {"owner": None, "lease_until": None}
