"""Liveness: a file that the main loop touches, three gauges, and progress events for Flower.

A health check needs no broker: a worker that streams while Redis is down is healthy, and killing it would
lose the questions in progress. A worker whose main loop is stuck ends itself, and its orchestrator starts it
again. Importing the module connects its signal handlers.
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
    """From now on this process ends itself when its main loop is stuck."""
    progress = LoopProgress(clock=time.monotonic)
    watchdog = Watchdog(progress, end=end_process)

    def note(next_within_s: float | None = None, **_: Any) -> None:
        progress.report(next_within_s=next_within_s or STEP_WITHIN_S)

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
def report_ready(sender: Any, **_: Any) -> None:
    """Set the gauges of slots and heartbeat, and begin to send progress."""
    current = assembly.current()
    settings = load(WorkerSettings)
    current.metrics.slots.set(settings.worker_concurrency if sender.pool is None else sender.pool.limit)
    current.metrics.last_heartbeat.set_to_current_time()
    _send_progress(sender)


def _send_progress(consumer: Any) -> None:
    """Through the worker's own dispatcher: Flower takes events of a second one for a second worker."""
    progress = assembly.current().progress

    def send(event: str, task_id: str, text: str) -> None:
        consumer.event_dispatcher.send(event, uuid=task_id, result=text)

    sender = Periodic("progress", period_s=PROGRESS_PERIOD_S, action=lambda: progress.send_changes(send))
    worker_shutdown.connect(lambda **_: sender.stop(), weak=False)
    sender.start()


@heartbeat_sent.connect
def note_heartbeat(**_: Any) -> None:
    """The main loop sends this signal when the broker answers."""
    assembly.current().metrics.last_heartbeat.set_to_current_time()


def _counts(why: str) -> Callable[..., None]:
    def count(**_: Any) -> None:
        assembly.current().metrics.messages_refused.labels(why).inc()

    return count


def count_refused_messages() -> None:
    """From now on. Flower imports this module, too, and has no metrics of ours."""
    for signal, why in (
        (message_dropped, "unreadable"),
        (task_unknown, "unknown"),
        (task_rejected, "rejected"),
        (task_internal_error, "internal_error"),
    ):
        signal.connect(_counts(why), weak=False)
