"""A person's decision about a question: stored, published in the web app's row, and told to open pages.

A question never leaves its position. What a student had read before it changed is kept beside the new content.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row, Table, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from db.accept import UNCHECKED_AGAIN, written_values
from db.errors import QuestionChanged
from db.events import record
from db.published_question import refresh_row
from db.review_queue import Doubtful, select_questions
from db.session_row import lock_row
from db.tables import WEB_APP_TABLES, plans, questions, reports, reviews
from db.verdicts import finding_values
from generation.corrections import fingerprint_of
from generation.model import OUR_OWN_FIELDS, EventKind, Question, SessionKind
from generation.reports import Decision
from generation.verdicts import Finding


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another question for the same slot, and what the answer check found about it."""

    question: Question
    attempt_id: UUID
    provider: str
    finding: Finding | None


class ReviewStore:
    """Every decision about one question of one session is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accept(self, found: Doubtful) -> None:
        """The question stays as it is, and counts. Raises QuestionChanged."""
        self._decide(found, Decision.ACCEPTED, {})

    def correct(self, found: Doubtful, changes: Mapping[str, Any]) -> None:
        """Change these fields of its content. Raises QuestionChanged.

        `changes`: as generation.corrections.checked returns them.
        """
        # A proof and flags were for what the writer had written.
        as_written = {name: value for name, value in found.content.items() if name not in OUR_OWN_FIELDS}
        content = {**as_written, **changes}
        changed = {"content": content, "fingerprint": fingerprint_of(content)}
        self._decide(found, Decision.CORRECTED, changed)

    def retire(self, found: Doubtful) -> int:
        """The question counts for nothing, here and wherever it is stored; returns in how many other places it was.

        Raises QuestionChanged.
        """
        self._decide(found, Decision.RETIRED, {})
        for row in self._same_elsewhere(found):
            with suppress(QuestionChanged):  # another text has taken its place meanwhile
                self._decide(row, Decision.RETIRED, {})
        copies = sum(self._retire_copies(table, found) for table in WEB_APP_TABLES.values())
        return len(self._same_elsewhere(found, retired=True)) + copies

    def replace(self, found: Doubtful, new: Replacement) -> None:
        """Put the other question in its place. Raises QuestionChanged, and IntegrityError for one that the session has."""
        written = written_values(new.question, new.attempt_id, new.provider)
        checked = {} if new.finding is None else finding_values(new.finding)
        self._decide(found, Decision.REPLACED, UNCHECKED_AGAIN | written | checked)

    def _decide(self, found: Doubtful | Row[Any], decision: Decision, changes: Mapping[str, Any]) -> None:
        kind = SessionKind(found.kind)
        with self._engine.begin() as connection:
            lock_row(connection, found.session_id, kind)
            row = _locked(connection, found)
            _note(connection, row, decision)
            _change(connection, row, decision, changes)
            _settle_reports(connection, row)
            refresh_row(connection, found.session_id, kind, [found.position])
            if decision is not Decision.ACCEPTED:
                record(connection, found.session_id, EventKind.QUESTION, {"position": found.position})

    def _same_elsewhere(self, found: Doubtful, *, retired: bool = False) -> list[Row[Any]]:
        is_retired = questions.c.review.is_not_distinct_from(Decision.RETIRED)
        query = select_questions().where(
            questions.c.fingerprint == found.fingerprint,
            questions.c.session_id != found.session_id,
            is_retired if retired else ~is_retired,
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query))

    def _retire_copies(self, table: Table, found: Doubtful) -> int:
        """Mark the question in rows that the web app copied from ours, as for its library; returns how many rows."""
        name = {field: found.content[field] for field in ("stem", "choices")}
        ours = select(plans.c.session_id).where(plans.c.session_id == table.c.id).exists()
        copies = (
            select(table.c.id)
            .where(table.c.questions.contains([name]), ~ours)
            .with_for_update(key_share=True)
        )
        with self._engine.begin() as connection:
            ids = list(connection.execute(copies).scalars())
            if ids:
                connection.execute(_MARK_COPIES[table.name], {"ids": ids, "name": name})
        return len(ids)


def _locked(connection: Connection, found: Doubtful | Row[Any]) -> Row[Any]:
    query = select_questions().where(
        questions.c.session_id == found.session_id,
        questions.c.position == found.position,
        questions.c.fingerprint == found.fingerprint,
    )
    row = connection.execute(query.with_for_update(of=questions)).one_or_none()
    if row is None:
        raise QuestionChanged(session_id=found.session_id, position=found.position)
    return row


def _note(connection: Connection, row: Row[Any], decision: Decision) -> None:
    connection.execute(
        insert(reviews).values(
            id=uuid4(),
            session_id=row.session_id,
            position=row.position,
            fingerprint=row.fingerprint,
            decision=decision,
            topic=row.content["topic"],
            prompt_version=row.prompt_version,
            model=row.model,
        )
    )


def _change(connection: Connection, row: Row[Any], decision: Decision, changes: Mapping[str, Any]) -> None:
    """The content that a student may have answered is kept, the first one if it changes again."""
    kept = {"was_read": row.has_read}
    if "content" in changes:
        kept = {"previous": row.previous or dict(row.content), "was_read": row.was_read or row.has_read}
    decided = {"review": decision, "reviewed_at": func.now()}
    this = questions.c.session_id == row.session_id, questions.c.position == row.position
    connection.execute(update(questions).where(*this).values({**changes, **decided, **kept}))


def _settle_reports(connection: Connection, row: Row[Any]) -> None:
    connection.execute(
        update(reports)
        .where(
            reports.c.session_id == row.session_id,
            reports.c.position == row.position,
            reports.c.settled_at.is_(None),
        )
        .values(settled_at=func.now())
    )


_MARK_COPIES = {
    table.name: text(
        f"UPDATE public.{table.name} SET questions = ("  # noqa: S608  the names are our own
        "SELECT jsonb_agg(CASE WHEN q @> :name THEN q || jsonb_build_object('graded', false, 'change', "
        "jsonb_build_object('kind', 'retired', 'at', now())) ELSE q END ORDER BY n) "
        "FROM jsonb_array_elements(questions) WITH ORDINALITY AS e(q, n)) WHERE id = ANY(:ids)"
    ).bindparams(bindparam("name", type_=JSONB))
    for table in WEB_APP_TABLES.values()
}
