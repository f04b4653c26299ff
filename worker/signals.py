"""Celery's signal handlers: assembly before the first task, ids in log lines, an orderly end.

Importing the module connects the handlers; the worker imports it through `include` in worker.app.
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

from runtime.settings import SettingsError, WorkerSettings, load
from runtime.telemetry import configure_logging
from worker import assembly, liveness

log = structlog.get_logger(__name__)


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery sets up no logging when this signal has a handler; we set it up with the assembly."""


@worker_init.connect
def assemble_worker(**_: Any) -> None:
    """Build everything, or end with one sentence: a worker with wrong settings must take no tasks."""
    try:
        settings = load(WorkerSettings)
        configure_logging(level=settings.log_level, log_format=settings.log_format)
        assembly.install(assembly.assemble())
    except SettingsError as err:
        sys.stderr.write(f"tafawoq-worker: {err}\n")
        raise SystemExit(2) from err
    liveness.count_refused_messages()
    liveness.watch_loop(settings)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr=settings.worker_metrics_host)


@worker_ready.connect
def freeze_startup_objects(**_: Any) -> None:
    """Exclude the objects made so far, which live as long as the worker, from garbage collection.

    A full collection of them takes 150 ms, during which no batch begins.
    """
    gc.collect()
    gc.freeze()


@worker_shutting_down.connect
def release_everything(**_: Any) -> None:
    """Runs inside the operating system's signal handler: it may only set flags."""
    assembly.current().leases.release_all()


@worker_shutdown.connect
def close_assembly(**_: Any) -> None:
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
