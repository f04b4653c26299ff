"""A student who takes an exam over HTTP only, as the web app would for them: reads, thinks, goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import httpx2

from tools.demo.events import Follower, ServerEvent
from tools.demo.exam_session import Asked, ExamSession
from tools.demo.shape import BatchShape

#: How long the student waits for a question before they give up.
TIMEOUT_S = 90
#: A wait that a student does not notice.
BLINK_S = 0.1
#: After this batch the student leaves the events once, on purpose, to come back and find that they missed nothing.
LEAVES_AFTER_BATCH = 2


class StudentGaveUp(Exception):
    """The exam could not be taken to its end; the message says where it stopped."""


class Audience(Protocol):
    """Whoever watches. Called from two threads."""

    def question_arrived(self, position: int, question: dict[str, Any], at_s: float, /) -> None: ...

    def batch_requested(self, index: int, at_s: float, /, *, ahead: bool) -> None:
        """`ahead`: by the student's progress, before they came to the batch."""

    def batch_ready(self, index: int, at_s: float, /) -> None: ...

    def student_at(self, position: int, question: dict[str, Any], /) -> None: ...


class Student:
    """Takes one exam, looking at each question for `pace_s`."""

    def __init__(
        self,
        api_url: str,
        audience: Audience,
        *,
        pace_s: float,
        after_first_batch: Callable[[], None] = lambda: None,
    ) -> None:
        """`after_first_batch` is called once, when it is complete, on the thread that reads the events."""
        self._after_first_batch = after_first_batch
        self.exam_session = ExamSession()
        self._exams_url = f"{api_url}/api/exams"
        self._audience = audience
        self._pace_s = pace_s
        # Built before the clock runs: reading the certificates takes longer than a call.
        self._http = httpx2.Client(timeout=30)
        self._events_http = httpx2.Client()

    def take_exam(self, track: str, batches: Sequence[BatchShape]) -> ExamSession:
        """What the student saw, when all questions of these batches were read. Raises StudentGaveUp."""
        with self._http:
            self.exam_session.begin()
            answer = self._call("POST", "", {"track": track}, prefer="respond-async")
            self.exam_session.session_id = answer["id"]
            follower = Follower(
                self._events_http,
                f"{self._exams_url}/{answer['id']}/events",
                self._on_event,
                on_connect=self._on_connect,
            )
            follower.start()
            try:
                for index, batch in enumerate(batches):
                    self._take_batch(index, batch)
            finally:
                follower.leave()
            self.exam_session.finished_s = self.exam_session.now_s()
            self.exam_session.final = self._call("GET", f"/{answer['id']}")
            return self.exam_session

    def cancel(self) -> None:
        """Ask that nothing more is written for them. An API that does not answer is about to be stopped anyway."""
        if self.exam_session.session_id:
            with contextlib.suppress(httpx2.HTTPError):
                httpx2.post(f"{self._exams_url}/{self.exam_session.session_id}/cancel", timeout=10)

    def _take_batch(self, index: int, batch: BatchShape) -> None:
        if index > 0:
            self._ask_for(index)
        for position in range(batch.start, batch.start + batch.size):
            self._read(position)
        if not self.exam_session.wait_for(lambda: index in self.exam_session.ready_s, within_s=TIMEOUT_S):
            raise StudentGaveUp(f"Batch {index + 1} was not complete after {TIMEOUT_S} s.")

    def _ask_for(self, index: int) -> None:
        at_s = self.exam_session.now_s()
        self._audience.batch_requested(index, at_s, ahead=False)
        answer = self._call(
            "POST",
            self._path("questions"),
            {"batchIndex": index},
            prefer="respond-async",
            or_status=(202, 409),
        )
        was_ready = answer.get("meta", {}).get("cacheHit", False)
        self.exam_session.asked[index] = Asked(at_s, was_ready)

    def _read(self, position: int) -> None:
        self._await_question(position)
        self._audience.student_at(position, self.exam_session.questions[position])
        answer = self._call("POST", self._path("progress"), {"questionIndex": position})
        if prefetch := answer.get("prefetch"):
            now_s = self.exam_session.now_s()
            self._audience.batch_requested(prefetch["batchIndex"], now_s, ahead=True)
        self._look()

    def _look(self) -> None:
        time.sleep(self._pace_s)

    def _await_question(self, position: int) -> None:
        came_s = self.exam_session.now_s()
        if not self.exam_session.wait_for(
            lambda: position in self.exam_session.questions, within_s=TIMEOUT_S
        ):
            raise StudentGaveUp(f"Question {position + 1} had not come after {TIMEOUT_S} s.")
        waited_s = self.exam_session.now_s() - came_s
        if waited_s > BLINK_S:
            self.exam_session.stalls_s[position] = waited_s

    def _path(self, what: str) -> str:
        return f"/{self.exam_session.session_id}/{what}"

    def _call(
        self, method: str, path: str, body: Any = None, *, prefer: str = "", or_status: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        headers = {"Prefer": prefer} if prefer else {}
        try:
            response = self._http.request(method, f"{self._exams_url}{path}", json=body, headers=headers)
        except httpx2.HTTPError as err:
            raise StudentGaveUp(f"{method} /api/exams{path} was not answered: {err}.") from err
        if not response.is_success and response.status_code not in or_status:
            raise StudentGaveUp(
                f"{method} /api/exams{path} was answered with {response.status_code}: {response.text}"
            )
        answer: dict[str, Any] = response.json()
        self.exam_session.payloads.append(answer)
        return answer

    def _on_connect(self) -> None:
        self.exam_session.connections += 1

    def _on_event(self, event: ServerEvent) -> bool:
        self.exam_session.note(lambda: self.exam_session.record(event))
        if event.kind == "question":
            position = event.data["index"]
            self._audience.question_arrived(position, event.data, self.exam_session.arrived_s[position])
        elif event.kind == "batch-ready":
            index = event.data["batchIndex"]
            self._audience.batch_ready(index, self.exam_session.ready_s[index])
            if index == 0:
                self._after_first_batch()
            return not (index == LEAVES_AFTER_BATCH and self.exam_session.connections == 1)
        return True
