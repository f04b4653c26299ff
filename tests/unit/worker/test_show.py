from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from db.events import Event
from db.operator_queries import AttemptLine
from generation.model import EventKind
from generation.verdicts import Purpose
from worker.commands.show import timeline

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


CALL = AttemptLine(
    batch_index=0,
    opened_at=after(0.5),
    provider="claude",
    model="claude-sonnet-5-5",
    purpose=Purpose.WRITE,
    outcome="complete",
    asked=10,
    accepted=4,
    rejected=1,
    cost_microdollars=Decimal(12_300),
    first_token_ms=900,
    duration_ms=4500,
    request_id=None,
)


def test_a_second_opinion_is_told_by_what_it_was_asked_about() -> None:
    [moment] = timeline([], [replace(CALL, purpose=Purpose.SOLVE, accepted=0, rejected=0)], [])
    assert moment.detail == "complete: answer check on 10, $0.01, 4.5 s"


def question(seq: int, position: int) -> Event:
    return Event(seq, EventKind.QUESTION, {"position": position}, after(seq), {"stem": "a secret stem"})


def test_what_happened_is_told_in_the_order_of_time_and_questions_in_a_row_as_one() -> None:
    events = [
        Event(1, EventKind.SESSION, {"status": "in_progress"}, START),
        *(question(seq, position) for seq, position in ((2, 0), (3, 1), (4, 2), (5, 6))),
        Event(6, EventKind.BATCH_READY, {"batchIndex": 0}, after(6)),
    ]
    moments = timeline([], [CALL], events)
    assert [(moment.what, moment.detail) for moment in moments] == [
        ("event session", "in_progress"),
        ("call to claude", "complete: 4 of 10 accepted, 1 rejected, $0.01, 4.5 s"),
        ("event question", "4, positions 0-2, 6"),
        ("event batch-ready", ""),
    ]
    assert "secret" not in str(moments)
