"""The insert-only client of the queue: how anybody rings for a batch.

A message is a doorbell. The wanted batch is a committed row before the bell rings, so a bell that cannot
be rung, or gets lost, costs seconds (the sweep rings again) and never a question.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from celery import Celery

from generation.model import Urgency
from tasks.contract import GENERATE_BATCH, QUEUES
from worker.app import app

log = structlog.get_logger(__name__)


def enqueue_batch(
    session_id: UUID, batch_index: int, urgency: Urgency, *, through: Celery | None = None
) -> bool:
    """Ring for a batch; True when the broker took the message, False when it could not be reached.

    Call it after the transaction that wants the batch has committed: a worker can be faster than a commit.
    """
    try:
        (through or app).send_task(
            GENERATE_BATCH,
            kwargs={"session_id": str(session_id), "batch_index": batch_index},
            queue=QUEUES[urgency],
            **shown(session_id, batch_index),
        )
    except Exception as err:  # noqa: BLE001  kombu meets more than its own errors when a connection is given up
        log.warning(
            "doorbell_not_rung",
            session_id=str(session_id),
            batch_index=batch_index,
            urgency=urgency.value,
            error=type(err.__cause__ or err).__name__,
        )
        return False
    return True


def shown(session_id: UUID, batch_index: int) -> dict[str, Any]:
    """What Flower and the workers' logs show of the message: ids that a person can read."""
    return {"argsrepr": "()", "kwargsrepr": f"session {str(session_id)[:8]}, batch {batch_index}"}
