"""The client of the queue: it only adds messages.

A message is a hint: what requests the batch is a row, committed before the message is sent. The sweep replaces a
lost message, so the loss costs seconds and never a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog
from celery import Celery

from generation.model import Urgency
from tasks.contract import CHECK_BATCH, GENERATE_BATCH, QUEUES
from worker.app import app

log = structlog.get_logger(__name__)

#: How long a caller waits for a broker that does not answer.
ENQUEUE_WITHIN_S = 2.0


def enqueue_batch(
    session_id: UUID, batch_index: int, urgency: Urgency, *, through: Celery | None = None
) -> bool:
    """Enqueue a batch. True when the broker took the message, False when it could not be reached.

    Call it after the transaction that requests the batch has committed: a worker can be faster than a commit.
    """
    return _sent(GENERATE_BATCH, session_id, batch_index, urgency, through or app)


def enqueue_check(session_id: UUID, batch_index: int) -> bool:
    """Enqueue the answer check of a published batch. False when the broker could not be reached: it stays due."""
    return _sent(CHECK_BATCH, session_id, batch_index, Urgency.PREFETCH, app)


def _sent(task: str, session_id: UUID, batch_index: int, urgency: Urgency, through: Celery) -> bool:
    try:
        through.send_task(
            task,
            kwargs={"session_id": str(session_id), "batch_index": batch_index},
            queue=QUEUES[urgency],
            **shown(session_id, batch_index),
        )
    except Exception as err:  # noqa: BLE001  kombu meets more than its own errors when a connection is given up
        log.warning(
            "message_not_enqueued",
            session_id=str(session_id),
            batch_index=batch_index,
            urgency=urgency.value,
            error=type(err.__cause__ or err).__name__,
        )
        return False
    return True


class WantedBatch(NamedTuple):
    """A batch that a committed row requests."""

    session_id: UUID
    batch_index: int
    urgency: Urgency


class Enqueue(Protocol):
    def __call__(self, session_id: UUID, batch_index: int, urgency: Urgency, /) -> bool:
        """True when the broker took the message, False when it could not be reached. Never raises for that."""


class MarksNotEnqueued(Protocol):
    def mark_all_not_enqueued(self, keys: Sequence[tuple[UUID, int]]) -> None: ...


def enqueue_wanted(
    wanted: Sequence[WantedBatch],
    *,
    marks: MarksNotEnqueued,
    threads: Executor,
    enqueue: Enqueue | None = None,
) -> int:
    """Enqueue requested batches in order until the broker fails to take one. Returns how many it took.

    The others are marked for the next sweep. A broker that does not answer costs the caller at most ENQUEUE_WITHIN_S,
    and can block a thread of `threads` for longer. A message that is sent later after all is harmless: the claim
    decides.
    """
    enqueued = 0
    while enqueued < len(wanted) and _is_taken(wanted[enqueued], threads, enqueue or enqueue_batch):
        enqueued += 1
    left = [(batch.session_id, batch.batch_index) for batch in wanted[enqueued:]]
    if left:
        marks.mark_all_not_enqueued(left)
    return enqueued


def _is_taken(batch: WantedBatch, threads: Executor, enqueue: Enqueue) -> bool:
    sending = threads.submit(copy_context().run, partial(enqueue, *batch))
    try:
        return sending.result(ENQUEUE_WITHIN_S)
    except TimeoutError:
        sending.cancel()
        return False


def shown(session_id: UUID, batch_index: int) -> dict[str, Any]:
    """What Flower and the workers' logs show of the message: readable ids."""
    return {"argsrepr": "()", "kwargsrepr": f"session {str(session_id)[:8]}, batch {batch_index}"}
