"""The quick way for calls that come while another is asking for their batch, beside the ordinary way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from structlog.testing import capture_logs

from api.crowd import LISTENERS
from api.limits import Kind, Unlimited
from db.standing import Standing
from runtime.tracing import Tracing, TracingSettings, start_tracing
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer
from tests.support.collector import Collector

BODY = b'{"batchIndex": 0}'
JSON = {"Content-Type": "application/json"}
NAMED = {"X-Request-Id": "the-same"}


class CountedLimits(Unlimited):
    """Lets so many calls pass as are left, and knows how many came."""

    def __init__(self) -> None:
        self.left = 1000
        self.taken = 0

    async def take(self, _user_id: UUID, kind: Kind, /) -> float:
        if kind is not Kind.CALLS:
            return 0.0
        self.taken += 1
        self.left -= 1
        return 0.0 if self.left >= 0 else 30.0


@dataclass(frozen=True)
class OneDoor:
    """A door, a student of it, and his exam whose first batch is wanted and not yet written."""

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
    def asking(self) -> Iterator[Callable[[], None]]:
        """Within the block a call is asking for the batch, until what is yielded is called, or the block ends."""
        look, held, release = self.served.sessions.standing, threading.Event(), threading.Event()

        def slow(*asked: Any, **named: Any) -> Standing:
            if not held.is_set():
                held.set()
                release.wait(20)
            return look(*asked, **named)

        with self.patch.context() as patch, ThreadPoolExecutor(1) as pool:
            patch.setattr(self.served.sessions, "standing", slow)
            first = pool.submit(self.post, headers={"Prefer": "respond-async"})
            assert held.wait(20)
            try:
                yield release.set
            finally:
                release.set()
                first.result()

    @contextmanager
    def late(
        self, *calls: Callable[[], httpx2.Response], meanwhile: Callable[[], object] = lambda: None
    ) -> Iterator[list[httpx2.Response]]:
        """The answers of calls that came while another was asking; `meanwhile` happened before it found out."""
        crowd, listening = self.served.app.state.door.crowd, threading.Semaphore(0)
        overhear = crowd.overhear

        def overheard(what: Hashable) -> Coroutine[Any, Any, Any]:
            listening.release()
            return overhear(what)  # type: ignore[no-any-return]

        with ThreadPoolExecutor(len(calls)) as pool:
            with self.asking() as go_on, self.patch.context() as patch:
                patch.setattr(crowd, "overhear", overheard)
                asked: list[Future[httpx2.Response]] = [pool.submit(call) for call in calls]
                assert all(listening.acquire(timeout=20) for _ in calls)
                meanwhile()
                go_on()
            yield [future.result() for future in asked]


@pytest.fixture
def door(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneDoor]:
    with one_door(serve, monkeypatch) as door:
        yield door


@contextmanager
def one_door(serve: Serve, patch: pytest.MonkeyPatch, tracing: Tracing | None = None) -> Iterator[OneDoor]:
    limits = CountedLimits()
    served = serve(api_default_wait_s=20, api_poll_s=0.05, limits=limits, tracing=tracing)
    with served.client(uuid4()) as student:
        yield OneDoor(served, limits, student, created(student), patch)


def created(student: httpx2.Client) -> str:
    answer = student.post("/exams", json={"track": "scientific"}, headers={"Prefer": "respond-async"})
    exam_id: str = answer.json()["id"]
    return exam_id


def as_sent(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
    return answer.status_code, sorted(headers), answer.content


def quick_answers(told: Iterable[MutableMapping[str, Any]]) -> int:
    """How many calls have been answered the quick way, by what was logged."""
    return sum(len(line["request_ids"]) for line in told if line["event"] == "requests")


def test_a_latecomer_is_told_byte_for_byte_what_the_route_would_say(door: OneDoor) -> None:
    door.writer.claim()
    ordinary = as_sent(door.post())
    with capture_logs() as told, door.late(*[door.post] * 5) as answers:
        assert [as_sent(answer) for answer in answers] == [ordinary] * 5
        assert ordinary[0] == 409
        door.served.stop()
    assert quick_answers(told) == 5


def test_a_throng_is_told_at_once_what_the_route_would_say_while_the_first_is_still_asking(
    door: OneDoor,
) -> None:
    door.writer.claim()
    ordinary = as_sent(door.post())
    throng = LISTENERS + 3
    with capture_logs() as told, ThreadPoolExecutor(throng) as pool:
        with door.asking():
            asked = [pool.submit(door.post) for _ in range(throng)]
            assert [as_sent(call.result(timeout=20)) for call in asked] == [ordinary] * throng
        door.served.stop()
    assert quick_answers(told) == throng


def test_each_latecomer_is_counted_once_and_under_its_route(door: OneDoor) -> None:
    door.writer.claim()
    before = door.limits.taken
    with door.late(*[door.post] * 5):
        assert door.limits.taken == before + 6
    page = httpx2.get(f"{door.served.url}/metrics").text

    asked = 'method="POST",route="/api/exams/{session_id}/questions",status="409"'
    assert f"tafawoq_http_requests_total{{{asked}}} 6.0" in page  # five, and the one that was asking
    assert 'tafawoq_batch_answers_total{outcome="in_progress"} 6.0' in page


def test_the_line_of_those_who_were_told_together_has_a_place_for_each(door: OneDoor) -> None:
    door.writer.claim()
    calls = [lambda name=name: door.post(headers={"X-Request-Id": name}) for name in ("a-1", "a-2")]
    with capture_logs() as told, door.late(*calls):
        door.served.stop()

    lines = [line for line in told if line["event"] == "requests"]
    assert sorted(name for line in lines for name in line["request_ids"]) == ["a-1", "a-2"]
    for line in lines:
        assert len(line["ms"]) == len(line["queued_ms"]) == len(line["request_ids"])
        assert (line["method"], line["status"]) == ("POST", 409)
        assert line["route"] == "/api/exams/{session_id}/questions"
        assert (line["session_id"], line["user_id"]) == (door.exam_id, door.student.headers["X-User-Id"])


def test_with_tracing_on_each_of_those_told_together_has_a_line_and_a_span_of_its_own(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        settings = TracingSettings(otel_exporter_otlp_endpoint=collector.url)
        tracing = start_tracing(settings, service="tafawoq-api")
        with one_door(serve, monkeypatch, tracing) as door, capture_logs() as told:
            door.writer.claim()
            with door.late(*[door.post] * 2):
                door.served.stop()
            tracing.close()

    asked = collector.named("POST /api/exams/{session_id}/questions")
    assert [span.attributes["error.type"] for span in asked] == ["generation_in_progress"] * 3
    assert len({span.trace_id for span in asked}) == 3
    lines = [line for line in told if line["event"] == "request" and line["status"] == 409]
    assert len(lines) == 3
    assert quick_answers(told) == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        pytest.param(BODY, {"Prefer": "respond-async"}, 409, "generation_in_progress", id="a wish"),
        pytest.param(b'{"batchIndex": ', {}, 422, "invalid_request", id="no JSON"),
        pytest.param(b'{"batchIndex": 00}', {}, 422, "invalid_request", id="no number of JSON"),
        pytest.param(b'{"batchIndex": "0"}', {}, 422, "invalid_request", id="a text"),
        pytest.param(b'{"batchIndex": 0, "x": 1}', {}, 422, "invalid_request", id="a field too many"),
        pytest.param(b'{"batchIndex": 5}', {}, 400, "invalid_batch_index", id="another batch"),
        pytest.param(BODY, {"Content-Type": "text/plain"}, 422, "invalid_request", id="not said to be JSON"),
        pytest.param(b" " * 20_000, {}, 413, "request_too_large", id="too long"),
        pytest.param(BODY, {"X-User-Id": str(uuid4())}, 404, "session_not_found", id="another user"),
        pytest.param(BODY, {"X-User-Id": "nobody"}, 401, "unauthorized", id="nobody"),
        pytest.param(BODY, {"Host": "elsewhere.example"}, 403, "forbidden_origin", id="a foreign name"),
    ],
)
def test_who_comes_late_with_anything_else_is_answered_as_ever(
    door: OneDoor,
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    door.writer.claim()
    ordinary = as_sent(door.post(body, headers=NAMED | headers))
    with ThreadPoolExecutor(1) as pool, door.asking() as go_on:
        asked = pool.submit(door.post, body, headers=NAMED | headers)
        if code != "generation_in_progress":
            asked.result()  # without waiting for the one that is asking
        go_on()

        assert as_sent(asked.result()) == ordinary
        assert ordinary[0] == status
        assert json.loads(ordinary[2])["code"] == code


def test_a_body_in_pieces_is_put_together_by_the_route(door: OneDoor) -> None:
    door.writer.claim()
    with ThreadPoolExecutor(1) as pool, door.asking() as go_on:
        asked = pool.submit(
            door.student.post,
            f"/exams/{door.exam_id}/questions",
            content=iter([BODY[:5], BODY[5:]]),
            headers={**JSON, **NAMED},
        )
        go_on()
        assert asked.result().status_code == 409


def test_a_latecomer_that_calls_too_often_is_told_so_and_counted_once(door: OneDoor) -> None:
    door.limits.left = 1
    before = door.limits.taken
    with door.asking():
        refused = door.post()
    ordinary = door.post()

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert as_sent(refused) == as_sent(ordinary)
    assert door.limits.taken == before + 3


def test_latecomers_to_a_batch_that_has_become_ready_all_get_it_and_are_counted_once(door: OneDoor) -> None:
    before = door.limits.taken
    calls = [door.post] * 3
    with door.late(*calls, meanwhile=door.writer.finish) as answers:
        assert [answer.status_code for answer in answers] == [200] * 3
        assert {len(answer.json()["questions"]) for answer in answers} == {10}
    assert door.limits.taken == before + 4


def test_latecomers_to_a_batch_that_has_failed_start_it_again_once(door: OneDoor) -> None:
    def fail() -> None:
        door.writer.batches.fail(door.writer.claim(), "slots_left_open")

    calls = [door.post] * 3
    with door.late(*calls, meanwhile=fail) as answers:
        assert [answer.status_code for answer in answers] == [409] * 3
    assert door.writer.bells.qsize() == 1


def test_latecomers_to_a_batch_that_waits_for_the_providers_are_told_when_to_come_back(door: OneDoor) -> None:
    def put_off() -> None:
        door.writer.batches.give_back(
            door.writer.claim(), 90, "providers_unavailable", counts_as_failure=False
        )

    calls = [door.post] * 3
    with door.late(*calls, meanwhile=put_off) as answers:
        assert {answer.json()["code"] for answer in answers} == {"generation_unavailable"}
        assert all(80 < int(answer.headers["Retry-After"]) <= 90 for answer in answers)


def test_latecomers_to_a_session_that_was_cancelled_are_told_by_their_route(door: OneDoor) -> None:
    def cancel() -> None:
        door.served.sessions.cancel(UUID(door.exam_id))

    calls = [door.post] * 3
    with door.late(*calls, meanwhile=cancel) as answers:
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
            (409, "session_closed")
        }


def test_when_the_one_that_asks_meets_an_error_the_latecomers_ask_for_themselves(door: OneDoor) -> None:
    door.writer.claim()
    look, asked = door.served.sessions.standing, threading.Event()

    def first_fails(*of: Any, **named: Any) -> Standing:
        if not asked.is_set():
            asked.set()
            raise LookupError
        return look(*of, **named)

    door.patch.setattr(door.served.sessions, "standing", first_fails)
    with door.late(*[door.post] * 3) as answers:
        assert [answer.status_code for answer in answers] == [409] * 3
