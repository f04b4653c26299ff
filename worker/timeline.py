"""One session from beginning to end: every request, model call and event, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from db.events import Event
from db.operator_queries import AttemptLine, BatchLine
from generation.model import EventKind
from generation.verdicts import Purpose
from runtime.money import dollars


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    batch_index: int | None
    what: str
    detail: str = ""


def timeline(
    batches: Sequence[BatchLine], attempts: Sequence[AttemptLine], events: Sequence[Event]
) -> list[Moment]:
    """Ids, numbers and codes only; consecutive questions are one moment."""
    moments = [*_requests(batches), *_calls(attempts), *_events(events)]
    return sorted(moments, key=lambda moment: moment.at)


def _requests(batches: Sequence[BatchLine]) -> Iterator[Moment]:
    for batch in batches:
        yield Moment(batch.requested_at, batch.batch_index, "requested", batch.urgency.value)


def _calls(attempts: Sequence[AttemptLine]) -> Iterator[Moment]:
    for call in attempts:
        took = "" if call.duration_ms is None else f", {call.duration_ms / 1000:.1f} s"
        detail = f"{call.outcome}: {_result(call)}, {dollars(call.cost_microdollars)}{took}"
        yield Moment(call.opened_at, call.batch_index, f"call to {call.provider}", detail)


def _result(call: AttemptLine) -> str:
    if call.purpose is Purpose.SOLVE:
        return f"answer check on {call.asked}"
    return f"{call.accepted} of {call.asked} accepted, {call.rejected} rejected"


def _events(events: Sequence[Event]) -> Iterator[Moment]:
    for kind, group in groupby(events, key=lambda event: event.kind):
        if kind is EventKind.QUESTION:
            yield _questions(list(group))
            continue
        for event in group:
            batch_index = event.payload.get("batchIndex")
            code = event.payload.get("code") or event.payload.get("status") or ""
            yield Moment(event.created_at, batch_index, f"event {kind.value}", str(code))


def _questions(events: Sequence[Event]) -> Moment:
    positions = sorted(int(event.payload["position"]) for event in events)
    return Moment(
        events[0].created_at, None, "event question", f"{len(positions)}, positions {_ranges(positions)}"
    )


def _ranges(numbers: Iterable[int]) -> str:
    """`0-4, 6`"""
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ranges = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ranges)
