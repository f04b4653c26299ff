"""The sweep: what is wanted and not there, and nobody works on, is enqueued again.

Level-triggered and idempotent. It looks at rows, not at history: a worker that died, a message that was
lost, an emptied Redis, an enqueue that never happened and a retry that has become due all look the same.
It never executes a batch, so there is one API into execution. Every worker process sweeps, so there is
no single process that must live; rows are shared by SKIP LOCKED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutting_down

from generation.model import Urgency
from tasks.contract import QUEUES, SWEEP
from tasks.enqueue import WantedBatch, enqueue_wanted
from worker.app import app
from worker.assembly import Assembly, current
from worker.periodic import Periodic

log = structlog.get_logger(__name__)

#: Batches enqueued in one pass; what is beyond waits for the next.
PASS_LIMIT = 500

#: A stream that ends seconds late harms nobody, and looking costs more the more exams a day has.
ENDINGS_PERIOD_S = 5.0

#: Keys are old for days before it matters; a thousand sessions a minute is more than there are.
FORGET_PERIOD_S = 60.0
FORGET_LIMIT = 1000

#: A message that does not wait in its queue was taken by a worker, who claims at once: or it was lost.
LOST_AFTER_S = 3.0


@app.task(name=SWEEP)
def sweep() -> int:
    """Enqueue every due batch that nobody works on; returns how many. For an operator who cannot wait."""
    return sweep_once(current())


def sweep_once(assembly: Assembly) -> int:
    _close_lost_calls(assembly)
    due = assembly.batches.sweep(
        assembly.lease_settings.sweep_enqueue_again_s, PASS_LIMIT, sooner_s=_where_nothing_waits(assembly)
    )
    assembly.metrics.last_sweep.set_to_current_time()
    wanted = [WantedBatch(batch.session_id, batch.batch_index, batch.urgency) for batch in due]
    enqueued = enqueue_wanted(wanted, marks=assembly.batches, threads=assembly.enqueue_threads)
    if enqueued:
        assembly.metrics.sweep_enqueued.inc(enqueued)
        log.info("sweep_enqueued", batches=enqueued)
    return enqueued


def _where_nothing_waits(assembly: Assembly) -> dict[Urgency, float]:
    """A long queue is no reason to enqueue again soon; an empty one shows that the message is gone."""
    enqueue_again_s = assembly.lease_settings.sweep_enqueue_again_s
    return {
        urgency: min(LOST_AFTER_S, enqueue_again_s)
        for urgency, queue in QUEUES.items()
        if assembly.queues.is_empty(queue)
    }


def _close_lost_calls(assembly: Assembly) -> None:
    lost = assembly.ledger.close_lost(PASS_LIMIT)
    if lost:
        log.warning("calls_lost", attempts=lost)


@worker_ready.connect
def start_sweeping(**_: Any) -> None:
    assembly = current()
    sweep_period_s = assembly.lease_settings.sweep_period_s
    _repeat("sweep", period_s=sweep_period_s, action=lambda: sweep_once(assembly))
    _repeat(
        "endings", period_s=ENDINGS_PERIOD_S, action=lambda: assembly.sessions.publish_endings(PASS_LIMIT)
    )
    _repeat("forget", period_s=FORGET_PERIOD_S, action=lambda: assembly.sessions.forget_keys(FORGET_LIMIT))


def _repeat(name: str, *, period_s: float, action: Callable[[], object]) -> None:
    """Until the worker begins to shut down."""
    job = Periodic(name, period_s=period_s, action=action)
    worker_shutting_down.connect(lambda **_: job.stop(), weak=False)
    job.start()
