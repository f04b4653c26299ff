"""Copies in the web app's own tables: once, where they take them, and never an error for anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from db.batches import BatchStore
from db.reports import ReportStore
from db.review_tables import ReviewTables
from db.sessions import SessionStore
from db.verdicts import PublishedVerdicts
from generation.model import SessionKind
from generation.reports import ReportReason
from generation.verdicts import Doubt, Finding, Verdict
from tests.integration.db.exams import STUDENT, make_ready, new_session

Sql = Callable[..., Any]
ERRORS = """
    CREATE TYPE error_type AS ENUM ('mathematical', 'grammatical', 'diagram', 'other');
    CREATE TABLE question_errors (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), question_id uuid {null},
        reported_by uuid NOT NULL, error_type error_type NOT NULL, description text NOT NULL,
        status text NOT NULL DEFAULT 'pending')
"""
QUEUE = """
    CREATE TABLE review_queue (id bigint GENERATED ALWAYS AS IDENTITY, question_id uuid,
        flag_type text NOT NULL CHECK (flag_type IN ('grammar', 'quality', 'cultural')), flag_reason text NOT NULL,
        priority int NOT NULL CHECK (priority BETWEEN 0 AND 10), status text DEFAULT 'pending')
"""


@pytest.fixture
def tables(engine: Engine, sessions: SessionStore, store: BatchStore, run_sql: Sql) -> Iterator[ReviewTables]:
    """With one report, one disputed question and one of doubtful language."""
    session_id: UUID = new_session(sessions)
    make_ready(store, session_id, 0)
    claim = store.claim_check(session_id, 0)
    assert claim is not None
    found = {
        "fingerprint-0": Finding(Verdict.AGREED, (Doubt.LANGUAGE,), "ثلاث كتب"),
        "fingerprint-1": Finding(Verdict.DISPUTED, (Doubt.NO_RIGHT_ANSWER,)),
    }
    PublishedVerdicts(engine).settle_verdicts(claim, found)
    ReportStore(engine).add(
        session_id, SessionKind.EXAM, STUDENT, position=2, reason=ReportReason.DIAGRAM, text="الشكل خطأ"
    )
    yield ReviewTables(engine)
    run_sql("DROP TABLE IF EXISTS question_errors, review_queue")
    run_sql("DROP TYPE IF EXISTS error_type")


def test_reports_and_doubts_are_copied_once(tables: ReviewTables, run_sql: Sql) -> None:
    run_sql(ERRORS.format(null=""))
    run_sql(QUEUE)
    assert tables.problems() == {}
    assert tables.copy() == {"question_errors": 1, "review_queue": 2}
    assert tables.copy() == {"question_errors": 0, "review_queue": 0}
    [(user, kind, words, status)] = run_sql(
        "SELECT reported_by, error_type::text, description, status FROM question_errors"
    )
    assert (user, kind, status) == (STUDENT, "diagram", "pending")
    assert words.startswith("الشكل خطأ (session ")
    flags = run_sql("SELECT flag_type, priority, flag_reason FROM review_queue ORDER BY priority")
    assert [(flag.flag_type, flag.priority) for flag in flags] == [("grammar", 3), ("quality", 8)]
    assert "ثلاث كتب" in flags[0].flag_reason
    assert flags[1].flag_reason.startswith("no_right_answer")


def test_tables_that_are_not_there_or_want_more_stay_unwritten_and_say_why(
    tables: ReviewTables, run_sql: Sql
) -> None:
    assert set(tables.problems()) == {"question_errors", "review_queue"}
    assert tables.copy() == {}
    run_sql(ERRORS.format(null="NOT NULL"))
    run_sql("CREATE TABLE review_queue (flag_type text, notes text)")
    problems = tables.problems()
    assert "question_id" in problems["question_errors"]
    assert "flag_reason, priority" in problems["review_queue"]
    assert tables.copy() == {}


def test_a_refused_copy_is_not_taken_for_made(tables: ReviewTables, run_sql: Sql) -> None:
    run_sql(QUEUE)
    run_sql("ALTER TABLE review_queue ADD CHECK (priority < 5)")
    with pytest.raises(IntegrityError):
        tables.copy()
    run_sql("ALTER TABLE review_queue DROP CONSTRAINT review_queue_priority_check1")
    assert tables.copy() == {"review_queue": 2}


def test_a_report_of_a_user_who_is_gone_holds_up_no_other(tables: ReviewTables, run_sql: Sql) -> None:
    run_sql(ERRORS.format(null=""))
    run_sql("CREATE TABLE members (id uuid PRIMARY KEY)")
    run_sql("ALTER TABLE question_errors ADD FOREIGN KEY (reported_by) REFERENCES members")
    run_sql("INSERT INTO members VALUES (:user)", user=uuid4())
    run_sql(
        "INSERT INTO generation.reports (session_id, position, fingerprint, user_id, reason) "
        "SELECT session_id, 0, 'fingerprint-0', id, 'other' FROM generation.plans, members"
    )
    try:
        assert tables.copy() == {"question_errors": 1}
        assert tables.copy() == {"question_errors": 0}
        assert run_sql("SELECT reported_by FROM question_errors") == run_sql("SELECT id FROM members")
    finally:
        run_sql("DROP TABLE question_errors, members")
