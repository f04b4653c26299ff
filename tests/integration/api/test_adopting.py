"""A session from before the switch is adopted at its first call, whichever call that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from tests.integration.api.served import Served, Writer
from tests.integration.api.test_batches import ask
from tests.support.old_rows import exam_questions

OldExam = Callable[..., str]


@pytest.fixture
def old_exam(engine: Engine, student: httpx2.Client) -> OldExam:
    """Inserts an exam of the student as the old generator left it: two batches, of 10 and 6 questions."""

    def insert(**row: Any) -> str:
        session_id = str(uuid4())
        values = {
            "id": session_id,
            "user_id": UUID(student.headers["X-User-Id"]),
            "track": "scientific",
            "questions": json.dumps(exam_questions(session_id, [10, 6])),
            "generated_batches": 2,
            "generation_context": json.dumps({"lastBatchIndex": 1}),
        } | row
        names = ", ".join(values)
        marks = ", ".join(
            f"CAST(:{name} AS jsonb)" if name in {"questions", "generation_context"} else f":{name}"
            for name in values
        )
        with engine.begin() as connection:
            connection.execute(text(f"INSERT INTO exam_sessions ({names}) VALUES ({marks})"), values)
        return session_id

    return insert


def test_the_call_for_the_next_batch_adopts_and_is_answered(
    student: httpx2.Client, writer: Writer, old_exam: OldExam
) -> None:
    exam_id = old_exam()
    with writer.at_work():
        answer = ask(student, exam_id, 2)

    assert answer.status_code == 200, answer.text
    assert [question["index"] for question in answer.json()["questions"]] == list(range(16, 27))
    assert answer.json()["meta"] == {"batchIndex": 2, "totalLoaded": 27, "cacheHit": False}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "/progress", {"questionIndex": 3}),
        ("POST", "/pause", None),
        ("POST", "/cancel", None),
        ("POST", "/questions", {"batchIndex": 0}),
    ],
)
def test_every_first_call_adopts(
    student: httpx2.Client, old_exam: OldExam, method: str, path: str, body: Any
) -> None:
    answer = student.request(method, f"/exams/{old_exam()}{path}", json=body)
    assert answer.is_success, answer.text


def test_progress_in_an_old_batch_prefetches_the_first_new_one(
    student: httpx2.Client, old_exam: OldExam
) -> None:
    """The second batch has six questions, 10 to 15: the next is due at its fifth."""
    exam_id = old_exam(created_at="2026-01-13T10:00:00Z")
    due = [
        student.post(f"/exams/{exam_id}/progress", json={"questionIndex": index}).json()["prefetch"]
        for index in (13, 14, 15)
    ]
    assert due == [None, {"batchIndex": 2}, None]


def test_a_student_sees_all_old_questions_without_a_key(student: httpx2.Client, old_exam: OldExam) -> None:
    answer = student.get(f"/exams/{old_exam()}")

    session = answer.json()
    assert (session["generatedBatches"], session["totalQuestions"], len(session["questions"])) == (2, 96, 16)
    assert session["questions"][3]["stem"] == "نص السؤال القديم رقم 3؟"
    assert not [
        name for name in ("answerIndex", "correct_answer", "explanation", "شرح") if name in answer.text
    ]


def test_a_stream_from_the_first_event_has_the_old_questions(
    served: Served, student: httpx2.Client, old_exam: OldExam
) -> None:
    exam_id, seen = old_exam(), 0
    with student.stream("GET", f"/exams/{exam_id}/events") as response:
        for line in response.iter_lines():
            seen += line == "event: question"
            if line == "event: session":
                break
    assert seen == 16


def test_what_cannot_be_adopted_says_why(student: httpx2.Client, old_exam: OldExam) -> None:
    copy = {"generation_context": json.dumps({"lastBatchIndex": -1})}
    reasons = {
        "over": old_exam(status="completed"),
        "shared_copy": old_exam(**copy),
        "unreadable_questions": old_exam(questions='["?"]'),
    }
    for reason, exam_id in reasons.items():
        answer = student.get(f"/exams/{exam_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
        assert answer.json()["reason"] == reason


def test_while_the_old_generator_may_write_the_answer_is_409(
    student: httpx2.Client, old_exam: OldExam
) -> None:
    answer = ask(student, old_exam(generation_in_progress=True), 2)
    assert (answer.status_code, answer.json()["code"]) == (409, "generation_in_progress")
    assert answer.headers["Retry-After"] == "60"


def test_another_user_learns_nothing(served: Served, old_exam: OldExam) -> None:
    with served.client(uuid4()) as other:
        for exam_id in (old_exam(), old_exam(status="completed")):
            answer = other.get(f"/exams/{exam_id}")
            assert (answer.status_code, "reason" in answer.json()) == (404, False)
