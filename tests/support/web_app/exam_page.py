"""The exam page in one tab: the hook `useExamSession` as it is, or with the guide's one changed line.

Everything that the student is shown beside questions is written down, in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.support.web_app.server import Answer, ConnectionLost, WebAppServer

BATCH_SIZE = 10
THRESHOLD = 7
ATTEMPTS = 3
RETRY_DELAYS_S = (1.0, 2.0)

#: What the student reads while Next is disabled, and the toast with its button.
WAITING = "Next is disabled: the next questions are on their way"
TOAST = "toast with a retry button: "

#: Of a tab whose page asks for nothing and shows no button (D4).
STUCK_AFTER_S = 1.0


class Stuck(Exception):
    """Next stays disabled, nothing is under way, and there is no button to press."""


class GaveUp(Exception):
    """The student pressed retry as often as this test lets them."""


@dataclass
class ExamPage:
    server: WebAppServer
    user: str
    session_id: str
    #: With the guide's changed line the page asks when three loaded questions are left, whatever the batches' sizes.
    guided: bool = False
    #: Called before each call of the page, with the number of the call; may raise or answer in the server's place.
    network: Callable[[int], Answer | None] = lambda _number: None
    hangs_up_after_s: Callable[[int], float | None] = lambda _number: None
    most_retries: int = 5
    seen: list[str] = field(default_factory=list)
    statuses: list[int] = field(
        default_factory=list
    )  #: of every call for a batch; 0: the connection was lost

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._fetching: Future[None] | None = None
        self._asked_for: set[int] = set()
        self._calls = 0
        self._retries = 0
        self.error: str | None = None
        self.load()

    # What the hook does.

    def load(self) -> None:
        """At mount: the session, resumed if it is paused, and the first unanswered question."""
        loaded = self.server.read("exams", self.user, self.session_id).body
        if loaded["session"]["status"] == "paused":
            assert self.server.resume("exams", self.user, self.session_id).ok
        self.total = int(loaded["session"]["totalQuestions"])
        self.questions: list[dict[str, Any]] = loaded["questions"]
        self.generated_batches = int(loaded["session"]["generatedBatches"])
        self._asked_for = set(range(self.generated_batches))
        answered = {answer["questionIndex"] for answer in loaded["answers"]}
        unanswered = [index for index in range(len(self.questions)) if index not in answered]
        self.index = unanswered[0] if unanswered else 0
        self._effect()

    def _effect(self) -> None:
        """Runs after every render: whether to ask for the next batch."""
        if self._is_fetching or self.generated_batches >= 10 or not self._is_due:
            return
        if self.generated_batches not in self._asked_for:
            self._asked_for.add(self.generated_batches)
            self._fetching = self._threads.submit(self._fetch, self.generated_batches)

    @property
    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    @property
    def _is_due(self) -> bool:
        if self.guided:
            left = len(self.questions) - self.index
            return left <= BATCH_SIZE - THRESHOLD and len(self.questions) < self.total
        return self.index % BATCH_SIZE >= THRESHOLD and self.generated_batches <= self.index // BATCH_SIZE + 1

    def _fetch(self, batch_index: int) -> None:
        """Three attempts, 1 and 2 s apart; Retry-After is not read."""
        for attempt in range(ATTEMPTS):
            message = self._attempt(batch_index)
            if message is None:
                self.error = None
                return
            if attempt < ATTEMPTS - 1:
                time.sleep(RETRY_DELAYS_S[attempt])
        self.error = message
        self._asked_for.discard(batch_index)

    def _attempt(self, batch_index: int) -> str | None:
        """One call; None when its questions are merged, else the message."""
        self._calls += 1
        try:
            answer = self.network(self._calls) or self.server.questions(
                "exams",
                self.user,
                self.session_id,
                batch_index,
                hangs_up_after_s=self.hangs_up_after_s(self._calls),
            )
        except ConnectionLost:
            self.statuses.append(0)
            return "Failed to fetch"
        self.statuses.append(answer.status)
        if not answer.ok:
            return str(answer.body["error"])
        known = {question["id"] for question in self.questions}
        self.questions += [each for each in answer.body["questions"] if each["id"] not in known]
        self.generated_batches = int(answer.body["meta"]["batchIndex"]) + 1
        return None

    # What the student does.

    def answer(self, selected: int = 0) -> bool:
        """Choose and confirm: sent directly, and once more by the autosave two seconds later."""
        results = [
            self.server.answer("exams", self.user, self.session_id, self.index, selected) for _ in range(2)
        ]
        assert results[0].body == results[1].body
        self._effect()
        return bool(results[0].body["isCorrect"])

    def next(self) -> None:
        """Press Next as soon as it can be pressed. Raises Stuck, and GaveUp after `most_retries` toasts."""
        while self.index + 1 >= len(self.questions):
            self._wait_for_questions()
        self.index += 1
        self._effect()

    def _wait_for_questions(self) -> None:
        if self._fetching is None or self._fetching.done():
            self._effect()
        if self._fetching is None or (self._fetching.done() and self.error is None):
            raise Stuck(f"at question {self.index + 1} of {self.total}")
        self._say(WAITING)
        self._fetching.result(timeout=300)
        if self.error is not None:
            self._press_retry()

    def _press_retry(self) -> None:
        self._say(TOAST + str(self.error))
        if self._retries >= self.most_retries:
            raise GaveUp(str(self.error))
        self._retries += 1
        self._effect()

    def _say(self, text: str) -> None:
        if self.seen[-1:] != [text]:
            self.seen.append(text)

    def take_all(self, *, until: int | None = None) -> None:
        """Answer each question and go on, to the end or to this position."""
        last = self.total - 1 if until is None else until
        while True:
            self.answer(self.index % 4)
            if self.index >= last:
                return
            self.next()

    def close(self) -> None:
        """Leave the page: a beacon to a handler that does not exist."""
        assert self.server.not_there().status == 404
        self._threads.shutdown(wait=True)

    @property
    def errors(self) -> list[str]:
        return [text for text in self.seen if text.startswith(TOAST)]
