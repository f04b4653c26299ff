"""The heartbeat's statement: every lease of a process is renewed at once, and nothing is waited for.

It reads no table of the web app, whose locks are not ours: a session that ended there is closed by the sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Interval,
    Select,
    Uuid,
    bindparam,
    column,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from db.fence import is_held
from db.tables import batches
from generation.model import Claim


class Lease(NamedTuple):
    """The right to a batch, as it is renewed."""

    session_id: UUID
    batch_index: int
    epoch: int

    @classmethod
    def of(cls, claim: Claim) -> Self:
        return cls(claim.session_id, claim.batch.index, claim.epoch)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of the leases; one that is in neither set is lost."""

    renewed: frozenset[Lease] = frozenset()
    busy: frozenset[Lease] = frozenset()  #: still ours, but somebody writes to the row just now


def renew(connection: Connection, held: Sequence[Lease], ttl_s: float) -> Renewal:
    """Give each lease its full time again, except where that would have to wait for somebody's lock."""
    if not held:
        return Renewal()
    sessions, indexes, epochs = (list(column) for column in zip(*held, strict=True))
    leases = {"in_sessions": sessions, "in_indexes": indexes, "in_epochs": epochs}
    rows = connection.execute(_renewing(), leases | {"in_ttl": timedelta(seconds=ttl_s)}).all()
    return Renewal(
        renewed=frozenset(Lease(*row[:-1]) for row in rows if row.is_renewed),
        busy=frozenset(Lease(*row[:-1]) for row in rows if not row.is_renewed),
    )


@cache
def _renewing() -> Select[Any]:
    """Built once: a worker asks every few seconds, for hundreds of leases."""
    mine = _mine()
    still_mine = is_held(mine.c.session_id, mine.c.batch_index, mine.c.epoch)
    free = (
        select(mine)
        .join_from(mine, batches, still_mine)
        .with_for_update(of=batches, skip_locked=True, key_share=True)
        .cte("free")
    )
    renewed = (
        update(batches)
        .where(is_held(free.c.session_id, free.c.batch_index, free.c.epoch))
        .values(lease_until=lease_end(bindparam("in_ttl", type_=Interval)))
        .returning(batches.c.session_id, batches.c.batch_index)
        .cte("renewed")
    )
    is_renewed = select(renewed).where(
        renewed.c.session_id == mine.c.session_id, renewed.c.batch_index == mine.c.batch_index
    )
    return select(mine, is_renewed.exists().label("is_renewed")).join_from(mine, batches, still_mine)


def lease_end(ttl: ColumnElement[timedelta]) -> Any:
    """Counted from now, not from the start of the transaction: it may have waited for the row."""
    return func.clock_timestamp() + ttl


def _mine() -> CTE:
    """Three arrays, so that it is one statement, however many leases there are."""
    arrays = (
        bindparam("in_sessions", type_=ARRAY(Uuid)),
        bindparam("in_indexes", type_=ARRAY(Integer)),
        bindparam("in_epochs", type_=ARRAY(BigInteger)),
    )
    columns = column("session_id", Uuid), column("batch_index", Integer), column("epoch", BigInteger)
    rows = func.unnest(*arrays).table_valued(*columns).render_derived(name="held")
    return select(*rows.c).cte("mine")
