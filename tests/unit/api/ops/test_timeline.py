from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.ops.timeline import timeline_page
from db.session_timeline import Commit, SessionTimeline, TimelineBatch, TimelineCall
from generation.model import BatchStatus, Section, SessionKind, Track, Urgency
from generation.verdicts import Purpose

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_call(**changes: Any) -> TimelineCall:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "batch_index": 0,
        "epoch": 1,
        "provider": "claude",
        "model": "claude-sonnet-5-5",
        "purpose": Purpose.WRITE,
        "outcome": "complete",
        "asked": 1,
        "accepted": 1,
        "rejected": 0,
        "cost_microdollars": Decimal(10_000),
        "first_token_ms": 900,
        "opened_at": at(0),
        "closed_at": at(5),
    }
    return TimelineCall(**(fields | changes))


def a_session(*calls: TimelineCall, commits: tuple[Commit, ...] = (), **changes: Any) -> SessionTimeline:
    fields: dict[str, Any] = {
        "batch_index": 0,
        "section": Section.QUANTITATIVE,
        "size": 10,
        "status": BatchStatus.READY,
        "urgency": Urgency.INTERACTIVE,
        "runs": 2,
        "failures": 0,
        "owner": None,
        "last_error": None,
        "requested_at": at(0),
        "started_at": at(0),
        "first_question_at": at(3),
        "ready_at": at(20),
    }
    return SessionTimeline(
        now=at(60),
        session_id=UUID(int=1),
        kind=SessionKind.EXAM,
        track=Track.SCIENTIFIC,
        created_at=START,
        total_questions=96,
        planned_batches=10,
        student_position=None,
        batches=(TimelineBatch(**(fields | changes)),),
        calls=calls,
        commits=commits,
    )


@pytest.mark.parametrize(("outcome", "closed"), [("lost", at(40)), ("open", None)])
def test_a_call_whose_worker_vanished_ends_where_the_next_run_begins(
    outcome: str, closed: datetime | None
) -> None:
    gone = a_call(outcome=outcome, closed_at=closed, accepted=0)
    again = a_call(epoch=2, opened_at=at(10), closed_at=at(20))
    page = timeline_page(a_session(gone, again))

    [bar] = re.findall(r"<rect class='failed' x='0.00%' width='([\d.]+)%'", page)
    assert float(bar) == pytest.approx(50, abs=0.1)
    assert "0 of 1, its worker vanished in mid-call" in page
    assert "<b>10.0 s</b> Run 2 begins with 1 lane. The worker that wrote it vanished in mid-stream" in page
    assert "its worker vanished before it ended" in page


def test_a_call_that_runs_is_drawn_to_now_and_its_process_is_named() -> None:
    running = a_call(outcome="open", closed_at=None)
    page = timeline_page(
        a_session(running, status=BatchStatus.RUNNING, owner="host:4242", ready_at=None, runs=1)
    )

    assert "<rect class='quiet' x='0.00%' width='100.00%'" in page
    assert "written now by process 4242 on host" in page
    assert "still running" in page


def test_a_call_is_named_by_the_questions_that_it_brought() -> None:
    call = a_call(asked=4, accepted=4)
    commits = tuple(Commit(position, 0, call.id, at(3)) for position in (0, 1, 2, 6))
    page = timeline_page(a_session(call, commits=commits, runs=1))

    assert ">questions 1-3, 7<" in page
    assert page.count("<circle class='commit'") == 4


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (a_call(purpose=Purpose.SOLVE, asked=9), "answer check of 9"),
        (a_call(outcome="stream_cut", accepted=0), "0 of 1, the reply broke off"),
        (a_call(accepted=0, rejected=1), "0 of 1, 1 rejected"),
    ],
)
def test_what_was_unusual_about_a_call_is_said(call: TimelineCall, text: str) -> None:
    assert f">{text}<" in timeline_page(a_session(call))


def test_a_session_without_a_batch_and_a_batch_without_a_call_are_said() -> None:
    assert "No model call yet." in timeline_page(a_session(runs=0, status=BatchStatus.QUEUED, ready_at=None))
    none = replace(a_session(), batches=())
    assert "No batch was requested yet." in timeline_page(none)
