"""Whether this worker lives, as the outside can see it: a file that its loop touches, and three gauges.

Nobody needs to ask the worker through the broker: a worker that streams while Redis is away is well, and
an orchestrator that killed it then would throw away what it writes. A worker whose loop stands still ends
itself, and its orchestrator starts it again. Importing the module connects it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery.signals import (
    heartbeat_sent,
    task_internal_error,
    task_rejected,
    task_unknown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from runtime.settings import WorkerSettings, load
from worker import assembly
from worker.broker import loop_step, message_dropped
from worker.periodic import Periodic
from worker.watchdog import END_WITHIN_S, STEP_WITHIN_S, LoopProgress, Watchdog, end_process

PROGRESS_PERIOD_S = 1


def watch_loop(settings: WorkerSettings) -> None:
    """From now on this process ends itself when its loop stands still."""
    progress = LoopProgress(clock=time.monotonic)
    watchdog = Watchdog(progress, end=end_process)

    def note(next_within_s: float | None = None, **_: Any) -> None:
        progress.give(next_within_s=next_within_s or STEP_WITHIN_S)

    def show(**_: Any) -> None:
        if settings.worker_alive_file is not None:
            progress.show_in(Path(settings.worker_alive_file))

    def expect_end(**_: Any) -> None:
        progress.expect_end(within_s=settings.worker_shutdown_grace_s + END_WITHIN_S)

    def end(**_: Any) -> None:
        watchdog.stop()
        progress.hide()

    loop_step.connect(note, weak=False)
    worker_ready.connect(show, weak=False)
    worker_shutting_down.connect(expect_end, weak=False)
    worker_shutdown.connect(end, weak=False)
    watchdog.start()


@worker_ready.connect
def show_life(sender: Any, **_: Any) -> None:
    """How many streams it can write, that it takes messages, and how far its batches are."""
    current = assembly.current()
    settings = load(WorkerSettings)
    current.metrics.slots.set(settings.worker_concurrency if sender.pool is None else sender.pool.limit)
    current.metrics.last_heartbeat.set_to_current_time()
    _tell_progress(sender)


def _tell_progress(consumer: Any) -> None:
    """Through the worker's own dispatcher: another's events would count as another worker's."""
    progress = assembly.current().progress

    def send(event: str, task_id: str, text: str) -> None:
        consumer.event_dispatcher.send(event, uuid=task_id, result=text)

    teller = Periodic("progress", period_s=PROGRESS_PERIOD_S, action=lambda: progress.tell(send))
    worker_shutdown.connect(lambda **_: teller.stop(), weak=False)
    teller.start()


@heartbeat_sent.connect
def note_heartbeat(**_: Any) -> None:
    """Sent by the loop that takes messages, when the broker answers."""
    assembly.current().metrics.last_heartbeat.set_to_current_time()


def _counts(why: str) -> Callable[..., None]:
    def count(**_: Any) -> None:
        assembly.current().metrics.messages_refused.labels(why).inc()

    return count


message_dropped.connect(_counts("unreadable"), weak=False)
task_unknown.connect(_counts("unknown"), weak=False)
task_rejected.connect(_counts("rejected"), weak=False)
task_internal_error.connect(_counts("internal_error"), weak=False)
