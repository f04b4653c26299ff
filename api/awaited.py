"""A call that waits for a batch: when the wait ends, and which error the result means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request

from api.context import AppContext, RequestContext
from api.errors import RESTING, RETRY_AFTER_S, ApiError
from api.openapi import events_url
from api.waiting import Preference, closed_on_disconnect, wait_until
from db.session_status import SessionStatus, WantedBatch
from generation.model import BatchStatus, SessionKind

PAUSED = "paused"
#: Session states in which questions may still come.
LIVING = frozenset({"in_progress", PAUSED})

#: The error code of a run begins with this when no provider would answer; the batch is not at fault.
_PROVIDERS = "provider"


async def awaited(
    request: Request, call: RequestContext, session_id: UUID, batch_index: int, *, preferred: Preference
) -> SessionStatus:
    """The status once the batch is ready, failed or deferred past the time limit; at the latest after that limit."""
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
        async with closed_on_disconnect(request, subscription):
            return await wait_until(subscription, look, enough=settled, timeout_s=timeout_s)


def in_progress_error(
    context: AppContext, kind: SessionKind, session_id: UUID, session_status: SessionStatus
) -> ApiError:
    """The error of a call that does not wait for a batch in progress. Counts the call by its outcome."""
    unavailable = unavailable_error(context, session_status)
    if unavailable is not None:
        return unavailable
    context.metrics.batch_answers.labels("in_progress").inc()
    return ApiError(
        "generation_in_progress", retry_after_s=RETRY_AFTER_S, eventsUrl=events_url(kind, session_id)
    )


def unavailable_error(context: AppContext, session_status: SessionStatus) -> ApiError | None:
    """The error when the session was closed meanwhile or the batch cannot be written now; otherwise None."""
    if session_status.is_ready:
        return None
    if session_status.status not in LIVING:
        return ApiError("session_closed")
    pause_s = unavailable_for_s(session_status.batch)
    if pause_s is None:
        return None
    context.metrics.batch_answers.labels("unavailable").inc()
    return ApiError(
        "generation_unavailable",
        sentence=RESTING if _is_resting(session_status.batch) else None,
        retry_after_s=pause_s,
    )


def unavailable_for_s(batch: WantedBatch | None) -> float | None:
    """Seconds until a failed or deferred batch is worth asking for again; None for any other batch."""
    if batch is None:
        return None
    now = datetime.now(UTC)
    left_s = (batch.not_before - now).total_seconds()
    if batch.status is BatchStatus.FAILED:
        return max(left_s, RETRY_AFTER_S)
    return left_s if _is_deferred(batch, until=now) else None


def _is_resting(batch: WantedBatch | None) -> bool:
    """Whether the batch failed, and a request for it would change nothing yet."""
    return batch is not None and batch.status is BatchStatus.FAILED and batch.not_before > datetime.now(UTC)


def _is_deferred(batch: WantedBatch, *, until: datetime) -> bool:
    """Whether the batch waits for the providers and will not be tried before `until`."""
    return (
        batch.status is BatchStatus.QUEUED
        and (batch.last_error or "").startswith(_PROVIDERS)
        and batch.not_before > until
    )
