"""Answer checks of published batches: what is due, what is stored, and what the web app's row says then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.checks import TRIES
from db.sessions import SessionStore
from db.verdicts import PublishedVerdicts
from generation.model import Urgency
from generation.verdicts import Doubt, Finding, Verdict
from tests.integration.db.exams import claimed, exam_plan, fill, make_ready, new_session, practice_plan

Sql = Callable[..., Any]
DISPUTED = Finding(Verdict.DISPUTED, (Doubt.OTHER_ANSWER,), solver="a solver")
AGREED = Finding(Verdict.AGREED, (Doubt.LANGUAGE,), "ثلاث كتب", "a solver")
MAKE_DUE = "UPDATE generation.batches SET check_due = now() WHERE check_due IS NOT NULL"


@pytest.fixture
def checking(engine: Engine) -> BatchStore:
    return BatchStore(engine, checks_answers=True)


@pytest.fixture
def verdicts(engine: Engine) -> PublishedVerdicts:
    return PublishedVerdicts(engine)


@pytest.fixture
def session_id(sessions: SessionStore, checking: BatchStore) -> UUID:
    session_id = new_session(sessions, exam_plan())
    make_ready(checking, session_id, 0)
    return session_id


@pytest.mark.parametrize("plan", [exam_plan(), practice_plan()], ids=["exam", "practice"])
def test_a_batch_that_was_published_unchecked_is_due_for_a_check(
    sessions: SessionStore, checking: BatchStore, plan: Any
) -> None:
    session_id = new_session(sessions, plan)
    make_ready(checking, session_id, 0)
    assert checking.take_checks(10) == [(session_id, 0)]
    assert checking.take_checks(10) == []


def test_without_a_solver_nothing_is_due(store: BatchStore, sessions: SessionStore) -> None:
    make_ready(store, new_session(sessions), 0)
    assert store.take_checks(10) == []


def test_a_check_that_stores_nothing_is_tried_again_and_then_given_up(
    checking: BatchStore, session_id: UUID, run_sql: Sql
) -> None:
    for _ in range(TRIES):
        assert checking.take_checks(10) == [(session_id, 0)]
        run_sql(MAKE_DUE)
    assert checking.take_checks(10) == []


def test_a_cancelled_session_is_not_checked(
    checking: BatchStore, sessions: SessionStore, session_id: UUID
) -> None:
    assert checking.claim_check(session_id, 0) is not None
    sessions.cancel(session_id)
    assert checking.claim_check(session_id, 0) is None


def test_a_batch_that_is_not_published_is_not_checked(checking: BatchStore, session_id: UUID) -> None:
    assert checking.claim_check(session_id, 1) is None
    assert checking.claim_check(UUID(int=5), 0) is None


def test_what_is_found_stands_in_the_web_apps_row(
    checking: BatchStore, verdicts: PublishedVerdicts, session_id: UUID, run_sql: Sql
) -> None:
    claim = checking.claim_check(session_id, 0)
    assert claim is not None
    assert [question.slot.position for question in verdicts.unchecked(claim)] == [0, 1, 2]
    run_sql("UPDATE exam_sessions SET questions = jsonb_set(questions, '{0,id}', '\"of the web app\"')")
    found = {"fingerprint-0": DISPUTED, "fingerprint-1": DISPUTED, "fingerprint-2": AGREED}
    for _ in range(2):  # a call repeated after a lost reply is harmless
        assert verdicts.settle_verdicts(claim, found) == ()
    [(first, second, third)] = run_sql("SELECT questions->0, questions->1, questions->2 FROM exam_sessions")
    assert (first["id"], first["graded"]) == ("of the web app", True), "an element that is not ours stays"
    assert (second["graded"], third["graded"]) == (False, True)
    assert second["check"]["at"]
    del second["check"]["at"], third["check"]["at"]
    assert second["check"] == {"verdict": "disputed", "reasons": ["other_answer"], "solver": "a solver"}
    assert third["check"] == {
        "verdict": "agreed",
        "reasons": ["language"],
        "words": "ثلاث كتب",
        "solver": "a solver",
    }
    assert second["id"] == "quant_0_02"
    assert verdicts.unchecked(claim) == ()
    run_sql(MAKE_DUE)
    assert checking.take_checks(10) == []


def test_a_batch_whose_questions_were_all_checked_in_its_run_is_not_due(
    checking: BatchStore, session_id: UUID, run_sql: Sql
) -> None:
    run_sql("UPDATE generation.batches SET check_due = NULL")
    checking.request(session_id, 1, Urgency.PREFETCH)
    claim = claimed(checking, session_id, 1)
    fill(checking, claim)
    checking.settle_verdicts(claim, {"fingerprint-3": AGREED, "fingerprint-4": AGREED})
    checking.finish(claim)
    assert checking.take_checks(10) == []
