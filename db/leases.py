"""The heartbeat's statement: it renews all leases of a process at once and waits for no lock.

It reads only our tables, because the web app may lock its own for long; the sweep closes sessions that ended there.
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
    """The right to a batch, as the heartbeat renews it."""

    session_id: UUID
    batch_index: int
    epoch: int

    @classmethod
    def of(cls, claim: Claim) -> Self:
        return cls(claim.session_id, claim.batch.index, claim.epoch)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What happened to the leases; a lease in neither set is lost."""

    renewed: frozenset[Lease] = frozenset()
    busy: frozenset[Lease] = frozenset()  #: still ours, but another transaction holds the row


def renew(connection: Connection, held: Sequence[Lease], ttl_s: float) -> Renewal:
    """Renew each lease for `ttl_s` seconds, except where another transaction has locked the row."""
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
    """Built once: a worker runs it every few seconds, for hundreds of leases."""
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
    """Counted from now, not from the start of the transaction, which may have waited for the row."""
    return func.clock_timestamp() + ttl


def _mine() -> CTE:
    """The leases as three arrays, so that one statement serves any number of them."""
    arrays = (
        bindparam("in_sessions", type_=ARRAY(Uuid)),
        bindparam("in_indexes", type_=ARRAY(Integer)),
        bindparam("in_epochs", type_=ARRAY(BigInteger)),
    )
    columns = column("session_id", Uuid), column("batch_index", Integer), column("epoch", BigInteger)
    rows = func.unnest(*arrays).table_valued(*columns).render_derived(name="held")
    return select(*rows.c).cte("mine")
