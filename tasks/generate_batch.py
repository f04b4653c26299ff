"""The task behind the bell: the message is checked, the batch is run, and rung for if it was handed back."""

from __future__ import annotations

import threading
from typing import Any

from generation.model import Claim
from tasks.contract import GENERATE_BATCH, BatchPayload
from tasks.enqueue import enqueue_batch
from worker.app import app
from worker.assembly import Assembly, current
from worker.runs import Runs

#: How long the broker may take to hear of a batch that is handed back. The sweep rings if it did not.
PASS_ON_WITHIN_S = 1.0


@app.task(name=GENERATE_BATCH)
def generate_batch(**kwargs: Any) -> dict[str, Any]:
    """Fill one batch if it is still wanted and nobody else fills it; harmless to run any number of times."""
    return answer(current(), BatchPayload.of(kwargs))


def answer(assembly: Assembly, bell: BatchPayload) -> dict[str, Any]:
    """What Flower may show of it."""
    answered = Runs(assembly).answer(bell.session_id, bell.batch_index)
    if answered.handed_back is not None:
        _pass_on(answered.handed_back)
    if answered.accepted is None:
        return {"outcome": answered.outcome}
    return {"outcome": answered.outcome, "accepted": answered.accepted}


def _pass_on(claim: Claim) -> None:
    """Ring for whoever goes on; a silent broker must not hold up a worker that is on its way out."""
    bell = threading.Thread(
        target=enqueue_batch, args=(claim.session_id, claim.batch.index, claim.urgency), daemon=True
    )
    bell.start()
    bell.join(PASS_ON_WITHIN_S)
