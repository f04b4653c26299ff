"""Asking for a batch: answered from what is there, waited for, or refused with when to come back."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.admission import AdmittedRoute
from api.awaited import LIVING, PAUSED, awaited, unavailable_for_s
from api.door import Call, TheCall
from api.errors import RETRY_AFTER_S, Refusal, documented, retry_after
from api.openapi import events_url
from api.schemas import AskBatch, BatchPending, BatchShape, batch_of
from api.waiting import Preference, Wish
from db.sessions import SessionView
from generation.errors import SessionClosed
from generation.model import BatchStatus, SessionKind, Urgency

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
    asking.check_under_way()
    view = await call.door.crowd.share(asking.what, lambda: call.session(session_id))
    if is_ready(view, body.batch_index):
        return asking.batch(view, cache_hit=True)
    asking.check_under_way()
    if not await asking.starts(view) and wish.wait_s is None:
        raise asking.refusal_to_join(await call.session(session_id))
    view = await asking.wait(request)
    if is_ready(view, body.batch_index):
        return asking.batch(view, cache_hit=False)
    response.status_code = 202
    response.headers["Retry-After"] = retry_after(RETRY_AFTER_S)
    return asking.pending(view)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One call for one batch of one session."""

    call: Call
    session_id: UUID
    batch_index: int
    wish: Preference

    @property
    def what(self) -> Hashable:
        return self.call.kind, self.call.user_id, self.session_id, self.batch_index

    def check_under_way(self) -> None:
        """Raise Refusal at once when another call of this process has just found the batch under way."""
        if self.wish.wait_s is None and self.call.door.crowd.is_under_way(self.what):
            self._count("in_progress")
            raise self._in_progress(self.call.kind)

    async def starts(self, view: SessionView) -> bool:
        """Want the batch, and ring for it if nobody did: True when this call is the one that started it."""
        door = self.call.door
        door.crowd.note_under_way(self.what)
        try:
            requested = await door.call(
                door.batches.request, self.session_id, self.batch_index, Urgency.INTERACTIVE
            )
        except BaseException as err:
            door.crowd.forget(self.what)
            if isinstance(err, SessionClosed):
                raise Refusal("session_paused" if view.status == PAUSED else "session_closed") from None
            raise
        if requested.created:
            await door.ring(self.session_id, self.batch_index, Urgency.INTERACTIVE)
        return requested.created

    async def wait(self, request: Request) -> SessionView:
        """The session when the batch is ready or the waiting is over. Raises Refusal if it cannot be had now."""
        settings = self.call.door.settings
        patience_s = self.wish.patience_s(
            default_s=settings.api_default_wait_s, longest_s=settings.api_max_wait_s
        )
        with self.call.door.hub.watching(self.session_id) as watch:
            view = await awaited(
                request, self.call, self.session_id, self.batch_index, watch=watch, patience_s=patience_s
            )
        self.call.door.crowd.forget(self.what)
        self._check_hope(view)
        return view

    def batch(self, view: SessionView, *, cache_hit: bool) -> BatchShape:
        self._count("cached" if cache_hit else "ready")
        if cache_hit:
            self.call.door.metrics.waited_for(self.batch_index).observe(0)
        return batch_of(view, self.batch_index, cache_hit=cache_hit)

    def pending(self, view: SessionView) -> BatchPending:
        self._count("pending")
        status = view.batches[self.batch_index].status or BatchStatus.QUEUED
        return BatchPending(
            batch_index=self.batch_index, status=status, events_url=events_url(view.kind, view.id)
        )

    def refusal_to_join(self, view: SessionView) -> Refusal:
        """What a call is told that found the batch under way and does not want to wait."""
        self.call.door.crowd.forget(self.what)
        self._check_hope(view)
        self.call.door.crowd.note_under_way(self.what)
        self._count("in_progress")
        return self._in_progress(view.kind)

    def _in_progress(self, kind: SessionKind) -> Refusal:
        url = events_url(kind, self.session_id)
        return Refusal("generation_in_progress", retry_after_s=RETRY_AFTER_S, eventsUrl=url)

    def _check_hope(self, view: SessionView) -> None:
        """Raise Refusal when the session was closed meanwhile, or the batch cannot be written now."""
        if view.status not in LIVING:
            raise Refusal("session_closed")
        pause_s = unavailable_for_s(view.batches[self.batch_index])
        if pause_s is not None:
            self._count("unavailable")
            raise Refusal("generation_unavailable", retry_after_s=pause_s)

    def _count(self, outcome: str) -> None:
        self.call.door.metrics.batch_answers.labels(outcome).inc()


def is_ready(view: SessionView, batch_index: int) -> bool:
    return batch_index < len(view.batches) and view.batches[batch_index].status is BatchStatus.READY
