"""Calls for the same batch at the same time share one database query, and each gets the right answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from api.rate_limits import Kind, Unlimited
from db.session_status import SessionStatus
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer

BODY = b'{"batchIndex": 0}'
JSON = {"Content-Type": "application/json"}
NAMED = {"X-Request-Id": "the-same"}


class CountedLimits(Unlimited):
    """Allows every call and counts them."""

    def __init__(self) -> None:
        self.taken = 0
        self._changed = threading.Condition()

    async def take(self, _user_id: UUID, kind: Kind, /) -> float:
        if kind is not Kind.CALLS:
            return 0.0
        with self._changed:
            self.taken += 1
            self._changed.notify_all()
        return 0.0

    def await_taken(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.taken >= number, timeout=20)


@dataclass(frozen=True)
class OneApi:
    """An API process, a student, and the student's exam, whose first batch is enqueued and not yet written."""

    served: Served
    limits: CountedLimits
    student: httpx2.Client
    exam_id: str
    patch: pytest.MonkeyPatch

    @property
    def writer(self) -> Writer:
        return self.served.writer

    def post(self, body: bytes = BODY, headers: Mapping[str, str] = NAMED) -> httpx2.Response:
        return self.student.post(
            f"/exams/{self.exam_id}/questions", content=body, headers={**JSON, **headers}
        )

    @contextmanager
    def hanging_query(self) -> Iterator[Callable[[], None]]:
        """While the block runs, one call's query hangs. The yielded function lets it continue."""
        query, held, release = self.served.sessions.session_status, threading.Event(), threading.Event()

        def slow(*asked: Any, **named: Any) -> SessionStatus:
            if not held.is_set():
                held.set()
                release.wait(20)
            return query(*asked, **named)

        with self.patch.context() as patch, ThreadPoolExecutor(1) as pool:
            patch.setattr(self.served.sessions, "session_status", slow)
            first = pool.submit(self.post, headers={"Prefer": "respond-async"})
            assert held.wait(20)
            try:
                yield release.set
            finally:
                release.set()
                first.result()

    def at_once(
        self, number: int, body: bytes = BODY, meanwhile: Callable[[], object] = lambda: None
    ) -> list[httpx2.Response]:
        """The answers of equal calls that came while a query hung; `meanwhile` ran during that time."""
        with ThreadPoolExecutor(number) as pool, self.hanging_query() as continue_query:
            before = self.limits.taken
            calls = [pool.submit(self.post, body, {}) for _ in range(number)]
            self.limits.await_taken(before + number)
            meanwhile()
            continue_query()
            return [call.result(timeout=20) for call in calls]


@pytest.fixture
def api(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneApi]:
    with one_api(serve, monkeypatch) as api:
        yield api


@contextmanager
def one_api(serve: Serve, patch: pytest.MonkeyPatch) -> Iterator[OneApi]:
    limits = CountedLimits()
    served = serve(api_default_wait_s=5, api_poll_s=0.05, limits=limits)
    with served.client(uuid4()) as student:
        yield OneApi(served, limits, student, created(student), patch)


def created(student: httpx2.Client) -> str:
    answer = student.post("/exams", json={"track": "scientific"}, headers={"Prefer": "respond-async"})
    exam_id: str = answer.json()["id"]
    return exam_id


def as_sent(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
    return answer.status_code, sorted(headers), answer.content


@pytest.mark.parametrize("number", [2, 5, 12, 50])
def test_equal_calls_for_a_ready_batch_all_get_it(api: OneApi, number: int) -> None:
    api.writer.finish()
    answers = api.at_once(number)
    assert [answer.status_code for answer in answers] == [200] * number
    assert {len(answer.json()["questions"]) for answer in answers} == {10}


def test_equal_calls_for_a_batch_that_becomes_ready_meanwhile_all_get_it_and_are_counted_once(
    api: OneApi,
) -> None:
    before = api.limits.taken
    answers = api.at_once(12, meanwhile=api.writer.finish)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert api.limits.taken == before + 13  # these and the call whose query hung


def test_equal_calls_for_a_batch_out_of_order_all_get_400(api: OneApi) -> None:
    answers = api.at_once(12, b'{"batchIndex": 5}')
    assert [answer.status_code for answer in answers] == [400] * 12
    assert {answer.json()["code"] for answer in answers} == {"invalid_batch_index"}


def test_equal_calls_for_a_session_that_does_not_exist_all_get_404(api: OneApi) -> None:
    nowhere = replace(api, exam_id=str(uuid4()))
    answers = nowhere.at_once(12)
    assert [answer.status_code for answer in answers] == [404] * 12


def test_equal_calls_for_a_batch_in_progress_all_get_the_same_bytes_as_a_single_call(api: OneApi) -> None:
    claim = api.writer.claim()
    with ThreadPoolExecutor(13) as pool:
        waiting = pool.submit(api.post)
        api.served.until_subscribed()
        ordinary = as_sent(api.post(headers=NAMED))
        answers = list(pool.map(lambda _: api.post(headers=NAMED), range(12)))
        api.writer.write(claim)
        api.writer.batches.finish(claim)
        assert waiting.result(timeout=20).status_code == 200
    assert [as_sent(answer) for answer in answers] == [ordinary] * 12
    assert ordinary[0] == 409
    page = httpx2.get(f"{api.served.url}/metrics").text
    asked = 'method="POST",route="/api/exams/{session_id}/questions",status="409"'
    assert f"tafawoq_http_requests_total{{{asked}}} 13.0" in page


def test_equal_calls_for_a_failed_batch_start_it_once_again(api: OneApi) -> None:
    def fail() -> None:
        api.writer.batches.fail(api.writer.claim(), "slots_left_open")

    enqueued = api.writer.messages.qsize()
    answers = api.at_once(3, meanwhile=fail)
    assert sorted(answer.status_code for answer in answers)[-2:] == [409, 409]
    assert api.writer.messages.qsize() <= enqueued + 1


def test_equal_calls_for_a_deferred_batch_all_get_retry_after(
    api: OneApi,
) -> None:
    api.writer.batches.release(api.writer.claim(), 90, "providers_unavailable", counts_as_failure=False)
    answers = api.at_once(3)
    assert {answer.json()["code"] for answer in answers} == {"generation_unavailable"}
    assert all(80 < int(answer.headers["Retry-After"]) <= 90 for answer in answers)


def test_calls_of_other_users_are_answered_while_a_query_hangs(api: OneApi) -> None:
    api.writer.claim()
    with ThreadPoolExecutor(4) as pool, api.hanging_query():
        strangers = {
            404: {"X-User-Id": str(uuid4())},
            401: {"X-User-Id": "nobody"},
            403: {"Host": "elsewhere.example"},
        }
        asked = {status: pool.submit(api.post, BODY, headers) for status, headers in strangers.items()}
        assert {status: call.result(timeout=20).status_code for status, call in asked.items()} == {
            status: status for status in strangers
        }
