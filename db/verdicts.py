"""The answer check's part of the store: the questions to check, and what was found about them.

A batch is checked by its own run before it is published, or by `PublishedVerdicts` afterwards; then nothing is
written again, and the findings go into the web app's row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, func, select, update

from db.fence import fence_lost, held_by, is_batch
from db.published_question import refresh_row
from db.session_row import lock_row
from db.tables import batches, plans, questions, slots
from generation.deviations import varied
from generation.model import Claim, Question, Slot, Urgency
from generation.verdicts import REWRITES_PER_SLOT, Finding, Verdict, rewrites_allowed


def read_unchecked(connection: Connection, claim: Claim) -> tuple[Question, ...]:
    """The questions of the batch without a verdict, by position.

    Empty when another run owns the batch. Also empty when the student has reached the last question before the
    batch: they may need it at any moment, so it must not be delayed.
    """
    return _unchecked(connection, claim, _fence(claim).where(_is_ahead_of_student(claim, by=2)).exists())


def settle(connection: Connection, claim: Claim, findings: Mapping[str, Finding]) -> tuple[Slot, ...]:
    """RunStore.settle_verdicts in one transaction. The batch's row is locked first, as for every write."""
    fence = _fence(claim).with_for_update(of=batches, key_share=True)
    may_replace = connection.execute(fence).scalar_one_or_none()
    if may_replace is None:
        raise fence_lost(claim)
    _keep(connection, claim, findings)
    disputed = [key for key, finding in findings.items() if finding.verdict is Verdict.DISPUTED]
    return _replaceable(connection, claim, disputed) if may_replace and disputed else ()


class PublishedVerdicts:
    """Implements generation.ports.VerdictStore for batches that are published. Nothing is written again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        with self._engine.connect() as connection:
            return _unchecked(connection, claim)

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        """Store the findings, also in the web app's row. May be repeated."""
        with self._engine.begin() as connection:
            lock_row(connection, claim.session_id, claim.kind)
            positions = _keep(connection, claim, given)
            if positions:
                refresh_row(connection, claim.session_id, claim.kind, positions)
            which = is_batch(claim.session_id, claim.batch.index)
            connection.execute(update(batches).where(which).values(check_due=None))
        return ()


def _unchecked(
    connection: Connection, claim: Claim, *conditions: ColumnElement[bool]
) -> tuple[Question, ...]:
    query = (
        select(questions, slots.c.spec)
        .join_from(questions, slots)
        .where(*_of_batch(claim), questions.c.solver_verdict.is_(None), *conditions)
        .order_by(questions.c.position)
    )
    return tuple(_question(row) for row in connection.execute(query))


def _fence(claim: Claim) -> Select[bool]:
    """Yields one row while the run owns the batch: whether the batch is ahead of the student."""
    return select(_is_ahead_of_student(claim)).select_from(batches.join(plans)).where(held_by(claim))


def _is_ahead_of_student(claim: Claim, *, by: int = 1) -> ColumnElement[bool]:
    """No student has asked for the batch, and it starts at least `by` questions after the furthest position."""
    return and_(
        batches.c.urgency == Urgency.PREFETCH,
        func.coalesce(plans.c.furthest_position, -1) + by <= claim.batch.start,
    )


def _replaceable(connection: Connection, claim: Claim, disputed: Collection[str]) -> tuple[Slot, ...]:
    """The slots of these questions that may be written again: each so many times, and so many in the batch."""
    rewritten = select(func.sum(slots.c.disputes)).where(
        slots.c.session_id == claim.session_id, slots.c.batch_index == claim.batch.index
    )
    left = rewrites_allowed(claim.batch.size) - (connection.execute(rewritten).scalar_one() or 0)
    query = (
        select(slots.c.spec, slots.c.disputes)
        .join_from(questions, slots)
        .where(
            *_of_batch(claim),
            questions.c.fingerprint.in_(disputed),
            slots.c.disputes < REWRITES_PER_SLOT,
        )
        .order_by(slots.c.disputes, slots.c.position)
        .limit(max(0, left))
    )
    found = [(Slot.from_json(row.spec), row.disputes) for row in connection.execute(query)]
    again = [
        varied(slot, claim.track, seed=claim.seed, times=times) if times else slot for slot, times in found
    ]
    return tuple(sorted(again, key=lambda slot: slot.position))


def _keep(connection: Connection, claim: Claim, findings: Mapping[str, Finding]) -> list[int]:
    """Store what was found about questions without a verdict; returns their positions."""
    kept: list[int] = []
    for finding, fingerprints in _grouped(findings.items()).items():
        stored = connection.execute(
            update(questions)
            .where(
                *_of_batch(claim),
                questions.c.fingerprint.in_(fingerprints),
                questions.c.solver_verdict.is_(None),
            )
            .values(finding_values(finding))
            .returning(questions.c.position)
        )
        kept += stored.scalars()
    return kept


def finding_values(finding: Finding) -> dict[str, Any]:
    """The columns of generation.questions that hold a finding."""
    return {
        "solver_verdict": finding.verdict,
        "solver_reasons": list(finding.reasons),
        "doubtful_words": finding.doubtful_words,
        "solver_model": finding.solver,
        "checked_at": func.now(),
    }


def _grouped(findings: Iterable[tuple[str, Finding]]) -> dict[Finding, list[str]]:
    """Most questions have the same finding, and one statement stores it."""
    groups: dict[Finding, list[str]] = {}
    for fingerprint, finding in findings:
        groups.setdefault(finding, []).append(fingerprint)
    return groups


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
        proved=content.get("proved") is True,
        flags=tuple(content.get("flags", ())),
    )
