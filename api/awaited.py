"""A batch somebody waits for: until when waiting makes sense, and what it means when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request

from api.door import Call, Door
from api.errors import RETRY_AFTER_S, Refusal
from api.openapi import events_url
from api.waiting import Preference, until_hung_up, wait_until
from db.standing import Standing, WantedBatch
from generation.model import BatchStatus, SessionKind

#: Session states in which questions may still come.
PAUSED = "paused"
LIVING = frozenset({"in_progress", PAUSED})

#: Failures of a run that are no fault of the batch begin with this: no provider would write.
_PROVIDERS = "provider"


async def awaited(
    request: Request, call: Call, session_id: UUID, batch_index: int, *, wish: Preference
) -> Standing:
    """How the batch stands as soon as it is ready or cannot become so in time, at the latest after the patience."""
    door = call.door
    patience_s = wish.patience_s(
        default_s=door.settings.api_default_wait_s, longest_s=door.settings.api_max_wait_s
    )
    deadline = datetime.now(UTC) + timedelta(seconds=patience_s)

    async def look() -> Standing:
        standing = await call.standing(session_id, batch_index)
        watch.seen = standing.last_seq
        return standing

    def settled(standing: Standing) -> bool:
        batch = standing.batch
        if batch is None:
            return False
        return batch.status in {BatchStatus.READY, BatchStatus.FAILED} or _is_put_off(batch, until=deadline)

    with door.hub.watching(session_id) as watch, door.metrics.waited_for(batch_index).time():
        async with until_hung_up(request, watch):
            return await wait_until(watch, look, enough=settled, patience_s=patience_s)


def refusal_to_join(door: Door, kind: SessionKind, session_id: UUID, standing: Standing) -> Refusal:
    """What a call is told, and counted as, that found the batch under way and does not want to wait."""
    hopeless = refusal_to_hope(door, standing)
    if hopeless is not None:
        return hopeless
    door.metrics.batch_answers.labels("in_progress").inc()
    return Refusal(
        "generation_in_progress", retry_after_s=RETRY_AFTER_S, eventsUrl=events_url(kind, session_id)
    )


def refusal_to_hope(door: Door, standing: Standing) -> Refusal | None:
    """None, unless the session was closed meanwhile or the batch cannot be written now."""
    if standing.is_ready:
        return None
    if standing.status not in LIVING:
        return Refusal("session_closed")
    pause_s = unavailable_for_s(standing.batch)
    if pause_s is None:
        return None
    door.metrics.batch_answers.labels("unavailable").inc()
    return Refusal("generation_unavailable", retry_after_s=pause_s)


def unavailable_for_s(batch: WantedBatch | None) -> float | None:
    """How long to stay away from a batch that failed or waits for the providers; None when it does neither."""
    if batch is None:
        return None
    if batch.status is BatchStatus.FAILED:
        return RETRY_AFTER_S
    now = datetime.now(UTC)
    return (batch.not_before - now).total_seconds() if _is_put_off(batch, until=now) else None


def _is_put_off(batch: WantedBatch, *, until: datetime) -> bool:
    """Whether the batch waits for the providers and will not be tried before `until`."""
    return (
        batch.status is BatchStatus.QUEUED
        and (batch.last_error or "").startswith(_PROVIDERS)
        and batch.not_before > until
    )
