"""`show`: one session with its batches, calls, costs and events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import typer

from db.events import Event, EventLog
from db.operator_queries import AttemptLine, BatchLine, Quality
from generation.model import EventKind
from generation.verdicts import Purpose
from runtime.money import dollars
from worker.commands.output import AsJson, SessionId, moment, print_json, print_table, refuse, since
from worker.commands.stores import stores

#: More than the number of events that a session can have.
EVERY_EVENT = 100_000


def show(session_id: SessionId, *, as_json: AsJson = False) -> None:
    """Show one session: its batches, its quality, and a timeline of every call, cost and event."""
    with stores() as at:
        batches, attempts = at.operator.batches(session_id), at.operator.attempts(session_id)
        quality = at.operator.quality(session_id)
        events = EventLog(at.engine).after(session_id, 0, EVERY_EVENT)
    if not batches:
        refuse(f"There is no session {session_id}.")
    moments = timeline(batches, attempts, events)
    if as_json:
        print_json(
            {
                "quality": asdict(quality),
                "batches": [asdict(line) for line in batches],
                "attempts": [asdict(line) for line in attempts],
                "timeline": [asdict(each) for each in moments],
            }
        )
        return
    print_table(
        ["batch", "status", "asked for", "first question", "ready", "runs", "failures", "cost", "last error"],
        [
            [
                str(line.batch_index),
                line.status,
                moment(line.requested_at),
                since(line.requested_at, line.first_question_at),
                since(line.requested_at, line.ready_at),
                str(line.runs),
                str(line.failures),
                dollars(_cost_of(line.batch_index, attempts)),
                line.last_error or "",
            ]
            for line in batches
        ],
    )
    typer.echo(f"\n{_quality_line(quality)}\n")
    print_table(
        ["when", "batch", "what", ""],
        [
            [
                since(moments[0].at, each.at),
                "" if each.batch_index is None else str(each.batch_index),
                each.what,
                each.detail,
            ]
            for each in moments
        ],
    )


def _quality_line(quality: Quality) -> str:
    return (
        f"Quality: {quality.questions} questions, of which the solver checked {quality.checked}: "
        f"{quality.agreed} agreed, {quality.disputed_kept} disputed and kept. "
        f"Before that {quality.rewritten} were disputed and written again, "
        f"and {quality.rejected} objects broke a rule."
    )


def _cost_of(batch_index: int, attempts: Sequence[AttemptLine]) -> Decimal:
    return sum((call.cost_microdollars for call in attempts if call.batch_index == batch_index), Decimal(0))


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    batch_index: int | None
    what: str
    detail: str = ""


def timeline(
    batches: Sequence[BatchLine], attempts: Sequence[AttemptLine], events: Sequence[Event]
) -> list[Moment]:
    """Ids, numbers and codes only; questions that follow each other are one moment."""
    moments = [*_requested(batches), *_calls(attempts), *_published(events)]
    return sorted(moments, key=lambda moment: moment.at)


def _requested(batches: Sequence[BatchLine]) -> Iterator[Moment]:
    for batch in batches:
        yield Moment(batch.requested_at, batch.batch_index, "requested", batch.urgency.value)


def _calls(attempts: Sequence[AttemptLine]) -> Iterator[Moment]:
    for call in attempts:
        took = "" if call.duration_ms is None else f", {call.duration_ms / 1000:.1f} s"
        detail = f"{call.outcome}: {_brought(call)}, {dollars(call.cost_microdollars)}{took}"
        yield Moment(call.opened_at, call.batch_index, f"call to {call.provider}", detail)


def _brought(call: AttemptLine) -> str:
    if call.purpose is Purpose.SOLVE:
        return f"answer check on {call.asked}"
    return f"{call.accepted} of {call.asked} accepted, {call.rejected} rejected"


def _published(events: Sequence[Event]) -> Iterator[Moment]:
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
    reported = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in reported)
