"""A batch somebody waits for: until when waiting makes sense, and what it means when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request

from api.context import AppContext, RequestContext
from api.errors import RETRY_AFTER_S, ApiError
from api.openapi import events_url
from api.waiting import Preference, until_hung_up, wait_until
from db.session_status import SessionStatus, WantedBatch
from generation.model import BatchStatus, SessionKind

#: Session states in which questions may still come.
PAUSED = "paused"
LIVING = frozenset({"in_progress", PAUSED})

#: Failures of a run that are no fault of the batch begin with this: no provider would write.
_PROVIDERS = "provider"


async def awaited(
    request: Request, call: RequestContext, session_id: UUID, batch_index: int, *, preferred: Preference
) -> SessionStatus:
    """How the batch stands as soon as it is ready or cannot become so in time, at the latest after the time limit."""
    context = call.context
    timeout_s = preferred.timeout_s(
        default_s=context.settings.api_default_wait_s, longest_s=context.settings.api_max_wait_s
    )
    deadline = datetime.now(UTC) + timedelta(seconds=timeout_s)

    async def look() -> SessionStatus:
        session_status = await call.session_status(session_id, batch_index)
        subscription.seen = session_status.last_seq
        return session_status

    def settled(session_status: SessionStatus) -> bool:
        batch = session_status.batch
        if batch is None:
            return False
        return batch.status in {BatchStatus.READY, BatchStatus.FAILED} or _is_deferred(batch, until=deadline)

    with (
        context.notifier.subscribed(session_id) as subscription,
        context.metrics.waited_for(batch_index).time(),
    ):
        async with until_hung_up(request, subscription):
            return await wait_until(subscription, look, enough=settled, timeout_s=timeout_s)


def join_error(
    context: AppContext, kind: SessionKind, session_id: UUID, session_status: SessionStatus
) -> ApiError:
    """What a call is told, and counted as, that found the batch under way and does not want to wait."""
    hopeless = unavailable_error(context, session_status)
    if hopeless is not None:
        return hopeless
    context.metrics.batch_answers.labels("in_progress").inc()
    return ApiError(
        "generation_in_progress", retry_after_s=RETRY_AFTER_S, eventsUrl=events_url(kind, session_id)
    )


def unavailable_error(context: AppContext, session_status: SessionStatus) -> ApiError | None:
    """None, unless the session was closed meanwhile or the batch cannot be written now."""
    if session_status.is_ready:
        return None
    if session_status.status not in LIVING:
        return ApiError("session_closed")
    pause_s = unavailable_for_s(session_status.batch)
    if pause_s is None:
        return None
    context.metrics.batch_answers.labels("unavailable").inc()
    return ApiError("generation_unavailable", retry_after_s=pause_s)


def unavailable_for_s(batch: WantedBatch | None) -> float | None:
    """How long to stay away from a batch that failed or waits for the providers; None when it does neither."""
    if batch is None:
        return None
    if batch.status is BatchStatus.FAILED:
        return RETRY_AFTER_S
    now = datetime.now(UTC)
    return (batch.not_before - now).total_seconds() if _is_deferred(batch, until=now) else None


def _is_deferred(batch: WantedBatch, *, until: datetime) -> bool:
    """Whether the batch waits for the providers and will not be tried before `until`."""
    return (
        batch.status is BatchStatus.QUEUED
        and (batch.last_error or "").startswith(_PROVIDERS)
        and batch.not_before > until
    )
