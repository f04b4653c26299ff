"""The student's position, and whether it makes the next batch due."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.authenticated_route import AuthenticatedRoute
from api.context import Caller
from api.errors import documented
from api.schemas import PrefetchShape, Progress, ProgressShape
from db.progress import Owner
from generation.errors import SpendLimitReached

router = APIRouter(route_class=AuthenticatedRoute)


@router.post(
    "/{session_id}/progress",
    status_code=202,
    responses=documented(
        "request_timeout",
        "request_too_large",
        "session_not_found",
        "session_closed",
        "question_not_loaded",
        "invalid_request",
        "service_unavailable",
    ),
)
async def note_progress(session_id: UUID, body: Progress, call: Caller) -> ProgressShape:
    """Store the student's position, and enqueue the next batch when it is due: once, however often it is reported."""
    context = call.context
    progress = await call.adopting(
        session_id,
        context.batches.note_progress,
        session_id,
        body.question_index,
        plan=context.plan,
        owner=Owner(call.user_id, call.kind),
        traceparent=call.traceparent,
    )
    if not progress.is_plausible:
        context.metrics.implausible_progress.inc()
    if isinstance(progress.not_wanted, SpendLimitReached):  # the call for the batch answers with the error
        context.metrics.spend_rejections.labels(progress.not_wanted.scope).inc()
    if progress.wanted is None:
        return ProgressShape(prefetch=None)
    await context.enqueue_batch(session_id, progress.wanted.batch_index, progress.wanted.urgency)
    return ProgressShape(prefetch=PrefetchShape(batch_index=progress.wanted.batch_index))
