"""Claiming a batch: the compare-and-set that gives a run its epoch, and the data that the run needs."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    Interval,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    extract,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from db.fence import is_batch
from db.history import earlier_questions
from db.leases import lease_end
from db.session_row import IN_PROGRESS, batches_of, choice_of, select_sessions
from db.spent import read_spent
from db.tables import SlotState, batches, plans, slots
from generation.batch_history import Spent
from generation.model import BatchStatus, Claim, SessionKind, Slot, Topic, Track, Urgency


def take(
    connection: Connection, session_id: UUID, batch_index: int, *, owner: str, ttl_s: float
) -> Claim | None:
    """The claim if the batch is due and no run holds it; None otherwise. `ttl_s`: seconds of the lease."""
    which = {"in_session": session_id, "in_batch": batch_index}
    lease = {"in_owner": owner, "in_ttl": timedelta(seconds=ttl_s)}
    taken = connection.execute(_compare_and_set(), which | lease).one_or_none()
    return None if taken is None else _claim(connection, batch_index, taken)


@cache
def _compare_and_set() -> ReturningUpdate[Any]:
    """It also returns the session's data: when many students start at once, every saved statement counts."""
    session = select_sessions().where(plans.c.session_id == _SESSION).subquery("session")
    due = and_(batches.c.status == BatchStatus.QUEUED, batches.c.not_before <= func.now())
    lapsed = and_(batches.c.status == BatchStatus.RUNNING, batches.c.lease_until < func.now())
    return (
        update(batches)
        .where(is_batch(session.c.session_id, _INDEX), or_(due, lapsed), session.c.status == IN_PROGRESS)
        .values(
            status=BatchStatus.RUNNING,
            epoch=batches.c.epoch + 1,
            runs=batches.c.runs + 1,
            owner=bindparam("in_owner", type_=Text),
            lease_until=lease_end(bindparam("in_ttl", type_=Interval)),
            started_at=func.coalesce(batches.c.started_at, func.now()),
        )
        .returning(
            batches.c.epoch,
            batches.c.runs,
            batches.c.failures,
            batches.c.rests,
            batches.c.budget_from,
            batches.c.urgency,
            batches.c.traceparent,
            _waited_s,
            *(
                session.c[name]
                for name in ("session_id", "user_id", "kind", "track", "seed", "batches", "practice")
            ),
        )
    )


_SESSION = bindparam("in_session", type_=Uuid)
_INDEX = bindparam("in_batch", type_=Integer)
_waited_s = extract(
    "epoch", func.clock_timestamp() - func.greatest(batches.c.requested_at, batches.c.not_before)
).label("waited_s")


def _claim(connection: Connection, batch_index: int, taken: Row[Any]) -> Claim:
    wanted = open_slots(connection, taken.session_id, batch_index)
    planned, practice = batches_of(taken.batches), choice_of(taken.practice)
    return Claim(
        session_id=taken.session_id,
        kind=SessionKind(taken.kind),
        track=Track(taken.track),
        batch=planned[batch_index],
        seed=taken.seed,
        epoch=taken.epoch,
        runs=taken.runs,
        failures=taken.failures,
        urgency=Urgency(taken.urgency),
        open_slots=wanted,
        earlier=earlier_questions(connection, taken.session_id, taken.user_id, wanted),
        waited_s=float(taken.waited_s),
        traceparent=taken.traceparent,
        spent=_spent(connection, batch_index, taken),
        rests=taken.rests,
        is_last=batch_index == len(planned) - 1,
        topics=practice.topics if practice else tuple(Topic),
    )


def _spent(connection: Connection, batch_index: int, taken: Row[Any]) -> Spent:
    """Before its first run a batch has spent nothing, which saves a query while a student waits."""
    if taken.runs == 1:
        return Spent()
    return read_spent(connection, taken.session_id, batch_index, taken.budget_from)


def open_slots(connection: Connection, session_id: UUID, batch_index: int) -> tuple[Slot, ...]:
    """The batch's slots that have no question, by position."""
    which = {"in_session": session_id, "in_batch": batch_index}
    return tuple(Slot.from_json(spec) for spec in connection.execute(_specs(), which).scalars())


@cache
def _specs() -> Select[Any]:
    return (
        select(slots.c.spec)
        .where(slots.c.session_id == _SESSION, slots.c.batch_index == _INDEX, slots.c.state == SlotState.OPEN)
        .order_by(slots.c.position)
    )
