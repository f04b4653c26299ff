"""Copies of reports and doubts in the web app's tables `question_errors` and `review_queue`, where they take them.

Ours are the truth: a copy is made once, and what happens to it later is the web app's affair. Its tables point at a
bank of questions in which those of sessions are not, so a copy names its question in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Connection, Engine, Row, func, select, text, update
from sqlalchemy.exc import IntegrityError

from db.published_question import is_in_doubt
from db.tables import questions, reports
from generation.verdicts import Verdict

ROWS_A_STEP = 100

#: Of 0 to 10: a disputed key before doubtful words.
DISPUTED_PRIORITY, LANGUAGE_PRIORITY = 8, 3


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the web app, and the columns that we fill."""

    name: str
    columns: tuple[str, ...]


ERRORS = OwnTable("question_errors", ("reported_by", "error_type", "description"))
QUEUE = OwnTable("review_queue", ("flag_type", "flag_reason", "priority"))

_COLUMNS = text("""
    SELECT column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' AS optional
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = :name
""")
_MAY_INSERT = text("SELECT has_table_privilege(to_regclass('public.' || :name), 'INSERT')")


def problem_of(connection: Connection, table: OwnTable) -> str | None:
    """Why the table takes no copies, in a sentence; None when it does."""
    optional = {row.column_name: row.optional for row in connection.execute(_COLUMNS, {"name": table.name})}
    if not optional:
        return f"There is no table public.{table.name}."
    missing = sorted(set(table.columns) - set(optional))
    if missing:
        return f"public.{table.name} has no column {', '.join(missing)}."
    wanted = sorted(name for name, may_lack in optional.items() if not may_lack and name not in table.columns)
    if wanted:
        return f"public.{table.name} wants a value for {', '.join(wanted)}, which a question of a session has not."
    if not connection.execute(_MAY_INSERT, {"name": table.name}).scalar_one():
        return f"Our account may not insert into public.{table.name}."
    return None


class ReviewTables:
    """Every step is one short transaction; steps may run at the same time in many processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def problems(self) -> dict[str, str]:
        """Why a table takes no copies, by its name."""
        with self._engine.connect() as connection:
            found = {table.name: problem_of(connection, table) for table in (ERRORS, QUEUE)}
        return {name: problem for name, problem in found.items() if problem is not None}

    def copy(self) -> dict[str, int]:
        """Copy what is not copied yet, at most ROWS_A_STEP a table; returns the copied rows by table.

        Raises the database's error when the table refuses a value after all, as by a constraint of its own.
        """
        copied = {}
        for table, step in ((ERRORS, _copy_reports), (QUEUE, _copy_doubts)):
            with self._engine.begin() as connection:
                if problem_of(connection, table) is None:
                    copied[table.name] = step(connection)
        return copied


def _copy_reports(connection: Connection) -> int:
    query = select(reports).where(reports.c.copied_at.is_(None)).order_by(reports.c.created_at)
    found = connection.execute(query.limit(ROWS_A_STEP).with_for_update(skip_locked=True)).all()
    copied = sum(_copy_report(connection, row) for row in found)
    for row in found:
        this = (column == getattr(row, column.name) for column in reports.primary_key)
        connection.execute(update(reports).where(*this).values(copied_at=func.now()))
    return copied


def _copy_report(connection: Connection, row: Row[Any]) -> bool:
    """False when the web app has no such user any more: its table never takes the copy."""
    try:
        with connection.begin_nested():
            connection.execute(
                _INSERT_ERROR, {"user": row.user_id, "type": row.reason, "text": _of_report(row)}
            )
    except IntegrityError as err:
        if isinstance(err.orig, ForeignKeyViolation):
            return False
        raise
    return True


def _copy_doubts(connection: Connection) -> int:
    query = select(questions).where(is_in_doubt(), questions.c.flagged_at.is_(None))
    query = query.order_by(questions.c.created_at).limit(ROWS_A_STEP).with_for_update(skip_locked=True)
    found = connection.execute(query).all()
    for row in found:
        is_disputed = row.solver_verdict == Verdict.DISPUTED
        kind, priority = ("quality", DISPUTED_PRIORITY) if is_disputed else ("grammar", LANGUAGE_PRIORITY)
        connection.execute(_INSERT_FLAG, {"type": kind, "text": _of_doubt(row), "priority": priority})
        this = questions.c.session_id == row.session_id, questions.c.position == row.position
        connection.execute(update(questions).where(*this).values(flagged_at=func.now()))
    return len(found)


def _of_report(row: Row[Any]) -> str:
    return f"{row.text or row.reason} (session {row.session_id}, question {row.position})"


def _of_doubt(row: Row[Any]) -> str:
    words = f": {row.doubtful_words}" if row.doubtful_words else ""
    reasons = ", ".join(row.solver_reasons or ())
    return f"{reasons}{words} (session {row.session_id}, question {row.position})"


# Without casts, so that Postgres takes the texts for whatever type the columns have, such as an enum.
_INSERT_ERROR = text(
    "INSERT INTO public.question_errors (reported_by, error_type, description) VALUES (:user, :type, :text)"
)
_INSERT_FLAG = text(
    "INSERT INTO public.review_queue (flag_type, flag_reason, priority) VALUES (:type, :text, :priority)"
)
