"""The sweep: it enqueues again every requested batch that is not ready and that no worker works on.

Idempotent. It looks only at rows: there a dead worker, a lost message, an emptied Redis and a due retry look the
same. It never runs a batch, so that a message is the only way to a run. Every worker process sweeps, so that no
single process is indispensable; SKIP LOCKED divides the rows between them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutting_down
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from generation.model import Urgency
from tasks.contract import QUEUES, SWEEP
from tasks.enqueue import WantedBatch, enqueue_check, enqueue_wanted
from worker.app import app
from worker.assembly import Assembly, current
from worker.periodic import Periodic

log = structlog.get_logger(__name__)

#: Batches enqueued in one pass; the others wait for the next pass.
PASS_LIMIT = 500

#: Answer checks enqueued in one pass of one worker.
CHECKS_A_PASS = 20

#: An event stream that ends seconds late is harmless, and the query costs more with more exams a day.
ENDINGS_PERIOD_S = 5.0

#: Deleting old rows hours late is harmless; a step in a minute keeps up with 72,000 sessions a day for each worker.
FORGET_PERIOD_S = 60.0

#: People look at these tables by the hour.
COPY_DOUBTS_PERIOD_S = 60.0

#: How soon a warning follows the money, and how often all attempts of a month are summed.
DAY_SPENDING_PERIOD_S = 15.0
MONTH_SPENDING_PERIOD_S = 300.0

#: A message that has left its queue was taken by a worker, which claims the batch at once, or it was lost.
LOST_AFTER_S = 3.0


@app.task(name=SWEEP)
def sweep() -> int:
    """Enqueue every due batch that no worker works on; returns how many. For an operator who cannot wait."""
    return sweep_once(current())


def sweep_once(assembly: Assembly) -> int:
    _close_lost_calls(assembly)
    due = assembly.batches.sweep(
        assembly.lease_settings.sweep_enqueue_again_s, PASS_LIMIT, sooner_s=_for_empty_queues(assembly)
    )
    assembly.metrics.last_sweep.set_to_current_time()
    _enqueue_checks(assembly)
    wanted = [WantedBatch(*batch) for batch in due]
    enqueued = enqueue_wanted(wanted, marks=assembly.batches, threads=assembly.enqueue_threads)
    if enqueued:
        assembly.metrics.sweep_enqueued.inc(enqueued)
        log.info("sweep_enqueued", batches=enqueued)
    return enqueued


def _for_empty_queues(assembly: Assembly) -> dict[Urgency, float]:
    """Shorter waits for urgencies whose queue is empty, which shows that the message is gone."""
    enqueue_again_s = assembly.lease_settings.sweep_enqueue_again_s
    return {
        urgency: min(LOST_AFTER_S, enqueue_again_s)
        for urgency, queue in QUEUES.items()
        if assembly.queues.is_empty(queue)
    }


def _enqueue_checks(assembly: Assembly) -> None:
    """The answer checks of published batches. One that the broker does not take is due again in a minute."""
    if not assembly.providers.has_solver:
        return
    for session_id, batch_index in assembly.batches.take_checks(CHECKS_A_PASS):
        enqueue = partial(enqueue_check, session_id, batch_index)
        assembly.enqueue_threads.submit(copy_context().run, enqueue)


def _close_lost_calls(assembly: Assembly) -> None:
    lost = assembly.ledger.close_lost(PASS_LIMIT)
    if lost:
        log.warning("calls_lost", attempts=lost)


def _copy_doubts(assembly: Assembly) -> None:
    """Into the web app's tables. What a table refuses is logged and tried again: it may be changed meanwhile."""
    tables = assembly.review_tables
    if tables is None:
        return
    for name, problem in tables.problems().items():
        log.warning("review_table_not_written", table=name, says=problem)
    try:
        copied = {table: rows for table, rows in tables.copy().items() if rows}
    except (IntegrityError, DataError, ProgrammingError) as err:
        log.warning("review_table_refuses", error=type(err.orig or err).__name__)
        return
    if copied:
        log.info("review_tables_written", **copied)


def _forget(assembly: Assembly) -> None:
    forgotten = {table: rows for table, rows in assembly.retention.forget().items() if rows}
    if forgotten:
        log.info("rows_forgotten", **forgotten)


@worker_ready.connect
def start_sweeping(**_: Any) -> None:
    assembly = current()
    sweep_period_s = assembly.lease_settings.sweep_period_s
    _repeat("sweep", period_s=sweep_period_s, action=lambda: sweep_once(assembly))
    _repeat(
        "endings", period_s=ENDINGS_PERIOD_S, action=lambda: assembly.sessions.publish_endings(PASS_LIMIT)
    )
    _repeat("forget", period_s=FORGET_PERIOD_S, action=lambda: _forget(assembly))
    _repeat("review_tables", period_s=COPY_DOUBTS_PERIOD_S, action=lambda: _copy_doubts(assembly))
    _repeat("day_spending", period_s=DAY_SPENDING_PERIOD_S, action=assembly.spend_watch.look_at_day)
    _repeat("month_spending", period_s=MONTH_SPENDING_PERIOD_S, action=assembly.spend_watch.look_at_month)


def _repeat(name: str, *, period_s: float, action: Callable[[], object]) -> None:
    """Run `action` periodically until the worker shuts down."""
    job = Periodic(name, period_s=period_s, action=action)
    worker_shutting_down.connect(lambda **_: job.stop(), weak=False)
    job.start()
