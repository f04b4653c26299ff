"""The answer check's part of the store: the questions to check, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select, update

from db.fence import fence_lost, held_by
from db.tables import batches, plans, questions, slots
from generation.model import Claim, Question, Slot, Urgency
from generation.verdicts import Verdict

_OF_A_SLOT = and_(slots.c.session_id == questions.c.session_id, slots.c.position == questions.c.position)


def read_unchecked(connection: Connection, claim: Claim) -> tuple[Question, ...]:
    """The questions of the batch without a verdict, by position.

    Empty when another run owns the batch. Also empty when the student has reached the last question before the
    batch: they may need it at any moment, so it must not be delayed.
    """
    query = (
        select(questions, slots.c.spec)
        .join_from(questions, slots, _OF_A_SLOT)
        .where(
            *_of_batch(claim),
            questions.c.solver_verdict.is_(None),
            _fence(claim).where(_is_ahead_of_student(claim, by=2)).exists(),
        )
        .order_by(questions.c.position)
    )
    return tuple(_question(row) for row in connection.execute(query))


def settle(connection: Connection, claim: Claim, verdicts: Mapping[str, Verdict]) -> tuple[Slot, ...]:
    """RunStore.settle_verdicts in one transaction. The batch's row is locked first, as for every write."""
    fence = _fence(claim).with_for_update(of=batches, key_share=True)
    may_replace = connection.execute(fence).scalar_one_or_none()
    if may_replace is None:
        raise fence_lost(claim)
    for verdict in Verdict:
        given = [fingerprint for fingerprint, each in verdicts.items() if each is verdict]
        _keep(connection, claim, given, verdict)
    disputed = [fingerprint for fingerprint, each in verdicts.items() if each is Verdict.DISPUTED]
    return _replaceable(connection, claim, disputed) if may_replace else ()


def _fence(claim: Claim) -> Select[bool]:
    """Yields one row while the run owns the batch: whether the batch is ahead of the student."""
    its_plan = plans.c.session_id == batches.c.session_id
    return (
        select(_is_ahead_of_student(claim)).select_from(batches.join(plans, its_plan)).where(held_by(claim))
    )


def _is_ahead_of_student(claim: Claim, *, by: int = 1) -> ColumnElement[bool]:
    """No student has asked for the batch, and it starts at least `by` questions after the furthest position."""
    return and_(
        batches.c.urgency == Urgency.PREFETCH,
        func.coalesce(plans.c.furthest_position, -1) + by <= claim.batch.start,
    )


def _replaceable(connection: Connection, claim: Claim, disputed: Collection[str]) -> tuple[Slot, ...]:
    """The slots of these questions, without those whose question was already replaced once."""
    query = (
        select(slots.c.spec)
        .join_from(questions, slots, _OF_A_SLOT)
        .where(*_of_batch(claim), questions.c.fingerprint.in_(disputed), slots.c.disputes == 0)
        .order_by(slots.c.position)
    )
    return tuple(Slot.from_json(spec) for spec in connection.execute(query).scalars())


def _keep(connection: Connection, claim: Claim, given: Collection[str], verdict: Verdict) -> None:
    connection.execute(
        update(questions)
        .where(*_of_batch(claim), questions.c.fingerprint.in_(given), questions.c.solver_verdict.is_(None))
        .values(solver_verdict=verdict)
    )


def _of_batch(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return questions.c.session_id == claim.session_id, questions.c.batch_index == claim.batch.index


def _question(row: Row[Any]) -> Question:
    content = row.content
    return Question(
        slot=Slot.from_json(row.spec),
        stem=content["stem"],
        choices=tuple(content["choices"]),
        answer_index=content["answerIndex"],
        explanation=content["explanation"],
        fingerprint=row.fingerprint,
        passage=content.get("passage"),
        diagram=content.get("diagram"),
        declared=content.get("declared"),
        is_proved=content.get("proved", False),
        flags=tuple(content.get("flags", ())),
    )
