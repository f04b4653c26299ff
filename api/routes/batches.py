"""The call for a batch: answered from the database, after waiting, or with an error and Retry-After."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.authenticated_route import AuthenticatedRoute
from api.awaited import PAUSED, awaited, in_progress_error, unavailable_error
from api.context import Caller, RequestContext
from api.errors import RETRY_AFTER_S, ApiError, documented, retry_after
from api.openapi import events_url
from api.schemas import AskBatch, BatchPending, BatchShape, batch_of
from api.waiting import Preference, PreferHeader
from db.session_status import SessionStatus
from generation.errors import SessionClosed
from generation.model import BatchStatus, Urgency

router = APIRouter(route_class=AuthenticatedRoute)


@router.post(
    "/{session_id}/questions",
    response_model_exclude_none=True,
    responses={
        202: {"model": BatchPending, "description": "Not ready in time; Retry-After says when to ask again"},
        **documented(
            "request_timeout",
            "request_too_large",
            "invalid_batch_index",
            "session_not_found",
            "generation_in_progress",
            "session_closed",
            "session_paused",
            "invalid_request",
            "generation_unavailable",
            "service_unavailable",
        ),
    },
)
async def ask_batch(
    *,
    session_id: UUID,
    body: AskBatch,
    call: Caller,
    preferred: PreferHeader,
    request: Request,
    response: Response,
) -> BatchShape | BatchPending:
    """The questions of the next batch, generated if necessary, or of an earlier one again.

    The first call waits for the batch, also for one that is already being written. While it waits, another call
    for the same batch gets 409 at once, unless it asks to wait too (Prefer: wait).
    """
    batch_call = _BatchCall(call, session_id, body.batch_index, preferred)
    response.headers.update(preferred.headers())
    session_status, started = await batch_call.request_batch()
    if session_status.is_ready:
        return await batch_call.batch(cache_hit=True)
    if not started and preferred.respond_async and preferred.wait_s is None:
        raise in_progress_error(call.context, call.kind, session_id, session_status)
    session_status = await batch_call.wait(request, session_status)
    if session_status.is_ready:
        return await batch_call.batch(cache_hit=False)
    response.status_code = 202
    response.headers["Retry-After"] = retry_after(RETRY_AFTER_S)
    return batch_call.pending(session_status)


@dataclass(frozen=True, slots=True)
class _BatchCall:
    """One call for one batch of one session."""

    call: RequestContext
    session_id: UUID
    batch_index: int
    preferred: Preference

    async def request_batch(self) -> tuple[SessionStatus, bool]:
        """Request the batch if necessary. Returns its status, and whether this call started it.

        Equal calls at the same time share one query. The call that starts the batch enqueues it.
        """
        call = self.call
        key = (call.kind, call.user_id, self.session_id, self.batch_index)
        (session_status, created), is_first = await call.context.single_flight.share(key, self._request_batch)
        if created and is_first:
            await call.context.enqueue_batch(self.session_id, self.batch_index, Urgency.INTERACTIVE)
        return session_status, created and is_first

    async def _request_batch(self) -> tuple[SessionStatus, bool]:
        """One query when the batch is ready or in progress; else the request and a second query."""
        context, session_status = self.call.context, await self._session_status()
        if session_status.is_ready or session_status.is_under_way:
            return session_status, False
        try:
            requested = await context.on_thread(
                context.batches.request,
                *(self.session_id, self.batch_index, Urgency.INTERACTIVE),
                traceparent=self.call.traceparent,
            )
        except SessionClosed:
            raise ApiError(
                "session_paused" if session_status.status == PAUSED else "session_closed"
            ) from None
        return await self._session_status(), requested.created

    async def _session_status(self) -> SessionStatus:
        return await self.call.session_status(self.session_id, self.batch_index)

    async def wait(self, request: Request, seen: SessionStatus) -> SessionStatus:
        """The status when the batch is ready or the wait has ended.

        Raises ApiError if the batch cannot be written now, or if another call waits and this one states no preference.
        """
        context = self.call.context
        async with context.waiting_calls.entered(self.session_id, self.batch_index) as is_first:
            if not is_first and not self.preferred.is_stated:
                raise in_progress_error(context, self.call.kind, self.session_id, seen)
            session_status = await awaited(
                request, self.call, self.session_id, self.batch_index, preferred=self.preferred
            )
        api_error = unavailable_error(context, session_status)
        if api_error is not None:
            raise api_error
        return session_status

    async def batch(self, *, cache_hit: bool) -> BatchShape:
        self._count("cached" if cache_hit else "ready")
        if cache_hit:  # 0 s counts too: the rate of stalls is a share of all calls
            self.call.context.metrics.waited_for(self.batch_index).observe(0)
        return batch_of(await self.call.session(self.session_id), self.batch_index, cache_hit=cache_hit)

    def pending(self, session_status: SessionStatus) -> BatchPending:
        self._count("pending")
        status = session_status.batch.status if session_status.batch else BatchStatus.QUEUED
        url = events_url(self.call.kind, self.session_id)
        return BatchPending(batch_index=self.batch_index, status=status, events_url=url)

    def _count(self, outcome: str) -> None:
        self.call.context.metrics.batch_answers.labels(outcome).inc()
