"""The questions that a person should look at: disputed, reported, or of doubtful language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    case,
    func,
    or_,
    select,
)

from db.published_question import is_in_doubt
from db.tables import attempts, plans, questions, reports
from generation.model import SessionKind
from generation.verdicts import UNCHECKED


@dataclass(frozen=True, slots=True)
class Report:
    reason: str
    text: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A question with all that is known against it. It contains the key: for operators only."""

    session_id: UUID
    kind: SessionKind
    position: int
    fingerprint: str
    content: Mapping[str, Any]
    verdict: str
    reasons: tuple[str, ...]
    doubtful_words: str | None
    solver: str | None
    checked_at: datetime | None
    review: str | None  #: what was decided before
    prompt_version: str | None
    model: str | None
    was_read: bool  #: the student has come to it
    reports: tuple[Report, ...]  #: that nobody has settled


class ReviewQueue:
    """Every method is one short read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, limit: int) -> list[Doubtful]:
        """At most `limit` questions that nobody has decided about: reported ones first, then disputed, oldest first."""
        query = (
            _select_questions()
            .where(or_(is_in_doubt(), _is_reported()))
            .order_by(
                case((_is_reported(), 0), (questions.c.solver_verdict == "disputed", 1), else_=2),
                questions.c.created_at,
            )
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(limit)).all()
            return [_doubtful(connection, row) for row in rows]

    def one(self, session_id: UUID, position: int) -> Doubtful | None:
        """This question, whether or not anything is known against it."""
        which = questions.c.session_id == session_id, questions.c.position == position
        with self._engine.connect() as connection:
            row = connection.execute(_select_questions().where(*which)).one_or_none()
            return None if row is None else _doubtful(connection, row)


def has_read() -> ColumnElement[bool]:
    """Whether the student has come to the question; of questions joined with plans."""
    return func.coalesce(plans.c.furthest_position, plans.c.student_position, -1) >= questions.c.position


def _select_questions() -> Select[Any]:
    return (
        select(questions, plans.c.kind, attempts.c.model, has_read().label("has_read"))
        .join_from(questions, plans, plans.c.session_id == questions.c.session_id)
        .outerjoin(attempts, attempts.c.id == questions.c.attempt_id)
    )


def _reports_of_question() -> ColumnElement[bool]:
    return and_(
        reports.c.session_id == questions.c.session_id,
        reports.c.position == questions.c.position,
        reports.c.fingerprint == questions.c.fingerprint,
        reports.c.settled_at.is_(None),
    )


def _is_reported() -> ColumnElement[bool]:
    return select(reports.c.position).where(_reports_of_question()).exists()


def _doubtful(connection: Connection, row: Row[Any]) -> Doubtful:
    return Doubtful(
        session_id=row.session_id,
        kind=SessionKind(row.kind),
        position=row.position,
        fingerprint=row.fingerprint,
        content=row.content,
        verdict=row.solver_verdict or UNCHECKED,
        reasons=tuple(row.solver_reasons or ()),
        doubtful_words=row.doubtful_words,
        solver=row.solver_model,
        checked_at=row.checked_at,
        review=row.review,
        prompt_version=row.prompt_version,
        model=row.model,
        was_read=row.has_read,
        reports=tuple(_reports(connection, row)),
    )


def _reports(connection: Connection, row: Row[Any]) -> Sequence[Report]:
    query = (
        select(reports.c.reason, reports.c.text, reports.c.created_at)
        .where(
            reports.c.session_id == row.session_id,
            reports.c.position == row.position,
            reports.c.fingerprint == row.fingerprint,
            reports.c.settled_at.is_(None),
        )
        .order_by(reports.c.created_at)
    )
    return [Report(*found) for found in connection.execute(query)]
