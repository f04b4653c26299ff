"""A student reports a question: once, bounded, theirs only, and without learning anything by it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from generation.reports import MAX_REPORT_CHARS, ReportReason
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Writer

REPORT = {"reason": "mathematical", "text": "الخيار الثاني صحيح أيضًا"}


def report(client: httpx2.Client, path: str, position: Any = 1, body: Any = REPORT) -> httpx2.Response:
    return client.post(f"{path}/questions/{position}/reports", json=body)


def test_a_question_is_reported_once(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    writer.finish()
    answers = [report(student, f"/exams/{exam_id}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert [answer.json() for answer in answers] == [
        {"index": 1, "alreadyReported": False},
        {"index": 1, "alreadyReported": True},
    ]


def test_a_question_of_a_practice_session_is_reported_in_the_same_way(
    student: httpx2.Client, writer: Writer
) -> None:
    wanted = {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
    session = student.post("/practice", json=wanted, headers={"Prefer": "wait=0"}).json()
    writer.finish()
    assert report(student, f"/practice/{session['id']}", 4).status_code == 201
    assert report(student, f"/exams/{session['id']}", 4).status_code == 404


@pytest.mark.parametrize("reason", list(ReportReason))
def test_a_report_needs_no_text(
    student: httpx2.Client, writer: Writer, exam_id: str, reason: ReportReason
) -> None:
    writer.finish()
    assert report(student, f"/exams/{exam_id}", 2, {"reason": reason}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "boring"}, "reason"),
        ({"reason": "other", "text": "س" * (MAX_REPORT_CHARS + 1)}, "text"),
        ({"reason": "other", "user": "me"}, "user"),
    ],
)
def test_another_body_is_refused(
    student: httpx2.Client, writer: Writer, exam_id: str, body: dict[str, Any], field: str
) -> None:
    writer.finish()
    answer = report(student, f"/exams/{exam_id}", 1, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [problem["field"] for problem in answer.json()["fields"]] == [field]


def test_text_that_no_database_stores_is_no_error(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    answer = student.post(
        f"/exams/{exam_id}/questions/1/reports",
        content=b'{"reason": "other", "text": "a\\u0000b\\ud800c\\u202e"}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in {201, 422}, answer.text


def test_a_question_that_is_not_there_cannot_be_reported(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    assert report(student, f"/exams/{exam_id}", 0).json()["code"] == "question_not_loaded"
    writer.finish()
    assert report(student, f"/exams/{exam_id}", 10).status_code == 409
    assert report(student, f"/exams/{exam_id}", 10_001).status_code == 422
    assert report(student, f"/exams/{uuid4()}").status_code == 404


def test_another_users_question_cannot_be_reported(serve: Serve, exam_id: str, writer: Writer) -> None:
    writer.finish()
    served = serve()
    with served.client(uuid4()) as other:
        assert report(other, f"/exams/{exam_id}").status_code == 404
