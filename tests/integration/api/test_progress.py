from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from generation.model import Urgency
from tests.integration.api.served import Writer


def at(client: httpx2.Client, exam_id: str, position: int) -> httpx2.Response:
    return client.post(f"/exams/{exam_id}/progress", json={"questionIndex": position})


def test_the_next_batch_is_enqueued_once_when_the_threshold_is_reached(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    answers = [at(student, exam_id, position) for position in range(10)]

    assert {answer.status_code for answer in answers} == {202}
    enqueued = [answer.json()["prefetch"] for answer in answers]
    assert enqueued == [None] * 7 + [{"batchIndex": 1}, None, None]
    assert writer.messages.get(timeout=5)[1:] == (1, Urgency.PREFETCH)
    assert writer.messages.empty()


def test_many_reports_at_once_enqueue_one_batch(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    writer.finish()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda position: at(student, exam_id, position), [7, 8, 9] * 4))

    assert [answer.json()["prefetch"] for answer in answers].count({"batchIndex": 1}) == 1
    assert writer.messages.qsize() == 1


@pytest.mark.parametrize("track", ["scientific", "literary"])
def test_a_student_who_only_moves_forward_gets_the_whole_exam(
    student: httpx2.Client, writer: Writer, track: str
) -> None:
    """D4: in the original `position % 10 >= 7` was never true in a batch of seven."""
    with writer.at_work():
        exam_id = student.post("/exams", json={"track": track}).json()["id"]
        for position in range(96):
            if position:
                assert at(student, exam_id, position).status_code == 202
            while len(student.get(f"/exams/{exam_id}").json()["questions"]) < min(position + 2, 96):
                pass

    assert student.get(f"/exams/{exam_id}").json()["generatedBatches"] == 10


def test_a_prefetch_that_failed_is_not_started_again_by_moving_on(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D8: in the original each report after a failure started another paid call."""
    writer.finish()
    at(student, exam_id, 7)
    writer.batches.fail(writer.claim(), "slots_left_open")

    assert [at(student, exam_id, position).json()["prefetch"] for position in (8, 9)] == [None, None]
    assert writer.messages.empty()


def test_only_a_committed_question_can_be_reported(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.write(writer.claim(), 3)

    assert at(student, exam_id, 2).status_code == 202
    for position in (3, 95, 96, 10_000):
        rejected = at(student, exam_id, position)
        assert (rejected.status_code, rejected.json()["code"]) == (409, "question_not_loaded")
        assert "السؤال" in rejected.json()["error"]


def test_a_paused_session_stores_the_position_and_enqueues_nothing(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/pause")
    answer = at(student, exam_id, 9)

    assert (answer.status_code, answer.json()) == (202, {"prefetch": None})
    assert writer.messages.empty()


def test_a_session_that_is_over_accepts_no_progress(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/cancel")
    rejected = at(student, exam_id, 9)

    assert (rejected.status_code, rejected.json()["code"]) == (409, "session_closed")
