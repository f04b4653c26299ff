from __future__ import annotations

from uuid import uuid4

import httpx2
from sqlalchemy import Engine, text

from db.leases import Lease, Renewal
from tests.integration.api.served import FIGURE, Served, Writer

NOW = {"Prefer": "respond-async"}
PRACTICE = {"section": "quantitative", "categories": ["algebra"], "difficulty": "hard", "questionCount": 7}


def test_a_session_shows_every_committed_question_also_of_a_batch_in_progress(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.write(writer.claim(), 4)
    exam = student.get(f"/exams/{exam_id}").json()

    assert [question["index"] for question in exam["questions"]] == [0, 1, 2, 3]
    assert exam["generatedBatches"] == 0
    assert exam["generationInProgress"] is True
    assert set(exam) == {
        "id",
        "track",
        "status",
        "questions",
        "generatedBatches",
        "totalQuestions",
        "generationInProgress",
        "createdAt",
        "updatedAt",
    }


def test_a_question_has_the_shape_that_the_web_app_reads(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.write(writer.claim(), 2)
    plain, with_passage = student.get(f"/exams/{exam_id}").json()["questions"]

    assert plain["id"] == "quant_0_01"
    assert plain["stem"] == "ما ناتج المسألة رقم 0؟"
    assert plain["choices"] == ["ألف", "باء", "جيم", "دال"]
    assert plain["diagram"] == FIGURE
    assert "passage" not in plain
    assert with_passage["passage"] == "نص قصير"
    assert set(with_passage) == {
        "id",
        "index",
        "section",
        "topic",
        "difficulty",
        "questionType",
        "stem",
        "choices",
        "passage",
        "diagram",
    }


def test_sessions_are_listed_newest_first_and_page_by_page(student: httpx2.Client) -> None:
    made = [student.post("/exams", json={"track": "literary"}, headers=NOW).json()["id"] for _ in range(5)]
    listed: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    pages = 0
    while True:
        page = student.get("/exams", params=query).json()
        listed += [session["id"] for session in page["sessions"]]
        pages += 1
        if "nextBefore" not in page:
            break
        query["before"] = page["nextBefore"]

    assert listed == made[::-1]
    assert pages == 3


def test_exams_and_practice_sessions_do_not_see_each_other(student: httpx2.Client, exam_id: str) -> None:
    practice_id = student.post("/practice", json=PRACTICE, headers=NOW).json()["id"]

    assert [session["id"] for session in student.get("/exams").json()["sessions"]] == [exam_id]
    listed = student.get("/practice").json()["sessions"]
    assert [(session["id"], session["section"], session["categories"]) for session in listed] == [
        (practice_id, "quantitative", ["algebra"])
    ]
    assert student.get(f"/practice/{exam_id}").status_code == 404
    assert student.get(f"/exams/{practice_id}").status_code == 404


def test_a_session_of_another_user_is_not_there_for_any_call(served: Served, exam_id: str) -> None:
    with served.client(uuid4()) as stranger:
        answers = [
            stranger.get(f"/exams/{exam_id}"),
            stranger.get(f"/exams/{exam_id}/events"),
            stranger.post(f"/exams/{exam_id}/questions", json={"batchIndex": 0}),
            stranger.post(f"/exams/{exam_id}/progress", json={"questionIndex": 0}),
            *(stranger.post(f"/exams/{exam_id}/{move}") for move in ("cancel", "pause", "resume")),
        ]
        listed = stranger.get("/exams").json()["sessions"]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "session_not_found")}
    assert listed == []
    assert served.writer.messages.qsize() == 1


def test_an_invalid_session_id_is_404(student: httpx2.Client) -> None:
    for wrong in ("1", "none", "%00", "../healthz", str(uuid4()) + "0"):
        answer = student.get(f"/exams/{wrong}/events")

        assert (answer.status_code, answer.json()["code"]) in {(404, "session_not_found"), (404, "not_found")}


def test_cancelling_stops_the_run_and_can_be_repeated(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    writer.write(claim, 2)
    cancelled = [student.post(f"/exams/{exam_id}/cancel") for _ in range(2)]

    assert [answer.status_code for answer in cancelled] == [200, 200]
    assert {answer.json()["status"] for answer in cancelled} == {"abandoned"}
    assert cancelled[0].json()["generationInProgress"] is False
    assert len(cancelled[0].json()["questions"]) == 2
    assert writer.batches.renew([Lease.of(claim)], 60) == Renewal()


def test_a_resumed_session_has_its_questions(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    """D28: the original returned blank questions after a pause."""
    writer.finish()
    before = student.get(f"/exams/{exam_id}").json()["questions"]
    paused = student.post(f"/exams/{exam_id}/pause")
    resumed = student.post(f"/exams/{exam_id}/resume")

    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert (resumed.status_code, resumed.json()["status"]) == (200, "in_progress")
    assert resumed.json()["questions"] == before
    assert [question["stem"] for question in before] == [
        f"ما ناتج المسألة رقم {position}؟" for position in range(10)
    ]


def test_a_session_that_is_over_is_neither_paused_nor_resumed(student: httpx2.Client, exam_id: str) -> None:
    student.post(f"/exams/{exam_id}/cancel")
    answers = [student.post(f"/exams/{exam_id}/{move}") for move in ("pause", "resume")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "session_closed")}


def test_a_session_that_the_web_app_has_completed_still_hides_its_answers(
    student: httpx2.Client, writer: Writer, exam_id: str, engine: Engine
) -> None:
    writer.finish()
    with engine.begin() as connection:
        connection.execute(text("UPDATE exam_sessions SET status = 'completed'"))
    exam = student.get(f"/exams/{exam_id}").json()

    assert exam["status"] == "completed"
    assert all("answerIndex" not in question for question in exam["questions"])
