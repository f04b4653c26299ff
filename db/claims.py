"""Taking a batch, and keeping it: the compare-and-set that gives a run its epoch, and the heartbeat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    Uuid,
    and_,
    column,
    extract,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from db.fence import is_batch, is_held
from db.history import earlier_questions
from db.session_row import IN_PROGRESS, PAUSED, batches_of, read_session, session_status, sessions
from db.tables import SlotState, batches, plans, slots
from generation.errors import SessionMissing
from generation.model import (
    BatchStatus,
    Claim,
    SessionKind,
    Slot,
    Track,
    Urgency,
)

#: A batch somebody holds, as the heartbeat names it: session, index, epoch.
Held = tuple[UUID, int, int]


def take(
    connection: Connection, session_id: UUID, batch_index: int, *, owner: str, ttl_s: float
) -> Claim | None:
    """The claim, if the batch may be run now and nobody runs it; None otherwise."""
    try:
        session = read_session(connection, session_id)
    except SessionMissing:
        return None
    if session.status != IN_PROGRESS:
        return None
    taken = connection.execute(_compare_and_set(session_id, batch_index, owner, ttl_s)).one_or_none()
    return None if taken is None else _claim(connection, session, batch_index, taken)


def extend(connection: Connection, held: Sequence[Held], ttl_s: float) -> set[Held]:
    """Give each lease its full time again; those of `held` that are still held, in sessions that go on."""
    if not held:
        return set()
    mine = _values(held)
    alive = (
        select(batches.c.session_id, batches.c.batch_index, batches.c.epoch)
        .select_from(
            batches.join(sessions, plans.c.session_id == batches.c.session_id).join(
                mine, is_held(mine.c.session_id, mine.c.batch_index, mine.c.epoch)
            )
        )
        .where(session_status.in_([IN_PROGRESS, PAUSED]))
        # In one order, so that a heartbeat and a cancel do not wait for each other.
        .order_by(batches.c.session_id, batches.c.batch_index)
        .with_for_update(of=batches, key_share=True)
        .cte("alive")
    )
    renewed = connection.execute(
        update(batches)
        .where(is_held(alive.c.session_id, alive.c.batch_index, alive.c.epoch))
        .values(lease_until=_lease_end(ttl_s))
        .returning(batches.c.session_id, batches.c.batch_index, batches.c.epoch)
    )
    return {(row.session_id, row.batch_index, row.epoch) for row in renewed}


def _compare_and_set(session_id: UUID, batch_index: int, owner: str, ttl_s: float) -> Any:
    due = and_(batches.c.status == BatchStatus.QUEUED, batches.c.not_before <= func.now())
    lapsed = and_(batches.c.status == BatchStatus.RUNNING, batches.c.lease_until < func.now())
    return (
        update(batches)
        .where(is_batch(session_id, batch_index), or_(due, lapsed))
        .values(
            status=BatchStatus.RUNNING,
            epoch=batches.c.epoch + 1,
            runs=batches.c.runs + 1,
            owner=owner,
            lease_until=_lease_end(ttl_s),
            started_at=func.coalesce(batches.c.started_at, func.now()),
        )
        .returning(batches.c.epoch, batches.c.runs, batches.c.failures, batches.c.urgency, _waited_s)
    )


_waited_s = extract(
    "epoch", func.clock_timestamp() - func.greatest(batches.c.requested_at, batches.c.not_before)
).label("waited_s")


def _lease_end(ttl_s: float) -> Any:
    """Counted from now, not from the start of the transaction: it may have waited for the row."""
    return func.clock_timestamp() + literal(timedelta(seconds=ttl_s))


def _claim(connection: Connection, session: Row[Any], batch_index: int, taken: Row[Any]) -> Claim:
    wanted = _open_slots(connection, session.session_id, batch_index)
    return Claim(
        session_id=session.session_id,
        kind=SessionKind(session.kind),
        track=Track(session.track),
        batch=batches_of(session.batches)[batch_index],
        seed=session.seed,
        epoch=taken.epoch,
        runs=taken.runs,
        failures=taken.failures,
        urgency=Urgency(taken.urgency),
        open_slots=wanted,
        earlier=earlier_questions(connection, session.session_id, session.user_id, wanted),
        waited_s=float(taken.waited_s),
    )


def _open_slots(connection: Connection, session_id: UUID, batch_index: int) -> tuple[Slot, ...]:
    query = (
        select(slots.c.spec)
        .where(
            slots.c.session_id == session_id,
            slots.c.batch_index == batch_index,
            slots.c.state == SlotState.OPEN,
        )
        .order_by(slots.c.position)
    )
    return tuple(Slot.from_json(spec) for spec in connection.execute(query).scalars())


def _values(held: Sequence[Held]) -> Any:
    """Three arrays, so that it is one statement, compiled once, however many leases there are."""
    sessions_held, indexes, epochs = zip(*((UUID(str(s)), int(i), int(e)) for s, i, e in held), strict=True)
    columns = column("session_id", Uuid), column("batch_index", Integer), column("epoch", BigInteger)
    arrays = (
        literal(list(sessions_held), ARRAY(Uuid)),
        literal(list(indexes), ARRAY(Integer)),
        literal(list(epochs), ARRAY(BigInteger)),
    )
    held_rows = func.unnest(*arrays).table_valued(*columns).render_derived(name="held")
    return select(*held_rows.c).cte("mine")
