"""The practice page in one tab, with the guide's changes: no key in the browser, graded by the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.web_app.server import Answer, ConnectionLost, WebAppServer

NOTHING = "Next does nothing; it can be pressed again"


@dataclass
class PracticePage:
    server: WebAppServer
    user: str
    session_id: str
    #: What sessionStorage holds; None: a reload in another tab or on another device, which reads the row.
    stored: dict[str, Any] | None = None
    network: Callable[[int], Answer | None] = lambda _number: None
    hangs_up_after_s: Callable[[int], float | None] = lambda _number: None
    seen: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._calls = 0
        self.index = 0
        loaded = self.stored or self._read()
        self.questions: list[dict[str, Any]] = loaded["questions"]
        self.generated_batches = int(loaded["session"]["generatedBatches"])
        self.total = int(loaded["session"]["totalQuestions"])
        answered = [answer["questionIndex"] for answer in loaded.get("answers", [])]
        self.index = min(max(answered, default=-1) + 1, max(len(self.questions) - 1, 0))

    def _read(self) -> dict[str, Any]:
        loaded = self.server.read("practice", self.user, self.session_id)
        if loaded.body["session"]["status"] == "paused":
            assert self.server.resume("practice", self.user, self.session_id).ok
        return loaded.body

    def answer(self, selected: int = 0) -> dict[str, Any]:
        """The page shows the key and the explanation of the feedback."""
        answer = self.server.answer("practice", self.user, self.session_id, self.index, selected)
        feedback: dict[str, Any] = answer.body["feedback"]
        return feedback

    def next(self, *, presses: int = 3) -> None:
        """Press Next; at the last loaded question it loads the next batch, once for each press."""
        for _ in range(presses):
            if self.index + 1 < len(self.questions) or self._load(self.generated_batches):
                self.index += 1
                return
            self.seen.append(NOTHING)
        raise AssertionError(f"no further question after {presses} presses: {self.statuses}")

    def _load(self, batch_index: int, *, again: bool = True) -> bool:
        answer = self._call(batch_index)
        if answer is None:
            return False
        if "expectedBatchIndex" in answer.body and again:
            return self._load(answer.body["expectedBatchIndex"], again=False)
        if not answer.ok:
            return False
        self.generated_batches = int(answer.body["meta"]["batchIndex"]) + 1
        self.questions = self._read()["questions"]
        return self.index + 1 < len(self.questions)

    def _call(self, batch_index: int) -> Answer | None:
        self._calls += 1
        try:
            answer = self.network(self._calls) or self.server.questions(
                "practice",
                self.user,
                self.session_id,
                batch_index,
                hangs_up_after_s=self.hangs_up_after_s(self._calls),
            )
        except ConnectionLost:
            self.statuses.append(0)
            return None
        self.statuses.append(answer.status)
        return answer

    def take_all(self) -> None:
        while True:
            feedback = self.answer(self.index % 4)
            assert feedback["explanation"]
            assert feedback["isCorrect"] is (feedback["correctAnswer"] == self.index % 4)
            if self.index + 1 >= self.total:
                return
            self.next()
