"""`tafawoq-worker quality`: counts of a session and of a day, as text, JSON and one page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.reports import ReportStore
from db.review_queue import ReviewQueue
from db.reviews import ReviewStore
from db.sessions import SessionStore
from db.verdicts import PublishedVerdicts
from generation.model import SessionKind
from generation.reports import ReportReason
from generation.verdicts import Doubt, Finding, Purpose, Verdict
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, make_ready, new_session
from tests.support.attempts import an_attempt
from worker.cli import cli

pytestmark = pytest.mark.usefixtures("same_day")

Quality = Callable[..., Result]


@pytest.fixture
def quality(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Quality:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    return lambda *words: CliRunner().invoke(cli, ["quality", *map(str, words)])


@pytest.fixture
def session_id(engine: Engine) -> UUID:
    """Three of seven questions: one agreed, one disputed and retired, one unchecked and reported."""
    session_id = new_session(SessionStore(engine))
    store = BatchStore(engine)
    make_ready(store, session_id, 0)
    claim = store.claim_check(session_id, 0)
    assert claim is not None
    found = {
        "fingerprint-0": Finding(Verdict.AGREED, (Doubt.OUTWEIGHED,)),
        "fingerprint-1": Finding(Verdict.DISPUTED, (Doubt.OTHER_ANSWER,)),
    }
    PublishedVerdicts(engine).settle_verdicts(claim, found)
    ReportStore(engine).add(
        session_id,
        SessionKind.EXAM,
        STUDENT,
        position=2,
        reason=ReportReason.OTHER,
        text="words of a student",
    )
    disputed = ReviewQueue(engine).one(session_id, 1)
    assert disputed is not None
    ReviewStore(engine).retire(disputed)
    ledger = LedgerStore(engine)
    for purpose, cost in ((Purpose.WRITE, 3), (Purpose.SOLVE, 1), (Purpose.WRITE, 2)):
        attempt = an_attempt(session_id=session_id, purpose=purpose, rejected=3, repeats=2)
        ledger.open(attempt)
        ledger.close(
            an_attempt(
                id=attempt.id,
                session_id=session_id,
                purpose=purpose,
                rejected=3,
                repeats=2,
                cost_microdollars=cost,
            )
        )
    return session_id


def test_a_report_of_a_session_counts_what_is_known(quality: Quality, session_id: UUID) -> None:
    report = json.loads(quality(session_id, "--json").stdout)
    assert (report["sessions"], report["planned"], report["questions"]) == (1, 7, 3)
    assert report["verdicts"] == {"agreed": 1, "disputed": 1, "unchecked": 1}
    assert report["reasons"] == {"other_answer": 1, "outweighed": 1}
    assert (report["not_graded"], report["reports"], report["decisions"]) == (1, {"other": 1}, {"retired": 1})
    assert (report["rejected"], report["repeats"]) == (9, 6)
    assert [float(report[f"{name}_microdollars"]) for name in ("cost", "checks", "rewrites")] == [6, 1, 2]
    [source] = report["sources"]
    assert (source["topic"], source["questions"], source["disputed"], source["reported"]) == (
        "algebra",
        3,
        1,
        1,
    )
    assert source["retired_or_changed"] == 1
    assert {"field": "topic", "value": "algebra", "planned": 7, "there": 3} in report["quotas"]


def test_a_report_of_a_day_is_text_and_one_page_without_a_question_or_a_student(
    quality: Quality, session_id: UUID, tmp_path: Path
) -> None:
    said = quality("--day", f"{datetime.now(UTC):%Y-%m-%d}", "--html", tmp_path / "day.html")
    assert said.exit_code == 0, said.output
    assert "3 of 7 planned questions in 1 session" in said.output
    page = (tmp_path / "day.html").read_text("utf-8")
    assert "1 agreed, 1 disputed, 1 unchecked" in page
    for text in (page, said.output):
        assert not [secret for secret in ("السؤال", "words of a student", str(STUDENT)) if secret in text]


def test_a_session_or_a_day_without_questions_is_refused_with_a_sentence(quality: Quality) -> None:
    for words in ((uuid4(),), ("--day", "2020-01-01")):
        refused = quality(*words)
        assert refused.exit_code == 1
        assert "there is none." in refused.output
