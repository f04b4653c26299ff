from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api.errors import RESTING
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


def test_a_ready_batch_is_returned_every_time(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    """D7: in the original a finished batch could not be fetched again, so a lost answer lost the batch."""
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


def test_a_batch_that_is_not_ready_in_time_is_202(
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


def test_a_batch_in_progress_is_409_for_a_call_that_does_not_wait(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.claim()
    answer = ask(student, exam_id, 0, "respond-async")

    assert answer.status_code == 409
    assert answer.json()["code"] == "generation_in_progress"
    assert answer.json()["eventsUrl"] == f"/api/exams/{exam_id}/events"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.elapsed.total_seconds() < 5


def test_many_calls_for_one_batch_start_it_once_and_all_waiting_calls_get_it(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D1: in the original every concurrent call made a paid model call."""
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


def test_of_many_calls_at_once_one_starts_the_batch_and_the_others_get_409(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(student, exam_id, 1, "respond-async"), range(20)))

    assert sorted(answer.status_code for answer in answers) == [202, *[409] * 19]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert writer.messages.qsize() == 1


def test_a_batch_out_of_order_is_rejected_with_the_next_batch_index(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D7: a client with a wrong batch index learns the right one."""
    writer.finish()
    for batch_index in (2, 9, 10, 999):
        answer = ask(student, exam_id, batch_index)

        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_batch_index"
        assert answer.json()["expectedBatchIndex"] == 1


def test_a_queued_prefetch_becomes_interactive_when_it_is_asked_for(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/progress", json={"questionIndex": 9})
    answer = ask(student, exam_id, 1, "respond-async")

    assert answer.status_code == 202
    messages = [writer.messages.get(timeout=5)[1:] for _ in range(2)]
    assert messages == [(1, Urgency.PREFETCH), (1, Urgency.INTERACTIVE)]


def test_a_batch_that_fails_during_a_wait_is_503_and_starts_again_when_asked_for(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    """D3: in the original a session whose first batch had failed stayed locked and empty."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_subscribed()
        writer.batches.fail(writer.claim(), "slots_left_open")
        failed = asked.result()

    assert failed.status_code == 503
    assert failed.json()["code"] == "generation_unavailable"
    assert int(failed.headers["Retry-After"]) > 0
    assert ask(student, exam_id, 0, "respond-async").status_code == 202
    writer.finish()
    assert ask(student, exam_id, 0).status_code == 200


@pytest.mark.parametrize("prefer", [None, "wait=30", "respond-async"])
def test_a_batch_that_rests_is_503_until_the_end_of_its_rest(
    student: httpx2.Client, writer: Writer, exam_id: str, prefer: str | None
) -> None:
    """A request neither shortens the rest nor is told that we keep trying."""
    writer.batches.fail(writer.claim(), "budget_exhausted", rest_s=900)
    for _ in range(3):
        answer = ask(student, exam_id, 0, prefer)
        assert answer.status_code == 503
        assert answer.json()["error"] == RESTING
        assert 880 < int(answer.headers["Retry-After"]) <= 900
    assert student.get(f"/exams/{exam_id}").json()["generationInProgress"] is False


@pytest.mark.parametrize("prefer", [None, "wait=30"])
def test_a_batch_deferred_for_the_providers_is_503_at_once(
    student: httpx2.Client, writer: Writer, exam_id: str, prefer: str | None
) -> None:
    writer.batches.release(writer.claim(), 90, "providers_unavailable", counts_as_failure=False)
    answer = ask(student, exam_id, 0, prefer)

    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 5
    assert 80 < int(answer.headers["Retry-After"]) <= 90


def test_a_call_waits_through_a_short_pause_of_the_providers(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    writer.batches.release(claim, 0.5, "providers_unavailable", counts_as_failure=False)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_subscribed()
        due: list[Due] = []
        while not due:
            due = writer.batches.sweep(0, 10)
        claim = writer.claim_of(due[0].session_id, 0)
        writer.write(claim)
        writer.batches.finish(claim)

        assert asked.result().status_code == 200


def test_a_cancelled_session_returns_its_ready_batches_and_starts_no_new_ones(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/cancel")

    assert ask(student, exam_id, 0).status_code == 200
    rejected = ask(student, exam_id, 1)
    assert (rejected.status_code, rejected.json()["code"]) == (409, "session_closed")


def test_a_waiting_call_of_a_cancelled_session_gets_409(
    served: Served, student: httpx2.Client, exam_id: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_subscribed()
        student.post(f"/exams/{exam_id}/cancel")
        rejected = asked.result()

    assert (rejected.status_code, rejected.json()["code"]) == (409, "session_closed")


def test_a_paused_session_starts_no_batch(student: httpx2.Client, writer: Writer, exam_id: str) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/pause")
    rejected = ask(student, exam_id, 1)

    assert (rejected.status_code, rejected.json()["code"]) == (409, "session_paused")


def test_a_body_without_a_valid_batch_index_is_rejected(student: httpx2.Client, exam_id: str) -> None:
    for body in (
        {},
        {"batchIndex": "1"},
        {"batchIndex": True},
        {"batchIndex": -1},
        {"batchIndex": 0, "x": 1},
    ):
        rejected = student.post(f"/exams/{exam_id}/questions", json=body)

        assert (rejected.status_code, rejected.json()["code"]) == (422, "invalid_request")


def test_a_waiting_call_ends_when_the_process_is_stopped(serve: Serve) -> None:
    served = serve(api_default_wait_s=60)
    with served.client(uuid4()) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/exams", json={"track": "scientific"})
        served.until_subscribed()
        served.stop()
        created = asked.result()

    assert created.status_code == 201
    assert created.json()["generationInProgress"] is True


def test_a_waiting_call_ends_when_its_client_disconnects(serve: Serve) -> None:
    served = serve(api_default_wait_s=60, api_poll_s=0.05)
    with served.client(uuid4()) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/exams", json={"track": "scientific"}, timeout=1)
        served.until_subscribed()
        assert isinstance(asked.exception(), httpx2.ReadTimeout)
        served.until_subscribed(0)


def test_a_waiting_call_is_not_woken_for_events_that_it_has_read(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each waiting call would query the database at every poll, without need."""
    served = serve(api_poll_s=0.02)
    queries: list[object] = []
    session_status = served.sessions.session_status

    def counted(*asked: Any, **named: Any) -> SessionStatus:
        queries.append(asked)
        return session_status(*asked, **named)

    monkeypatch.setattr(served.sessions, "session_status", counted)
    with served.client(uuid4()) as client:
        client.post("/exams", json={"track": "scientific"}, headers={"Prefer": "wait=1"})

    assert 2 <= len(queries) <= 4, (
        "at the start, at the end, and when the first poll came during the first query"
    )
