"""The last span of a batch's trace: the delivery of its last event to a reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.context import AppContext
from db.errors import DatabaseUnreachable
from db.events import Event
from generation.model import EventKind

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
