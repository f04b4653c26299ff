"""Committing one question: one statement, because it runs once a question and a student waits for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Uuid, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from db.events import event_of, wake_for
from db.fence import held_by
from db.tables import SlotState, batches, questions, slots
from generation.model import Claim, EventKind, Question


def accept_statement(claim: Claim, question: Question, attempt_id: UUID, provider: str) -> Select[Any]:
    """Fence, slot, question, event and wake-up, each only if the one before found its row.

    Yields one row: `held` is 0 when the run has lost its batch. A slot that is filled already stays as it
    is and nothing is written, so that a call repeated after a lost reply is harmless. The fence comes
    first and locks the batch's row: a takeover that commits before us is seen, a later one waits.
    """
    fence = (
        update(batches)
        .where(held_by(claim))
        .values(first_question_at=func.coalesce(batches.c.first_question_at, func.now()))
        .returning(batches.c.session_id, batches.c.batch_index)
        .cte("fence")
    )
    kept = _keep(_fill(fence, question), question, attempt_id, provider)
    event = event_of(kept, claim.session_id, EventKind.QUESTION, {"position": question.slot.position})
    held = select(func.count()).select_from(fence).scalar_subquery()
    return select(held.label("held"), wake_for(event, claim.session_id).scalar_subquery())


def _fill(fence: CTE, question: Question) -> CTE:
    return (
        update(slots)
        .where(
            slots.c.session_id == fence.c.session_id,
            slots.c.batch_index == fence.c.batch_index,
            slots.c.position == question.slot.position,
            slots.c.state == SlotState.OPEN,
        )
        .values(state=SlotState.FILLED)
        .returning(slots.c.session_id, slots.c.batch_index, slots.c.position)
        .cte("filled")
    )


def _keep(filled: CTE, question: Question, attempt_id: UUID, provider: str) -> CTE:
    row = select(
        filled.c.session_id,
        filled.c.position,
        filled.c.batch_index,
        literal(question.fingerprint),
        literal(question.content(), JSONB),
        literal(provider),
        literal(attempt_id, Uuid),
    )
    names = ["session_id", "position", "batch_index", "fingerprint", "content", "provider", "attempt_id"]
    return insert(questions).from_select(names, row).returning(questions.c.position).cte("kept")
