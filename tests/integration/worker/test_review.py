"""`tafawoq-worker review`: what a person sees of a question in doubt, and what each decision does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from db.batches import BatchStore
from db.published_question import RETIRED
from db.reports import ReportStore
from db.review_queue import ReviewQueue
from db.sessions import SessionStore
from db.verdicts import PublishedVerdicts
from generation.model import SessionKind, Track, Urgency
from generation.plan import plan_exam
from generation.reports import ReportReason
from generation.verdicts import Doubt, Finding, Verdict
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, claimed, make_ready, question_for
from tools.simulator.running import RunningSimulator
from worker.cli import cli

Review = Callable[..., Result]
HOSTILE = '<script>alert(1)</script>"\x1b[2J'


@pytest.fixture
def review(
    database: DatabaseSettings, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Review:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)

    def run(*words: object, typed: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["review", *map(str, words)], input=typed)

    return run


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=1000, jitter=0) as simulator:
        monkeypatch.setenv("SIMULATOR_URL", simulator.url)
        yield simulator


@pytest.fixture
def session_id(engine: Engine) -> UUID:
    """An exam whose first batch is published; question 1 is disputed, question 2 reported."""
    session_id = (
        SessionStore(engine).create(STUDENT, plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7)).session_id
    )
    store = BatchStore(engine)
    make_ready(store, session_id, 0)
    claim = store.claim_check(session_id, 0)
    assert claim is not None
    found = {"fingerprint-1": Finding(Verdict.DISPUTED, (Doubt.OTHER_ANSWER,), solver="a solver")}
    PublishedVerdicts(engine).settle_verdicts(claim, found)
    ReportStore(engine).add(
        session_id, SessionKind.EXAM, STUDENT, position=2, reason=ReportReason.OTHER, text=HOSTILE
    )
    return session_id


@pytest.fixture
def run_sql(engine: Engine) -> Callable[[str], Any]:
    def run(query: str) -> Any:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    return run


def published(run_sql: Callable[..., Any], position: int) -> dict[str, Any]:
    [(question,)] = run_sql(f"SELECT questions->{position} FROM exam_sessions")
    found: dict[str, Any] = question
    return found


def test_a_person_works_through_the_queue(
    review: Review, session_id: UUID, run_sql: Callable[..., Any]
) -> None:
    done = review(typed="retire\naccept\n")
    assert done.exit_code == 0, done.output
    assert "1 of 2" in done.output
    assert "answer check: disputed (other_answer) by a solver" in done.output
    assert "as other: <script>" in done.output
    assert "\x1b" not in done.output
    assert "* 1 ٢" in done.output, "the key is marked"
    assert published(run_sql, 2)["change"]["kind"] == "retired"
    assert published(run_sql, 1)["graded"] is True
    assert "No question is in doubt." in review().output


def test_the_list_is_for_programs_as_well_and_the_page_for_figures(
    review: Review, session_id: UUID, tmp_path: Path
) -> None:
    listed = json.loads(review("--json").stdout)
    assert [(each["position"], each["verdict"]) for each in listed] == [(2, "unchecked"), (1, "disputed")]
    assert review("--html", tmp_path / "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<article>") == 2
    assert "<script" not in page
    assert "default-src &#x27;none" in page or "default-src 'none'" in page


def test_a_correction_from_a_file_is_checked_first(
    review: Review, session_id: UUID, tmp_path: Path, run_sql: Callable[..., Any]
) -> None:
    file = tmp_path / "correction.json"

    def corrected(changes: Any) -> str:
        file.write_text(json.dumps(changes), encoding="utf-8")
        done = review("--question", f"{session_id}/1", "--decision", "correct", "--correction", file)
        assert done.exit_code == 0, done.output
        return done.output

    for wrong in ({"answerIndex": 4}, {"id": "x"}, {"choices": ["1", "1", "2", "3"]}, {"stem": " "}, {}):
        assert "Nothing is decided" in corrected(wrong), wrong
    assert "Corrected: answerIndex." in corrected({"answerIndex": 2})
    assert published(run_sql, 1)["answerIndex"] == 2
    assert published(run_sql, 1)["previous"]["answerIndex"] == 1


def test_a_question_is_replaced_by_a_new_one_for_the_same_slot(
    review: Review, session_id: UUID, simulator: RunningSimulator, run_sql: Callable[..., Any]
) -> None:
    before = published(run_sql, 1)
    done = review("--question", f"{session_id}/1", "--decision", "replace")
    assert done.exit_code == 0, done.output
    assert "Replaced: " in done.output
    after = published(run_sql, 1)
    for name in ("id", "section", "topic", "difficulty", "questionType"):
        assert after[name] == before[name]
    assert after["stem"] != before["stem"]
    assert (after["check"]["verdict"], after["graded"], after["change"]["kind"]) == (
        "agreed",
        True,
        "replaced",
    )
    assert after["previous"]["stem"] == before["stem"]
    spent = run_sql(
        "SELECT purpose, count(*) FROM generation.attempts WHERE outcome = 'complete' GROUP BY 1 ORDER BY 1"
    )
    assert spent == [("solve", 1), ("write", 1)]


def test_what_the_solver_disputes_to_the_end_replaces_nothing(
    review: Review, session_id: UUID, simulator: RunningSimulator, run_sql: Callable[..., Any]
) -> None:
    simulator.config.wrong_key_rate = 1
    simulator.config.undeclared_rate = 1  # else the declared expression rejects each of them
    before = published(run_sql, 1)
    assert (
        "disputes every other question"
        in review("--question", f"{session_id}/1", "--decision", "replace").output
    )
    assert published(run_sql, 1) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--decision", "retire"), 2),
        (("--question", "x"), 2),
        (("--question", f"{uuid4()}/1"), 1),
    ],
)
def test_a_wrong_question_is_refused_with_a_sentence(
    review: Review, words: tuple[str, ...], code: int
) -> None:
    refused = review(*words)
    assert refused.exit_code == code
    assert refused.output.strip().endswith(".")


def test_an_unpublished_question_can_be_retired_and_is_published_so(
    engine: Engine, review: Review, session_id: UUID, run_sql: Callable[..., Any]
) -> None:
    store = BatchStore(engine)
    store.request(session_id, 1, Urgency.PREFETCH)
    claim = claimed(store, session_id, 1)
    for slot in claim.open_slots:
        store.accept(claim, question_for(slot), uuid4(), "claude")
    review("--question", f"{session_id}/12", "--decision", "retire")
    found = ReviewQueue(engine).one(session_id, 12)
    assert found is not None
    assert found.review == RETIRED
    store.finish(claim)
    assert published(run_sql, 12)["graded"] is False
