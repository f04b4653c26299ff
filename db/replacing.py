"""What a run needs to write one question of a published batch again."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection, select

from db.history import earlier_questions
from db.session_row import batches_of, choice_of, read_session
from db.tables import slots
from generation.model import Claim, SessionKind, Slot, Topic, Track, Urgency


def claim_for_replacement(connection: Connection, session_id: UUID, position: int) -> Claim:
    """A claim on one slot, as a batch of its own. It gives no right to write: db.reviews stores the question.

    The question that is there is among the earlier ones, so that it is not written again. Raises SessionMissing.
    """
    session = read_session(connection, session_id)
    which = slots.c.session_id == session_id, slots.c.position == position
    slot = Slot.from_json(connection.execute(select(slots.c.spec).where(*which)).scalar_one())
    practice = choice_of(session.practice)
    batch = batches_of(session.batches)[slot.batch_index]
    return Claim(
        session_id=session_id,
        kind=SessionKind(session.kind),
        track=Track(session.track),
        batch=replace(batch, start=position, size=1),
        seed=session.seed,
        epoch=0,
        urgency=Urgency.PREFETCH,  # no student waits for it
        runs=1,
        failures=0,
        open_slots=(slot,),
        earlier=earlier_questions(connection, session_id, session.user_id, (slot,)),
        topics=practice.topics if practice else tuple(Topic),
    )
