"""Asking for a batch: answered from what is there, waited for, or refused with when to come back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.admission import AdmittedRoute
from api.awaited import PAUSED, awaited, refusal_to_hope, refusal_to_join
from api.door import Call, TheCall
from api.errors import RETRY_AFTER_S, Refusal, documented, retry_after
from api.openapi import events_url
from api.schemas import AskBatch, BatchPending, BatchShape, batch_of
from api.waiting import Preference, Wish
from db.standing import Standing
from generation.errors import SessionClosed
from generation.model import BatchStatus, Urgency

router = APIRouter(route_class=AdmittedRoute)


@router.post(
    "/{session_id}/questions",
    response_model_exclude_none=True,
    responses={
        202: {"model": BatchPending, "description": "Not ready in time; Retry-After says when to ask again"},
        **documented(
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
    *, session_id: UUID, body: AskBatch, call: TheCall, wish: Wish, request: Request, response: Response
) -> BatchShape | BatchPending:
    """The questions of a batch: the next one, generated if need be, or an earlier one again.

    The call that starts a batch waits for it. One that finds it under way is told so at once (409),
    unless it asks to wait as well (Prefer: wait).
    """
    asking = _Asking(call, session_id, body.batch_index, wish)
    response.headers.update(wish.headers())
    standing, started = await asking.want()
    if standing.is_ready:
        return await asking.batch(cache_hit=True)
    if not started and wish.wait_s is None:
        raise refusal_to_join(call.door, call.kind, session_id, standing)
    standing = await asking.wait(request)
    if standing.is_ready:
        return await asking.batch(cache_hit=False)
    response.status_code = 202
    response.headers["Retry-After"] = retry_after(RETRY_AFTER_S)
    return asking.pending(standing)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One call for one batch of one session."""

    call: Call
    session_id: UUID
    batch_index: int
    wish: Preference

    async def want(self) -> tuple[Standing, bool]:
        """How the batch stands, wanted now if it was not; True when it was this call that started it.

        Calls for the batch that come together ask once. Whoever starts it rings.
        """
        call = self.call
        what = (call.kind, call.user_id, self.session_id, self.batch_index)
        (standing, created), asked = await call.door.single_flight.share(what, self._want)
        if created and asked:
            await call.door.ring(self.session_id, self.batch_index, Urgency.INTERACTIVE)
        return standing, created and asked

    async def _want(self) -> tuple[Standing, bool]:
        """One query, unless asking changes something."""
        door, standing = self.call.door, await self._standing()
        if standing.is_ready or standing.is_under_way:
            return standing, False
        try:
            requested = await door.on_thread(
                door.batches.request,
                *(self.session_id, self.batch_index, Urgency.INTERACTIVE),
                traceparent=self.call.traceparent,
            )
        except SessionClosed:
            raise Refusal("session_paused" if standing.status == PAUSED else "session_closed") from None
        return await self._standing(), requested.created

    async def _standing(self) -> Standing:
        return await self.call.standing(self.session_id, self.batch_index)

    async def wait(self, request: Request) -> Standing:
        """How the batch stands when it is ready or the waiting is over. Raises Refusal if it cannot be had now."""
        standing = await awaited(request, self.call, self.session_id, self.batch_index, wish=self.wish)
        refusal = refusal_to_hope(self.call.door, standing)
        if refusal is not None:
            raise refusal
        return standing

    async def batch(self, *, cache_hit: bool) -> BatchShape:
        self._count("cached" if cache_hit else "ready")
        if cache_hit:  # who waits for nothing counts, too: a stall is a share of all who ask
            self.call.door.metrics.waited_for(self.batch_index).observe(0)
        return batch_of(await self.call.session(self.session_id), self.batch_index, cache_hit=cache_hit)

    def pending(self, standing: Standing) -> BatchPending:
        self._count("pending")
        status = standing.batch.status if standing.batch else BatchStatus.QUEUED
        followed_at = events_url(self.call.kind, self.session_id)
        return BatchPending(batch_index=self.batch_index, status=status, events_url=followed_at)

    def _count(self, outcome: str) -> None:
        self.call.door.metrics.batch_answers.labels(outcome).inc()
