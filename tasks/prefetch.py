"""The student has moved on: want the next batch when it is due.

For producers that ring by name instead of calling the HTTP door, which does the same inside its call.
"""

from __future__ import annotations

from typing import Any

import structlog

from generation.errors import BatchNotNext, SessionClosed, SessionMissing
from generation.model import Urgency
from generation.plan import prefetch_target
from tasks.contract import PREFETCH, ProgressPayload
from tasks.enqueue import enqueue_batch
from worker.app import app
from worker.assembly import Assembly, current

log = structlog.get_logger(__name__)


@app.task(name=PREFETCH)
def prefetch(**kwargs: Any) -> dict[str, int | None]:
    """Record the student's position and ring for the next batch, once, when the threshold is passed."""
    return {"rung_for": note_progress(current(), ProgressPayload.model_validate(kwargs))}


def note_progress(assembly: Assembly, payload: ProgressPayload) -> int | None:
    """The index of the batch rung for, or None when none is due or it is on its way already."""
    try:
        batches = assembly.sessions.record_progress(payload.session_id, payload.position)
        target = prefetch_target(batches, payload.position, assembly.plan.prefetch_threshold)
        if target is None:
            return None
        wanted = assembly.batches.request(payload.session_id, target, Urgency.PREFETCH)
    except (BatchNotNext, SessionClosed, SessionMissing) as err:
        log.info("prefetch_refused", code=err.code)
        return None
    if not wanted.created:
        return None
    if not enqueue_batch(payload.session_id, target, Urgency.PREFETCH):
        assembly.batches.unring(payload.session_id, target)
    return target
