"""Committing one question in one statement, because it runs for every question while a student waits.

The statement is built once and executed with parameters: building it takes longer than running it.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from db.events import event_of, wake_for
from db.fence import is_held
from db.tables import SlotState, batches, questions, slots
from generation.model import Claim, EventKind, Question, Urgency
from generation.prompts.version import prompt_version
from generation.verdicts import Verdict


@cache
def accept_statement() -> Select[Any]:
    """Fence, slot, question, event and notification; each step runs only if the one before found its row.

    Returns one row: `held` is 0 when the run has lost its batch. Nothing is written to a filled slot, so a call
    repeated after a lost reply is harmless. The exception is a question that the solver disputed, as long as
    no student has asked for the batch: the new question replaces it. The fence comes first and locks the
    batch's row: it sees a takeover that committed before it, and a later takeover waits.
    """
    fence = (
        update(batches)
        .where(is_held(_SESSION, _INDEX, bindparam("in_epoch", type_=BigInteger)))
        .values(first_question_at=func.coalesce(batches.c.first_question_at, func.now()))
        .returning(batches.c.session_id, batches.c.batch_index, batches.c.urgency)
        .cte("fence")
    )
    payload = func.jsonb_build_object("position", _POSITION)
    event = event_of(_keep(_fill(fence)), _SESSION, EventKind.QUESTION, payload)
    held = select(func.count()).select_from(fence).scalar_subquery()
    return select(held.label("held"), wake_for(event).scalar_subquery())


def accept_parameters(claim: Claim, question: Question, attempt_id: UUID, provider: str) -> dict[str, Any]:
    """The statement's parameters. The prefix `in_` keeps SQLAlchemy from taking one for a column's new value."""
    place = {
        "in_session": claim.session_id,
        "in_batch": claim.batch.index,
        "in_epoch": claim.epoch,
        "in_position": question.slot.position,
    }
    written = written_values(question, attempt_id, provider)
    return place | {f"in_{name}": value for name, value in written.items()}


def written_values(question: Question, attempt_id: UUID, provider: str) -> dict[str, Any]:
    """The columns of generation.questions that say what was written, and by which call."""
    return {
        "fingerprint": question.fingerprint,
        "content": question.content(),
        "provider": provider,
        "attempt_id": attempt_id,
        "prompt_version": prompt_version(question.slot.section),
    }


_WRITTEN = ("fingerprint", "content", "provider", "attempt_id", "prompt_version")

#: What was known of the question before is unknown of the one that replaces it.
UNCHECKED_AGAIN: dict[str, Any] = dict.fromkeys(
    (
        *("solver_verdict", "solver_reasons", "doubtful_words", "solver_model", "checked_at"),
        *("review", "reviewed_at", "was_read", "previous", "flagged_at"),
    )
)

_SESSION = bindparam("in_session", type_=Uuid)
_INDEX = bindparam("in_batch", type_=Integer)
_POSITION = bindparam("in_position", type_=Integer)


def _fill(fence: CTE) -> CTE:
    is_open = slots.c.state == SlotState.OPEN
    disputed = select(questions.c.position).where(
        questions.c.session_id == slots.c.session_id,
        questions.c.position == slots.c.position,
        questions.c.solver_verdict == Verdict.DISPUTED,
    )
    return (
        update(slots)
        .where(
            slots.c.session_id == fence.c.session_id,
            slots.c.batch_index == fence.c.batch_index,
            slots.c.position == _POSITION,
            or_(is_open, and_(fence.c.urgency == Urgency.PREFETCH, disputed.exists())),
        )
        .values(state=SlotState.FILLED, disputes=slots.c.disputes + case((is_open, 0), else_=1))
        .returning(slots.c.session_id, slots.c.batch_index, slots.c.position)
        .cte("filled")
    )


def _keep(filled: CTE) -> CTE:
    written = (bindparam(f"in_{name}", type_=questions.c[name].type) for name in _WRITTEN)
    kept = insert(questions).from_select([*filled.c.keys(), *_WRITTEN], select(filled, *written))
    again = {name: kept.excluded[name] for name in _WRITTEN}
    return (
        kept.on_conflict_do_update(
            index_elements=["session_id", "position"],
            set_=again | UNCHECKED_AGAIN | {"created_at": func.now()},
        )
        .returning(questions.c.position)
        .cte("kept")
    )
