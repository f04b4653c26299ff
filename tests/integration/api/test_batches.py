from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from db.session_status import SessionStatus
from db.sweep import Due
from generation.model import Urgency
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer


def ask(client: httpx2.Client, exam_id: str, batch_index: int, prefer: str | None = None) -> httpx2.Response:
    return client.post(
        f"/exams/{exam_id}/questions",
        json={"batchIndex": batch_index},
        headers={"Prefer": prefer} if prefer else {},
    )


def test_a_ready_batch_is_returned_and_so_is_it_the_next_time(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D7: in the original a finished batch could not be fetched again, and a lost answer lost it for good."""
    writer.finish()
    answers = [ask(student, exam_id, 0), ask(student, exam_id, 0)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["meta"] == {"batchIndex": 0, "totalLoaded": 10, "cacheHit": True}
    assert [question["id"] for question in answers[0].json()["questions"]][::9] == [
        "quant_0_01",
        "quant_0_10",
    ]
    assert writer.messages.empty()


def test_the_call_that_starts_a_batch_waits_for_it(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    with writer.at_work():
        answer = ask(student, exam_id, 1)

    assert answer.status_code == 200
    assert answer.json()["meta"] == {"batchIndex": 1, "totalLoaded": 20, "cacheHit": False}
    assert [question["index"] for question in answer.json()["questions"]] == list(range(10, 20))


def test_a_whole_exam_can_be_taken_batch_by_batch(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    indexes = []
    with writer.at_work():
        for batch_index in range(10):
            answer = ask(student, exam_id, batch_index, "wait=20")
            assert answer.status_code == 200
            indexes += [question["index"] for question in answer.json()["questions"]]

    assert indexes == list(range(96))


def test_a_batch_that_is_not_ready_in_time_is_accepted(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    answer = ask(student, exam_id, 1, "wait=0")

    assert answer.status_code == 202
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Preference-Applied"] == "wait=0"
    assert answer.json() == {
        "batchIndex": 1,
        "status": "queued",
        "eventsUrl": f"/api/exams/{exam_id}/events",
    }


def test_a_batch_under_way_is_in_progress_for_whoever_does_not_wait(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.claim()
    for prefer in (None, "respond-async"):
        answer = ask(student, exam_id, 0, prefer)

        assert answer.status_code == 409
        assert answer.json()["code"] == "generation_in_progress"
        assert answer.json()["eventsUrl"] == f"/api/exams/{exam_id}/events"
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.elapsed.total_seconds() < 5


def test_many_calls_for_one_batch_start_it_once_and_those_that_wait_all_get_it(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D1: the original let every racer through to a paid call."""
    writer.finish()
    together = threading.Barrier(4)

    def ask_with_the_others() -> httpx2.Response:
        together.wait()
        return ask(student, exam_id, 1, "wait=20")

    with ThreadPoolExecutor(4) as pool:
        asked: list[Future[httpx2.Response]] = [pool.submit(ask_with_the_others) for _ in range(4)]
        writer.finish()
        answers = [future.result() for future in asked]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert writer.messages.empty()


def test_of_many_calls_at_once_one_starts_the_batch_and_the_others_are_told_so(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(student, exam_id, 1, "respond-async"), range(20)))

    assert sorted(answer.status_code for answer in answers) == [202, *[409] * 19]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert writer.messages.qsize() == 1


def test_a_batch_out_of_order_is_refused_with_the_one_that_is_next(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D7: who has lost step is told where it is."""
    writer.finish()
    for batch_index in (2, 9, 10, 999):
        answer = ask(student, exam_id, batch_index)

        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_batch_index"
        assert answer.json()["expectedBatchIndex"] == 1


def test_a_prefetched_batch_that_nobody_took_yet_is_hurried(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/progress", json={"questionIndex": 9})
    answer = ask(student, exam_id, 1, "respond-async")

    assert answer.status_code == 202
    messages = [writer.messages.get(timeout=5)[1:] for _ in range(2)]
    assert messages == [(1, Urgency.PREFETCH), (1, Urgency.INTERACTIVE)]


def test_a_batch_that_fails_while_somebody_waits_is_unavailable_and_starts_again_when_asked(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D3: in the original a session whose first batch had failed stayed locked and empty."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_watched()
        writer.batches.fail(writer.claim(), "slots_left_open")
        failed = asked.result()

    assert failed.status_code == 503
    assert failed.json()["code"] == "generation_unavailable"
    assert int(failed.headers["Retry-After"]) > 0
    assert ask(student, exam_id, 0, "respond-async").status_code == 202
    writer.finish()
    assert ask(student, exam_id, 0).status_code == 200


@pytest.mark.parametrize("prefer", [None, "wait=30"])
def test_a_batch_that_waits_for_the_providers_is_unavailable_at_once(
    student: httpx2.Client, writer: Writer, exam_id: str, prefer: str | None
) -> None:
    writer.batches.release(writer.claim(), 90, "providers_unavailable", counts_as_failure=False)
    answer = ask(student, exam_id, 0, prefer)

    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 5
    assert 80 < int(answer.headers["Retry-After"]) <= 90


def test_a_short_pause_of_the_providers_is_waited_out(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    writer.batches.release(claim, 0.5, "providers_unavailable", counts_as_failure=False)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_watched()
        due: list[Due] = []
        while not due:
            due = writer.batches.sweep(0, 10)
        claim = writer.claim_of(due[0].session_id, 0)
        writer.write(claim)
        writer.batches.finish(claim)

        assert asked.result().status_code == 200


def test_a_cancelled_session_gives_its_ready_batches_and_no_new_ones(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/cancel")

    assert ask(student, exam_id, 0).status_code == 200
    refused = ask(student, exam_id, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_closed")


def test_who_waits_for_a_session_that_is_cancelled_is_told(
    served: Served, student: httpx2.Client, exam_id: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_watched()
        student.post(f"/exams/{exam_id}/cancel")
        refused = asked.result()

    assert (refused.status_code, refused.json()["code"]) == (409, "session_closed")


def test_a_paused_session_starts_no_batch(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/pause")
    refused = ask(student, exam_id, 1)

    assert (refused.status_code, refused.json()["code"]) == (409, "session_paused")


def test_a_batch_is_asked_for_by_its_number(student: httpx2.Client, exam_id: str) -> None:
    for body in (
        {},
        {"batchIndex": "1"},
        {"batchIndex": True},
        {"batchIndex": -1},
        {"batchIndex": 0, "x": 1},
    ):
        refused = student.post(f"/exams/{exam_id}/questions", json=body)

        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_waiting_call_ends_when_the_process_is_stopped(serve: Serve) -> None:
    served = serve(api_default_wait_s=60)
    with served.client(uuid4()) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/exams", json={"track": "scientific"})
        served.until_watched()
        served.stop()
        created = asked.result()

    assert created.status_code == 201
    assert created.json()["generationInProgress"] is True


def test_a_waiting_call_of_a_client_that_hung_up_is_let_go(serve: Serve) -> None:
    served = serve(api_default_wait_s=60, api_poll_s=0.05)
    with served.client(uuid4()) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/exams", json={"track": "scientific"}, timeout=1)
        served.until_watched()
        assert isinstance(asked.exception(), httpx2.ReadTimeout)
        served.until_watched(0)


def test_an_idle_wait_is_not_woken_by_what_it_has_seen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waiting call would ask the database at every poll, for nothing."""
    served = serve(api_poll_s=0.02)
    looks: list[object] = []
    session_status = served.sessions.session_status

    def counted(*asked: Any, **named: Any) -> SessionStatus:
        looks.append(asked)
        return session_status(*asked, **named)

    monkeypatch.setattr(served.sessions, "session_status", counted)
    with served.client(uuid4()) as client:
        client.post("/exams", json={"track": "scientific"}, headers={"Prefer": "wait=1"})

    assert 2 <= len(looks) <= 4, "at the start, at the end, and when the first poll met the first look"
