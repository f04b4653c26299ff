"""What happens around the tasks: assembly before the first, log ids on each, an orderly end.

Importing the module connects the hooks; the worker does it through `include` in worker.app.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import structlog
from celery.signals import (
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from prometheus_client import start_http_server

from runtime.settings import RedisSettings, SettingsError, WorkerSettings, load
from runtime.telemetry import configure_logging
from worker import assembly, liveness
from worker.queue_check import problem_of_queue

log = structlog.get_logger(__name__)


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Connected so that Celery leaves logging alone; it is set up with the assembly."""


@worker_init.connect
def assemble_worker(**_: Any) -> None:
    """Build everything, or end with one sentence: a worker without its settings must not take tasks."""
    try:
        settings = load(WorkerSettings)
        configure_logging(level=settings.log_level, log_format=settings.log_format)
        assembly.install(assembly.assemble())
    except SettingsError as err:
        sys.stderr.write(f"tafawoq-worker: {err}\n")
        raise SystemExit(2) from err
    _tell_of_the_queue()
    liveness.watch_loop(settings)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr=settings.worker_metrics_host)


def _tell_of_the_queue() -> None:
    """Said once, in a sentence. The worker waits all the same: somebody may put it right."""
    problem = problem_of_queue(assembly.current().redis, load(RedisSettings).redis_key_prefix)
    if problem is not None:
        log.error("queue_unusable", says=str(problem))


@worker_ready.connect
def keep_what_is_here(**_: Any) -> None:
    """What has been made by now lasts as long as the worker. A full collection that looks through it all
    takes 150 ms, during which nobody's batch begins; it need not look again.
    """
    gc.collect()
    gc.freeze()


@worker_shutting_down.connect
def release_everything(**_: Any) -> None:
    """Runs inside the signal handler: it may only set flags."""
    assembly.current().leases.release_all()


@worker_shutdown.connect
def take_apart(**_: Any) -> None:
    assembly.current().close()
    assembly.install(None)


@task_prerun.connect
def bind_ids(task_id: str, task: Any, kwargs: dict[str, Any], **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        task=task.name,
        task_id=task_id,
        session_id=kwargs.get("session_id"),
        batch_index=kwargs.get("batch_index"),
    )


@task_postrun.connect
def unbind_ids(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
