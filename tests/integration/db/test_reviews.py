"""A person's decision about a question: in the web app's row, in the events, in a session that is read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, update

from db.batches import BatchStore
from db.errors import QuestionChanged, QuestionNotLoaded, TooManyReports
from db.events import EventLog
from db.reports import REPORTS_A_DAY, ReportStore
from db.review_queue import Doubtful, ReviewQueue
from db.reviews import Replacement, ReviewStore
from db.session_row import lock_row
from db.sessions import SessionStore
from db.tables import questions
from db.verdicts import PublishedVerdicts
from generation.errors import SessionMissing
from generation.model import SessionKind
from generation.reports import MAX_REPORT_CHARS, ReportReason
from generation.verdicts import Doubt, Finding, Verdict
from runtime.settings import PlanSettings
from tests.integration.db.exams import STUDENT, exam_plan, make_ready, new_session, question_for
from tests.integration.db.races import while_held

Sql = Callable[..., Any]
ROW = "SELECT questions FROM exam_sessions ORDER BY created_at LIMIT 1"
OTHER = ReportReason.OTHER


@pytest.fixture
def session_id(sessions: SessionStore, store: BatchStore) -> UUID:
    """An exam whose first batch, positions 0 to 2, is published."""
    session_id = new_session(sessions)
    make_ready(store, session_id, 0)
    return session_id


@dataclass(frozen=True)
class Desk:
    """What a reviewer works with, and the exam of one student."""

    engine: Engine
    session_id: UUID

    @property
    def queue(self) -> ReviewQueue:
        return ReviewQueue(self.engine)

    @property
    def reviews(self) -> ReviewStore:
        return ReviewStore(self.engine)

    def streamed(self, position: int) -> dict[str, Any]:
        """The latest event of this position, with the question that a page shows then."""
        log = EventLog(self.engine).after(self.session_id, 0)
        question = [event.question for event in log if event.payload.get("position") == position][-1]
        assert question is not None
        return dict(question)

    def events(self) -> int:
        return len(EventLog(self.engine).after(self.session_id, 0))

    def shown(self, position: int) -> dict[str, Any]:
        """What a page shows that is loaded again."""
        return SessionStore(self.engine).view(self.session_id, SessionKind.EXAM, STUDENT).questions[position]


@pytest.fixture
def desk(engine: Engine, session_id: UUID) -> Desk:
    return Desk(engine, session_id)


@pytest.fixture
def queue(engine: Engine) -> ReviewQueue:
    return ReviewQueue(engine)


@pytest.fixture
def reported(engine: Engine, session_id: UUID, queue: ReviewQueue) -> Doubtful:
    """Question 1, which its student has reported."""
    report(ReportStore(engine), session_id)
    [found] = queue.waiting(10)
    return found


def report(reports: ReportStore, session_id: UUID, position: int = 1, **changes: Any) -> bool:
    usual: dict[str, Any] = {"reason": OTHER, "text": "خياران صحيحان"}
    return reports.add(session_id, SessionKind.EXAM, STUDENT, position=position, **usual | changes)


def test_a_student_reports_a_question_once(engine: Engine, session_id: UUID, queue: ReviewQueue) -> None:
    reports = ReportStore(engine)
    assert report(reports, session_id, text="  خياران\n\x1b[31m صحيحان\x00 ")
    assert not report(reports, session_id, reason=ReportReason.GRAMMATICAL)
    [found] = queue.waiting(10)
    assert found.position == 1
    assert [(each.reason, each.text) for each in found.reports] == [("other", "خياران [31m صحيحان")]


def test_a_report_is_bounded_in_length_and_number(
    engine: Engine, session_id: UUID, queue: ReviewQueue, run_sql: Sql
) -> None:
    reports = ReportStore(engine)
    report(reports, session_id, text="س" * 10 * MAX_REPORT_CHARS)
    [found] = queue.waiting(10)
    assert len(found.reports[0].text or "") == MAX_REPORT_CHARS
    run_sql(
        "INSERT INTO generation.reports (session_id, position, fingerprint, user_id, reason) "
        f"SELECT session_id, 9, n::text, user_id, 'other' FROM generation.plans, generate_series(2, {REPORTS_A_DAY}) n"
    )
    with pytest.raises(TooManyReports):
        report(reports, session_id, position=2)


def test_only_an_own_question_that_is_there_can_be_reported(engine: Engine, session_id: UUID) -> None:
    reports = ReportStore(engine)
    with pytest.raises(QuestionNotLoaded):
        report(reports, session_id, position=3)
    for kind, user in ((SessionKind.EXAM, uuid4()), (SessionKind.PRACTICE, STUDENT)):
        with pytest.raises(SessionMissing):
            reports.add(session_id, kind, user, position=1, reason=OTHER, text="")


def test_the_queue_has_what_is_reported_disputed_or_of_doubtful_language(
    engine: Engine, store: BatchStore, session_id: UUID, queue: ReviewQueue
) -> None:
    checking = BatchStore(engine)
    claim = checking.claim_check(session_id, 0)
    assert claim is not None
    found = {
        "fingerprint-0": Finding(Verdict.AGREED, (Doubt.LANGUAGE,), "ثلاث كتب"),
        "fingerprint-1": Finding(Verdict.DISPUTED, (Doubt.NO_RIGHT_ANSWER,)),
    }
    PublishedVerdicts(engine).settle_verdicts(claim, found)
    assert [(each.position, each.verdict) for each in queue.waiting(10)] == [(1, "disputed"), (0, "agreed")]
    report(ReportStore(engine), session_id, position=2)
    assert [each.position for each in queue.waiting(10)] == [2, 1, 0]
    assert [each.position for each in queue.waiting(1)] == [2]


def test_an_accepted_question_counts_again_and_leaves_the_queue(desk: Desk, run_sql: Sql) -> None:
    claim = BatchStore(desk.engine).claim_check(desk.session_id, 0)
    assert claim is not None
    PublishedVerdicts(desk.engine).settle_verdicts(claim, {"fingerprint-1": Finding(Verdict.DISPUTED)})
    assert run_sql(ROW)[0][0][1]["graded"] is False
    before = desk.events()
    [found] = desk.queue.waiting(10)
    desk.reviews.accept(found)
    assert run_sql(ROW)[0][0][1]["graded"] is True
    assert desk.queue.waiting(10) == []
    assert desk.events() == before, "nothing changed for the student"


def test_a_retired_question_stays_in_its_place_and_counts_for_nothing(
    desk: Desk, reported: Doubtful, run_sql: Sql
) -> None:
    assert desk.reviews.retire(reported) == 0
    [(row,)] = run_sql(ROW)
    assert [question["id"] for question in row] == ["quant_0_01", "quant_0_02", "quant_0_03"]
    assert [question["graded"] for question in row] == [True, False, True]
    assert row[1]["change"]["kind"] == "retired"
    assert row[1]["wasRead"] is False
    assert desk.shown(1)["change"]["kind"] == "retired"
    assert desk.streamed(1)["change"]["kind"] == "retired"
    assert desk.queue.waiting(10) == []


def test_a_corrected_question_keeps_what_the_student_had_read(
    desk: Desk, reported: Doubtful, store: BatchStore, run_sql: Sql
) -> None:
    store.note_progress(desk.session_id, 1, plan=PlanSettings())
    desk.reviews.correct(reported, {"stem": "سؤال مصحح", "answerIndex": 2})
    [(row,)] = run_sql(ROW)
    assert (row[1]["stem"], row[1]["answerIndex"], row[1]["graded"]) == ("سؤال مصحح", 2, True)
    assert (row[1]["change"]["kind"], row[1]["wasRead"]) == ("corrected", True)
    assert (row[1]["previous"]["stem"], row[1]["previous"]["answerIndex"]) == ("السؤال 1", 1)
    for question in (desk.shown(1), desk.streamed(1)):
        assert (question["stem"], question["change"]["kind"]) == ("سؤال مصحح", "corrected")
        assert "previous" not in question


def test_a_replaced_question_has_the_same_place_and_name(
    desk: Desk, reported: Doubtful, run_sql: Sql
) -> None:
    slot = exam_plan().slots[1]
    other = replace(question_for(slot, fingerprint="another"), stem="سؤال آخر")
    finding = Finding(Verdict.AGREED, solver="a solver")
    desk.reviews.replace(reported, Replacement(other, uuid4(), "claude", finding))
    [(row,)] = run_sql(ROW)
    assert (row[1]["id"], row[1]["stem"], row[1]["graded"]) == ("quant_0_02", "سؤال آخر", True)
    assert (row[1]["check"]["verdict"], row[1]["change"]["kind"]) == ("agreed", "replaced")
    assert row[1]["previous"]["stem"] == "السؤال 1"
    assert desk.streamed(1)["stem"] == "سؤال آخر"
    assert desk.queue.waiting(10) == []
    assert report(ReportStore(desk.engine), desk.session_id), "the new text may be reported again"
    with pytest.raises(QuestionChanged):
        desk.reviews.retire(reported)


def test_a_retired_question_is_retired_wherever_it_is_stored(
    desk: Desk, reported: Doubtful, store: BatchStore, sessions: SessionStore, run_sql: Sql
) -> None:
    """In other sessions, and in rows that the web app copied from ours; a question like it stays."""
    other = new_session(sessions)
    make_ready(store, other, 0)
    run_sql(
        "INSERT INTO exam_sessions (user_id, status, questions) "
        "SELECT gen_random_uuid(), 'completed', questions FROM exam_sessions LIMIT 1"
    )
    assert desk.reviews.retire(reported) == 2
    found = run_sql("SELECT questions FROM exam_sessions")
    assert len(found) == 3
    for (row,) in found:
        assert [question["graded"] for question in row] == [True, False, True]
        assert [question.get("change", {}).get("kind") for question in row] == [None, "retired", None]


def test_a_question_that_changed_meanwhile_is_not_retired_for_its_former_text(
    desk: Desk, reported: Doubtful, store: BatchStore, sessions: SessionStore, run_sql: Sql
) -> None:
    other = new_session(sessions)
    make_ready(store, other, 0)

    def change(connection: Connection) -> None:
        """As another reviewer does: under the lock of the web app's row."""
        lock_row(connection, other, SessionKind.EXAM)
        this = questions.c.session_id == other, questions.c.position == reported.position
        connection.execute(update(questions).where(*this).values(fingerprint="another"))

    with while_held(desk.engine, change, lambda: desk.reviews.retire(reported)) as retiring:
        assert retiring.result() == 0
    assert run_sql("SELECT session_id FROM generation.reviews") == [(desk.session_id,)]


def test_reports_of_a_retired_question_are_settled_wherever_it_is_stored(
    desk: Desk, reported: Doubtful, store: BatchStore, sessions: SessionStore
) -> None:
    other = new_session(sessions)
    make_ready(store, other, 0)
    report(ReportStore(desk.engine), other)
    assert desk.reviews.retire(reported) == 1
    assert desk.queue.waiting(10) == []


def test_every_decision_is_counted_with_topic_prompt_and_model(
    desk: Desk, reported: Doubtful, run_sql: Sql
) -> None:
    desk.reviews.accept(reported)
    [(decision, topic, prompt, model)] = run_sql(
        "SELECT decision, topic, prompt_version, model FROM generation.reviews"
    )
    assert (decision, topic, len(prompt), model) == ("accepted", "algebra", 12, None)
