"""What happened while an exam was taken, as the student's side saw it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo.events import ServerEvent


@dataclass(frozen=True, slots=True)
class Asked:
    """One call for the next batch."""

    at_s: float
    was_ready: bool


class ExamSession:
    """Written by the student's thread and by the one that follows the events.

    Times are in seconds since the student asked for the exam; batches and positions count from 0.
    """

    def __init__(self) -> None:
        self.session_id = ""
        self.questions: dict[int, dict[str, Any]] = {}  #: by position, as the events showed them
        self.arrived_s: dict[int, float] = {}  #: position -> when the question could be read
        self.ready_s: dict[int, float] = {}  #: batch -> when it was complete
        self.asked: dict[int, Asked] = {}  #: batch -> when the student came to it
        self.stalls_s: dict[int, float] = {}  #: position -> how long they had to wait there
        self.event_ids: list[int] = []
        self.connections = 0  #: to the events
        self.finished_s = 0.0
        self.payloads: list[Any] = []  #: all that the API returned
        self.final: dict[str, Any] = {}  #: the session at the end
        self._began = time.monotonic()
        self._news = threading.Condition()

    def begin(self) -> None:
        """The student asks for the exam now."""
        self._began = time.monotonic()

    def now_s(self) -> float:
        return time.monotonic() - self._began

    def note(self, change: Callable[[], None]) -> None:
        """Make a change, and wake the threads that wait for one."""
        with self._news:
            change()
            self._news.notify_all()

    def wait_for(self, condition: Callable[[], bool], *, within_s: float) -> bool:
        """Whether the condition came true in time."""
        with self._news:
            return self._news.wait_for(condition, timeout=within_s)

    def record(self, event: ServerEvent) -> None:
        """Record an event. A later question replaces an earlier one in its place; the first time counts."""
        self.event_ids.append(event.id)
        self.payloads.append(event.data)
        if event.kind == "question":
            self.questions[event.data["index"]] = event.data
            self.arrived_s.setdefault(event.data["index"], self.now_s())
        elif event.kind == "batch-ready":
            self.ready_s.setdefault(event.data["batchIndex"], self.now_s())

    @property
    def stalled_s(self) -> float:
        """All waiting after the first question was there."""
        return sum(seconds for position, seconds in self.stalls_s.items() if position > 0)

    @property
    def on_time(self) -> int:
        """How many of the batches the student came to were complete by then."""
        return sum(asked.was_ready for asked in self.asked.values())
