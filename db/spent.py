"""What the calls for one batch have used of its budget, from the ledger."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, Connection, Integer, Select, Uuid, bindparam, func, or_, select

from db.ledger import OPEN
from db.tables import attempts
from generation.batch_history import Spent
from generation.budget import ANSWERED
from generation.verdicts import Purpose


def read_spent(connection: Connection, session_id: UUID, batch_index: int, since: datetime | None) -> Spent:
    """The calls that were opened since then, by whichever run; None: all of them.

    A call that is still open counts as answered: it belongs to a run that lost its batch and may yet be paid for.
    """
    which = {"in_session": session_id, "in_batch": batch_index, "in_since": since}
    row = connection.execute(_spent(), which).one()
    return Spent(row.calls, row.microdollars, row.cache_writes)


@cache
def _spent() -> Select[Any]:
    since = bindparam("in_since", type_=TIMESTAMP(timezone=True))
    writing = attempts.c.purpose == Purpose.WRITE
    cache_written = attempts.c.cache_write_5m_tokens + attempts.c.cache_write_1h_tokens > 0
    return select(
        func.count().filter(writing, attempts.c.outcome.in_([*sorted(ANSWERED), OPEN])).label("calls"),
        func.count().filter(writing, cache_written).label("cache_writes"),
        func.coalesce(func.sum(attempts.c.cost_microdollars), 0).label("microdollars"),
    ).where(
        attempts.c.session_id == bindparam("in_session", type_=Uuid),
        attempts.c.batch_index == bindparam("in_batch", type_=Integer),
        or_(since.is_(None), attempts.c.opened_at >= since),
    )
