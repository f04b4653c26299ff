"""The stream of a session: its committed events as server-sent events, resumable at any event number."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from opentelemetry.trace import SpanKind
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import Receive, Scope, Send

from api import examples
from api.authenticated_route import AuthenticatedRoute
from api.awaited import LIVING
from api.context import AppContext, Caller
from api.errors import documented
from api.notifications import Subscription
from api.schemas import redacted
from db.errors import DatabaseUnreachable
from db.events import Event
from db.session_status import SessionStatus
from generation.model import EventKind

#: Events read by one query; a reader that is further behind reads again.
PAGE = 100

#: Temporary errors: Postgres is unreachable, or no connection is free.
_TEMPORARY_ERRORS = (DatabaseUnreachable, PoolTimeout)

_RECONNECT_MS = 2_000
_GREATEST_SEQ = 2**53
_HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # a proxy that buffers would delay every event
}

router = APIRouter(route_class=AuthenticatedRoute)


class EventStream(StreamingResponse):
    """A stream that releases its resources as soon as its client disconnects, not at a later garbage collection."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes], place: AbstractContextManager[None]) -> None:
        super().__init__(frames, headers=_HEADERS)
        self._frames = frames
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ApiError, before anything is sent, when the user has too many streams open."""
        with self._place:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._frames):
            await super().stream_response(send)


@router.get(
    "/{session_id}/events",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-sent events; the data of each is JSON",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": examples.STREAM}},
        },
        204: {"description": "The session is over and the caller has seen every event: do not reconnect"},
        **documented("session_not_found", "invalid_request", "service_unavailable"),
    },
)
async def follow(
    session_id: UUID,
    call: Caller,
    after: Annotated[int, Query(ge=0, le=_GREATEST_SEQ, description="Begin after this event number")] = 0,
    last_event_id: Annotated[
        str | SkipJsonSchema[None], Header(description="Takes precedence over `after`; browsers send it")
    ] = None,
) -> Response:
    """Every event after the given number, then new ones as they are committed, until the session is over.

    `question` carries the question without its answer, `batch-ready` and `batch-failed` the batch index,
    `session` the new status. The `id` of an event is its number. A later `question` replaces an earlier one with
    the same index.
    """
    session_status = await call.session_status(session_id)
    over = session_status.status not in LIVING
    cursor = _cursor(session_status, after, last_event_id)
    if over and cursor == session_status.last_seq:
        return Response(status_code=204)
    reader = _Reader(call.context, session_id, cursor, live_after=session_status.last_seq)
    return EventStream(reader.frames(over=over), call.context.streams.place_for(call.user_id))


def _cursor(session_status: SessionStatus, after: int, last_event_id: str | None) -> int:
    """The event number to continue after; 0 when no event has that number yet, as after a restored backup."""
    given = (last_event_id or "").strip()
    if given.isascii() and given.isdigit() and len(given) <= len(str(_GREATEST_SEQ)):
        after = int(given)
    return after if after <= session_status.last_seq else 0


@dataclass(slots=True)
class _Reader:
    """One stream that begins after the event number `after`."""

    context: AppContext
    session_id: UUID
    after: int
    live_after: int  #: the latest event when the stream was opened; only later ones are traced

    async def frames(self, *, over: bool) -> AsyncGenerator[bytes]:
        """Frames until the session is over or the notifier closes. `over`: no further event will follow.

        Sends a comment when there is no event for a while. Also while Postgres is unreachable: if the streams
        ended then, all readers would reconnect at once and overload it.
        """
        context = self.context
        with (
            context.notifier.subscribed(self.session_id, seen=self.after) as subscription,
            context.metrics.streams.track_inprogress(),
        ):
            yield f"retry: {_RECONNECT_MS}\n\n".encode()
            while not subscription.closed:
                try:
                    events = await context.on_thread(
                        context.events.after, self.session_id, subscription.seen, PAGE
                    )
                except _TEMPORARY_ERRORS:
                    yield b": one moment\n\n"
                    await subscription.changed(context.settings.api_poll_s)
                    continue
                for event in events:
                    subscription.seen = event.seq
                    yield _frame(event)
                    if event.seq > self.live_after:
                        await trace_delivery(context, self.session_id, event)
                if _ends(events) or (over and len(events) < PAGE):
                    return
                while len(events) < PAGE and not await self._woken(subscription):
                    yield b": still here\n\n"

    async def _woken(self, subscription: Subscription) -> bool:
        return await subscription.changed(self.context.settings.api_heartbeat_s)


def _ends(events: Sequence[Event]) -> bool:
    return any(
        event.kind is EventKind.SESSION and event.payload.get("status") not in LIVING for event in events
    )


def _frame(event: Event) -> bytes:
    if event.question is not None:
        data = redacted(event.question).model_dump_json(by_alias=True, exclude_none=True)
    else:
        data = json.dumps(event.payload, ensure_ascii=False)
    return f"id: {event.seq}\nevent: {event.kind.value}\ndata: {data}\n\n".encode()


_ENDS = frozenset({EventKind.BATCH_READY, EventKind.BATCH_FAILED})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def trace_delivery(context: AppContext, session_id: UUID, event: Event) -> None:
    """Record the delivery as a span: from the event's transaction (Postgres' clock) until now.

    Does nothing for other events or with tracing off. An unreachable database loses the span, never the stream.
    """
    if not context.tracing.is_on or event.kind not in _ENDS:
        return
    batch_index = event.payload["batchIndex"]
    try:
        parent = await context.on_thread(context.batches.traceparent, session_id, batch_index)
    except (DatabaseUnreachable, PoolTimeout):
        return
    if parent is None:
        return
    start_ns = (event.created_at - _EPOCH) // timedelta(microseconds=1) * 1000
    span = context.tracing.begin(
        f"deliver {event.kind.value}", SpanKind.PRODUCER, parent=parent, start_ns=start_ns
    )
    span.set_attributes(
        {
            "tafawoq.session.id": str(session_id),
            "tafawoq.batch.index": batch_index,
            "tafawoq.event.number": event.seq,
        }
    )
    span.end()
