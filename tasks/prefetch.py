"""The student has moved on: want the next batch when it is due at his pace.

For producers that ring by name instead of calling the HTTP door, which does the same inside its call.
"""

from __future__ import annotations

from typing import Any

import structlog
from opentelemetry.trace import SpanKind

from db.errors import QuestionNotLoaded
from generation.errors import BatchNotNext, SessionClosed, SessionMissing, SpendLimitReached
from runtime.tracing import traceparent_of
from tasks.contract import PREFETCH, ProgressPayload
from tasks.enqueue import enqueue_batch
from worker.app import app
from worker.assembly import Assembly, current

log = structlog.get_logger(__name__)


@app.task(name=PREFETCH)
def prefetch(**kwargs: Any) -> dict[str, int | None]:
    """Record the student's position and ring for the next batch, once, when it is due."""
    return {"rung_for": note_progress(current(), ProgressPayload.of(kwargs))}


def note_progress(assembly: Assembly, payload: ProgressPayload) -> int | None:
    """The index of the batch rung for, or None when none is due or it is on its way already."""
    with assembly.tracing.span(PREFETCH, SpanKind.CONSUMER) as span:
        span.set_attribute("tafawoq.session.id", str(payload.session_id))
        return _prefetch(assembly, payload, traceparent_of(span))


def _prefetch(assembly: Assembly, payload: ProgressPayload, traceparent: str | None) -> int | None:
    try:
        moved = assembly.sessions.record_progress(payload.session_id, payload.position)
        due = moved.due(assembly.plan, assembly.batches.times(moved.kind))
        if due is None:
            return None
        wanted = assembly.batches.request_ahead(
            payload.session_id, due.batch_index, due.urgency, traceparent=traceparent
        )
    except (BatchNotNext, QuestionNotLoaded, SessionClosed, SessionMissing, SpendLimitReached) as err:
        log.info("prefetch_refused", code=err.code)
        return None
    if not wanted.created:
        return None
    if not enqueue_batch(payload.session_id, due.batch_index, due.urgency):
        assembly.batches.unring(payload.session_id, due.batch_index)
    return due.batch_index
