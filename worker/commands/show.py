"""`show`: one session with its batches, calls, costs and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

import typer

from db.events import EventLog
from db.operator_queries import AttemptLine, Quality
from runtime.money import dollars
from worker.commands.output import AsJson, SessionId, moment, print_json, print_table, refuse, since
from worker.commands.stores import stores
from worker.timeline import timeline

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
