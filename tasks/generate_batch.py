"""The task of a batch: it checks the message, runs the batch, and enqueues it again if the run released it."""

from __future__ import annotations

from typing import Any

from tasks.contract import GENERATE_BATCH, BatchPayload
from tasks.enqueue import WantedBatch, enqueue_wanted
from worker.app import app
from worker.assembly import Assembly, current
from worker.runner import Runner


@app.task(name=GENERATE_BATCH)
def generate_batch(**kwargs: Any) -> dict[str, Any]:
    """Write one batch if it is due and no other worker has it. Running it any number of times is harmless."""
    return answer(current(), BatchPayload.of(kwargs))


def answer(assembly: Assembly, message: BatchPayload) -> dict[str, Any]:
    """The result that Flower shows."""
    answered = Runner(assembly).answer(message.session_id, message.batch_index)
    if answered.released is not None:
        claim = answered.released
        wanted = WantedBatch(claim.session_id, claim.batch.index, claim.urgency)
        enqueue_wanted([wanted], marks=assembly.batches, threads=assembly.enqueue_threads)
    if answered.accepted is None:
        return {"outcome": answered.outcome}
    return {"outcome": answered.outcome, "accepted": answered.accepted}
