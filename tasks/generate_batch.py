"""The task behind a message: the message is checked, the batch is run, and enqueued again if it was released."""

from __future__ import annotations

from typing import Any

from tasks.contract import GENERATE_BATCH, BatchPayload
from tasks.enqueue import WantedBatch, enqueue_wanted
from worker.app import app
from worker.assembly import Assembly, current
from worker.runner import Runner


@app.task(name=GENERATE_BATCH)
def generate_batch(**kwargs: Any) -> dict[str, Any]:
    """Fill one batch if it is still wanted and nobody else fills it; harmless to run any number of times."""
    return answer(current(), BatchPayload.of(kwargs))


def answer(assembly: Assembly, message: BatchPayload) -> dict[str, Any]:
    """What Flower may show of it."""
    answered = Runner(assembly).answer(message.session_id, message.batch_index)
    if answered.released is not None:
        claim = answered.released
        wanted = WantedBatch(claim.session_id, claim.batch.index, claim.urgency)
        enqueue_wanted([wanted], marks=assembly.batches, threads=assembly.enqueue_threads)
    if answered.accepted is None:
        return {"outcome": answered.outcome}
    return {"outcome": answered.outcome, "accepted": answered.accepted}
