"""Slots that deviate from the plan, and a session whose last batch ends short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, func, select, update

from db.events import record
from db.fence import fence_lost, held_by
from db.session_row import batch_specs, batches_of
from db.tables import WEB_APP_TABLES, SlotState, batches, exam_sessions, plans, questions, slots
from generation.model import Claim, EventKind, Slot


def replace_slots(connection: Connection, claim: Claim, replacing: Sequence[Slot]) -> None:
    """RunStore.replace_slots in one transaction. What was planned first is kept beside the new slot."""
    _lock(connection, claim)
    for slot in replacing:
        connection.execute(
            update(slots)
            .where(
                slots.c.session_id == claim.session_id,
                slots.c.position == slot.position,
                slots.c.state == SlotState.OPEN,
            )
            .values(spec=slot.to_json(), planned=func.coalesce(slots.c.planned, slots.c.spec))
        )


def shorten(connection: Connection, claim: Claim) -> None:
    """Take the last batch's open slots out of the session, whose total becomes smaller. Raises FenceLost.

    The web app's row is locked already. The batch's last questions take the places of open slots.
    """
    _lock(connection, claim)
    places = _places(connection, claim)
    open_places = [slot for slot, state in places if state == SlotState.OPEN]
    filled = [slot for slot, state in places if state == SlotState.FILLED]
    for source, target in _moves(filled, open_places):
        _move(connection, claim, source, target)
    _cut(connection, claim, stop=claim.batch.start + len(filled))


def _lock(connection: Connection, claim: Claim) -> None:
    row = select(batches.c.epoch).where(held_by(claim)).with_for_update(key_share=True)
    if connection.execute(row).one_or_none() is None:
        raise fence_lost(claim)


def _places(connection: Connection, claim: Claim) -> list[tuple[Slot, str]]:
    query = (
        select(slots.c.spec, slots.c.state)
        .where(slots.c.session_id == claim.session_id, slots.c.batch_index == claim.batch.index)
        .order_by(slots.c.position)
    )
    return [(Slot.from_json(row.spec), row.state) for row in connection.execute(query)]


def _moves(filled: Sequence[Slot], open_places: Sequence[Slot]) -> Iterator[tuple[Slot, Slot]]:
    """The last questions, each with the first open place before it."""
    for source, target in zip(reversed(filled), open_places, strict=False):
        if source.position < target.position:
            return
        yield source, target


def _move(connection: Connection, claim: Claim, source: Slot, target: Slot) -> None:
    moved = replace(source, position=target.position, sequence=target.sequence)
    renamed = func.jsonb_build_object("id", moved.question_id, "index", target.position)
    of_session = slots.c.session_id == claim.session_id
    connection.execute(
        update(slots)
        .where(of_session, slots.c.position == target.position)
        .values(spec=moved.to_json(), state=SlotState.FILLED)
    )
    connection.execute(
        update(questions)
        .where(questions.c.session_id == claim.session_id, questions.c.position == source.position)
        .values(position=target.position, content=questions.c.content.concat(renamed))
    )
    record(connection, claim.session_id, EventKind.QUESTION, {"position": target.position})


def _cut(connection: Connection, claim: Claim, *, stop: int) -> None:
    """End the session at this position: in its slots, its plan and the web app's row."""
    connection.execute(delete(slots).where(slots.c.session_id == claim.session_id, slots.c.position >= stop))
    plan = plans.c.session_id == claim.session_id
    planned = batches_of(connection.execute(select(plans.c.batches).where(plan)).scalar_one())
    last = replace(planned[-1], size=stop - claim.batch.start)
    connection.execute(
        update(plans)
        .where(plan)
        .values(total_questions=stop, batches=batch_specs((*planned[:-1], last)), updated_at=func.now())
    )
    table = WEB_APP_TABLES[claim.kind]
    total = "total_questions" if table is exam_sessions else "target_question_count"
    connection.execute(update(table).where(table.c.id == claim.session_id).values({total: stop}))
