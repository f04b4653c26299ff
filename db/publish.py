"""Publishing: a ready batch is marked, and appended to the web app's row, in order, each exactly once.

The caller has locked the web app's row, so that of two batches that become ready at the same time, the second
sees the first. New questions are appended, because the web app may have written to its row meanwhile.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Table,
    Update,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from db.errors import BatchIncomplete
from db.fence import NO_LEASE, fence_lost, is_held
from db.published_question import published_content, touched
from db.tables import WEB_APP_TABLES, SlotState, batches, practice_sessions, questions, slots
from generation.model import BatchStatus, Claim, SessionKind


def publish_ready(connection: Connection, session_id: UUID, kind: SessionKind, *, published: int) -> None:
    """Append every batch that is ready and next in order to the session's row, which has `published` batches."""
    table = WEB_APP_TABLES[kind]
    upto = _first_not_ready(connection, session_id, published)
    if upto > published:
        which = {"in_session": session_id, "in_published": published, "in_upto": upto}
        connection.execute(_publishing(table), which)
    else:
        set_generating(connection, session_id, kind)


@cache
def _publishing(table: Table) -> Update:
    session_id = bindparam("in_session", type_=Uuid)
    upto = bindparam("in_upto", type_=Integer)
    values = _publication(table, session_id, bindparam("in_published", type_=Integer), upto)
    values |= {"generation_in_progress": _is_generating(session_id)} | touched(table)
    return update(table).where(table.c.id == session_id).values(values)


def set_generating(connection: Connection, session_id: UUID, kind: SessionKind) -> None:
    """Set the row's generation_in_progress: whether any batch is queued or running."""
    connection.execute(_setting_generating(WEB_APP_TABLES[kind]), {"in_session": session_id})


@cache
def _setting_generating(table: Table) -> Update:
    session_id = bindparam("in_session", type_=Uuid)
    return (
        update(table)
        .where(table.c.id == session_id)
        .values(generation_in_progress=_is_generating(session_id))
    )


def _first_not_ready(connection: Connection, session_id: UUID, published: int) -> int:
    which = {"in_session": session_id, "in_published": published}
    ready = set(connection.execute(_ready(), which).scalars())
    while published in ready:
        published += 1
    return published


@cache
def _ready() -> Select[Any]:
    return select(batches.c.batch_index).where(
        batches.c.session_id == bindparam("in_session", type_=Uuid),
        batches.c.batch_index >= bindparam("in_published", type_=Integer),
        batches.c.status == BatchStatus.READY,
    )


def _publication(table: Table, session_id: Any, published: Any, upto: Any) -> dict[str, Any]:
    new = _aggregated(session_id, published_content(), published, upto)
    ids = _aggregated(session_id, questions.c.content["id"], 0, upto)
    context = func.jsonb_build_object("generatedIds", ids, "lastBatchIndex", upto - literal(1))
    empty_list, empty_object = text("'[]'::jsonb"), text("'{}'::jsonb")
    values = {
        "questions": func.coalesce(table.c.questions, empty_list, type_=JSONB).concat(new),
        "generated_batches": upto,
        "generation_context": func.coalesce(table.c.generation_context, empty_object, type_=JSONB).concat(
            context
        ),
    }
    if table is practice_sessions:
        values["question_count"] = select(func.count()).where(*_of(session_id, 0, upto)).scalar_subquery()
    return values


def _aggregated(session_id: Any, what: Any, start: Any, stop: Any) -> Any:
    listed = func.jsonb_agg(aggregate_order_by(what, questions.c.position))
    query: Select[Any] = select(func.coalesce(listed, text("'[]'::jsonb"))).where(
        *_of(session_id, start, stop)
    )
    return query.scalar_subquery()


def _of(session_id: Any, start: Any, stop: Any) -> tuple[Any, ...]:
    """The questions of the batches from `start` to `stop`, `stop` excluded."""
    return (
        questions.c.session_id == session_id,
        questions.c.batch_index >= start,
        questions.c.batch_index < stop,
    )


def _is_generating(session_id: Any) -> Any:
    return (
        select(batches.c.batch_index)
        .where(
            batches.c.session_id == session_id,
            batches.c.status.in_([BatchStatus.QUEUED, BatchStatus.RUNNING]),
        )
        .exists()
    )


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
