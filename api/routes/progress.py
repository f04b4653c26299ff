"""Where the student is, and whether that makes the next batch due."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.awaited import LIVING
from api.door import Call, TheCall
from api.errors import EXACT_SENTENCES, Refusal, documented
from api.schemas import PrefetchShape, Progress, ProgressShape
from db.sessions import SessionView
from generation.errors import BatchNotNext, SessionClosed
from generation.model import Batch, Urgency
from generation.plan import prefetch_target

router = APIRouter()


@router.post(
    "/{session_id}/progress",
    status_code=202,
    responses=documented(
        "unauthorized", "session_not_found", "session_closed", "invalid_request", "service_unavailable"
    ),
)
async def note_progress(session_id: UUID, body: Progress, call: TheCall) -> ProgressShape:
    """Remember the student's position, and schedule the next batch when it is due; once, however often told."""
    view = await call.session(session_id)
    _check(view, body.question_index)
    await call.door.call(call.door.sessions.record_progress, session_id, body.question_index)
    planned = [Batch(batch.index, batch.section, batch.start, batch.size) for batch in view.batches]
    target = prefetch_target(planned, body.question_index, call.door.plan.prefetch_threshold)
    if target is None or not await _scheduled(call, session_id, target):
        return ProgressShape(prefetch=None)
    return ProgressShape(prefetch=PrefetchShape(batch_index=target))


def _check(view: SessionView, position: int) -> None:
    """Raise Refusal unless the session goes on and the student can be at this question."""
    if view.status not in LIVING:
        raise Refusal("session_closed")
    if all(question["position"] != position for question in view.questions):
        raise Refusal("invalid_request", sentence=EXACT_SENTENCES["question_not_loaded"])


async def _scheduled(call: Call, session_id: UUID, batch_index: int) -> bool:
    """Whether it was this call that made the batch wanted."""
    door = call.door
    try:
        requested = await door.call(door.batches.request, session_id, batch_index, Urgency.PREFETCH)
    except (BatchNotNext, SessionClosed):  # the batch before it is not there yet, or the session is paused
        return False
    if requested.created:
        await door.ring(session_id, batch_index, Urgency.PREFETCH)
    return requested.created
