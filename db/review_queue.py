"""The questions that a person should look at: disputed, reported, or of doubtful language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, case, func, or_, select

from db.published_question import is_in_doubt
from db.tables import attempts, plans, questions, reports
from generation.model import SessionKind
from generation.verdicts import UNCHECKED, Verdict


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
        is_reported = select(reports.c.position).where(_is_open_report_of(questions.c)).exists()
        query = (
            select_questions()
            .where(or_(is_in_doubt(), is_reported))
            .order_by(
                case((is_reported, 0), (questions.c.solver_verdict == Verdict.DISPUTED, 1), else_=2),
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
            row = connection.execute(select_questions().where(*which)).one_or_none()
            return None if row is None else _doubtful(connection, row)


def select_questions() -> Select[Any]:
    """Questions with their session's kind, their model, and whether the student has come to them (`has_read`)."""
    read_to = func.coalesce(plans.c.furthest_position, plans.c.student_position, -1)
    has_read = (read_to >= questions.c.position).label("has_read")
    return (
        select(questions, plans.c.kind, attempts.c.model, has_read)
        .join_from(questions, plans, plans.c.session_id == questions.c.session_id)
        .outerjoin(attempts, attempts.c.id == questions.c.attempt_id)
    )


def is_report_of(question: Any) -> ColumnElement[bool]:
    """`question`: a row, or the table's columns."""
    return and_(
        reports.c.session_id == question.session_id,
        reports.c.position == question.position,
        reports.c.fingerprint == question.fingerprint,
    )


def _is_open_report_of(question: Any) -> ColumnElement[bool]:
    return and_(is_report_of(question), reports.c.settled_at.is_(None))


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
        .where(_is_open_report_of(row))
        .order_by(reports.c.created_at)
    )
    return [Report(*found) for found in connection.execute(query)]
