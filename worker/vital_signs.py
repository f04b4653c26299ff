"""Whether this worker lives, as the outside can see it: a file that is touched, and three gauges.

Nobody needs to ask the worker through the broker: a worker that streams while Redis is away is well, and
an orchestrator that killed it then would throw away what it writes. Importing the module connects it.
"""

from __future__ import annotations

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
)

from runtime.settings import WorkerSettings, load
from worker import assembly
from worker.broker import message_dropped
from worker.periodic import Periodic

#: The file is older than this only when the process is frozen or gone.
TOUCH_PERIOD_S = 2
PROGRESS_PERIOD_S = 1


@worker_ready.connect
def show_life(sender: Any, **_: Any) -> None:
    """From now on the file is fresh while the process lives, and it is gone after an orderly end."""
    current = assembly.current()
    settings = load(WorkerSettings)
    current.metrics.slots.set(settings.worker_concurrency if sender.pool is None else sender.pool.limit)
    current.metrics.last_heartbeat.set_to_current_time()
    _tell_progress(sender)
    if settings.worker_alive_file is not None:
        keep_fresh(Path(settings.worker_alive_file))


def _tell_progress(consumer: Any) -> None:
    """Through the worker's own dispatcher: another's events would count as another worker's."""
    progress = assembly.current().progress

    def send(event: str, task_id: str, text: str) -> None:
        consumer.event_dispatcher.send(event, uuid=task_id, result=text)

    teller = Periodic("progress", period_s=PROGRESS_PERIOD_S, action=lambda: progress.tell(send))
    worker_shutdown.connect(lambda **_: teller.stop(), weak=False)
    teller.start()


def keep_fresh(file: Path) -> Periodic:
    file.touch()
    toucher = Periodic("alive", period_s=TOUCH_PERIOD_S, action=file.touch)

    def remove(**_: Any) -> None:
        toucher.stop()
        file.unlink(missing_ok=True)

    worker_shutdown.connect(remove, weak=False)
    toucher.start()
    return toucher


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
