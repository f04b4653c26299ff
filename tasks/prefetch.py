"""The task of a student's progress: it requests the next batch when the batch is due at the student's pace.

For producers that enqueue by name. The HTTP API does the same within its own call.
"""

from __future__ import annotations

from typing import Any

import structlog
from opentelemetry.trace import SpanKind

from db.errors import QuestionNotLoaded
from generation.errors import SessionMissing
from runtime.tracing import traceparent_of
from tasks.contract import PREFETCH, ProgressPayload
from tasks.enqueue import WantedBatch, enqueue_wanted
from worker.app import app
from worker.assembly import Assembly, current

log = structlog.get_logger(__name__)


@app.task(name=PREFETCH)
def prefetch(**kwargs: Any) -> dict[str, int | None]:
    """Record the student's position and enqueue the next batch, once, when it is due."""
    return {"enqueued": note_progress(current(), ProgressPayload.of(kwargs))}


def note_progress(assembly: Assembly, payload: ProgressPayload) -> int | None:
    """The index of the batch that this report makes due, or None."""
    with assembly.tracing.span(PREFETCH, SpanKind.CONSUMER) as span:
        span.set_attribute("tafawoq.session.id", str(payload.session_id))
        return _note_progress(assembly, payload, traceparent_of(span))


def _note_progress(assembly: Assembly, payload: ProgressPayload, traceparent: str | None) -> int | None:
    try:
        progress = assembly.sessions.adopting(
            payload.session_id,
            lambda: assembly.batches.note_progress(
                payload.session_id, payload.position, plan=assembly.plan, traceparent=traceparent
            ),
        )
    except (QuestionNotLoaded, SessionMissing) as err:
        log.info("prefetch_refused", code=err.code)
        return None
    if progress.not_wanted is not None:
        log.info("prefetch_refused", code=progress.not_wanted.code)
    if progress.wanted is None:
        return None
    wanted = WantedBatch(payload.session_id, progress.wanted.batch_index, progress.wanted.urgency)
    enqueue_wanted([wanted], marks=assembly.batches, threads=assembly.enqueue_threads)
    return progress.wanted.batch_index
