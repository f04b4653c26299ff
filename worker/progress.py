"""How far each running batch is, for Flower.

A separate thread sends the progress once a second, so that a run never waits for the broker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from generation.ports import Observer
from generation.run_events import QuestionAccepted, RunEnded, RunEvent, RunStarted

#: Sends one of Celery's task events: its type, the task's id, and the text of the result column.
Send = Callable[[str, str, str], object]


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def notice(self, event: RunEvent) -> None:
        for observer in self._observers:
            observer.notice(event)


@dataclass(slots=True)
class _Run:
    wanted: int
    accepted: int = 0
    sent: bool = False


class Progress:
    """Implements generation.ports.Observer: counts each run's questions under the id of its task."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._mutex = threading.Lock()

    def notice(self, event: RunEvent) -> None:
        # Bound when the task began, and copied into its lanes.
        task_id = structlog.contextvars.get_contextvars().get("task_id")
        if not isinstance(task_id, str):
            return
        with self._mutex:
            match event:
                case RunStarted():
                    self._runs[task_id] = _Run(event.open_slots)
                case QuestionAccepted() if task_id in self._runs:
                    run = self._runs[task_id]
                    run.accepted, run.sent = run.accepted + 1, False
                case RunEnded():
                    self._runs.pop(task_id, None)

    def send_changes(self, send: Send) -> None:
        """Send each run's count if it has changed. Nothing is sent for an ended run: the task's result follows."""
        with self._mutex:
            changed = [(task_id, run) for task_id, run in self._runs.items() if not run.sent]
            texts = [(task_id, f"{run.accepted} of {run.wanted} questions") for task_id, run in changed]
            for _, run in changed:
                run.sent = True
        for task_id, text in texts:
            send("task-progress", task_id, text)
