"""Where the student is, and whether that makes the next batch due."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.admission import AdmittedRoute
from api.awaited import LIVING
from api.door import Call, TheCall
from api.errors import Refusal, documented
from api.schemas import PrefetchShape, Progress, ProgressShape
from generation.errors import BatchNotNext, SessionClosed, SpendLimitReached
from generation.pace import Due

router = APIRouter(route_class=AdmittedRoute)


@router.post(
    "/{session_id}/progress",
    status_code=202,
    responses=documented(
        "request_too_large",
        "session_not_found",
        "session_closed",
        "question_not_loaded",
        "invalid_request",
        "service_unavailable",
    ),
)
async def note_progress(session_id: UUID, body: Progress, call: TheCall) -> ProgressShape:
    """Remember the student's position, and schedule the next batch when it is due; once, however often told."""
    door = call.door
    if (await call.standing(session_id)).status not in LIVING:
        raise Refusal("session_closed")
    moved = await door.on_thread(door.sessions.record_progress, session_id, body.question_index)
    due = moved.due(door.plan, await door.on_thread(door.batches.times, moved.kind))
    if due is None or not await _scheduled(call, session_id, due):
        return ProgressShape(prefetch=None)
    return ProgressShape(prefetch=PrefetchShape(batch_index=due.batch_index))


async def _scheduled(call: Call, session_id: UUID, due: Due) -> bool:
    """Whether it was this call that made the batch wanted."""
    door = call.door
    try:
        requested = await door.on_thread(
            door.batches.request_ahead,
            *(session_id, due.batch_index, due.urgency),
            traceparent=call.traceparent,
        )
    except (BatchNotNext, SessionClosed):  # the batch before it is not there yet, or the session is paused
        return False
    except SpendLimitReached as error:  # his position is noted all the same; he is told when he asks for it
        door.metrics.spend_refusals.labels(error.scope).inc()
        return False
    if requested.created:
        await door.ring(session_id, due.batch_index, due.urgency)
    return requested.created
