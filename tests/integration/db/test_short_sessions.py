"""Slots that deviate, and a session whose last batch ends short: its total is lowered when it is published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.errors import BatchIncomplete
from db.events import EventLog
from db.sessions import SessionStore
from generation.batch_history import Deviation
from generation.errors import FenceLost
from generation.model import EventKind, SessionKind, Topic, Urgency
from tests.integration.db.exams import (
    STUDENT,
    claimed,
    exam_plan,
    make_ready,
    new_session,
    practice_plan,
    question_for,
)

RunSql = Callable[..., Any]


def test_a_slot_that_deviates_keeps_what_was_planned(
    store: BatchStore, session_id: UUID, run_sql: RunSql
) -> None:
    store.request(session_id, 0, Urgency.INTERACTIVE)
    claim = claimed(store, session_id)
    first = replace(claim.open_slots[1], subtopic="ratios", deviation=Deviation.SUBTOPIC)
    second = replace(first, topic=Topic.PROBABILITY, deviation=Deviation.TOPIC)
    for slot in (first, second):
        store.replace_slots(claim, [slot])
    [row] = run_sql("SELECT spec, planned FROM generation.slots WHERE position = 1")
    assert row.planned == claim.open_slots[1].to_json()
    assert (row.spec["topic"], row.spec["deviation"]) == ("probability", "topic")
    store.release(claim, 0, "shutdown", counts_as_failure=False)
    assert claimed(store, session_id).open_slots[1] == second
    with pytest.raises(FenceLost):
        store.replace_slots(claim, [first])


def test_a_slot_that_is_filled_does_not_deviate(store: BatchStore, session_id: UUID, run_sql: RunSql) -> None:
    store.request(session_id, 0, Urgency.INTERACTIVE)
    claim = claimed(store, session_id)
    store.accept(claim, question_for(claim.open_slots[0]), uuid4(), "claude")
    store.replace_slots(claim, [replace(claim.open_slots[0], deviation=Deviation.TOPIC)])
    [row] = run_sql("SELECT spec, planned FROM generation.slots WHERE position = 0")
    assert (row.spec, row.planned) == (claim.open_slots[0].to_json(), None)


@pytest.mark.parametrize("missing", [{0}, {1}, {3}, {0, 1}, {1, 2}, {0, 3}, {2, 3}])
def test_the_last_batch_ends_short_in_the_transaction_that_publishes_it(
    store: BatchStore, sessions: SessionStore, log: EventLog, run_sql: RunSql, missing: set[int]
) -> None:
    session_id = new_session(sessions, exam_plan((3, 4)))
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.INTERACTIVE)
    claim = claimed(store, session_id, 1)
    assert claim.is_last
    for number, slot in enumerate(claim.open_slots):
        if number not in missing:
            store.accept(claim, question_for(slot), uuid4(), "claude")
    with pytest.raises(BatchIncomplete):
        store.finish(claim)
    store.finish_short(claim)
    total = 7 - len(missing)
    [web] = run_sql("SELECT * FROM public.exam_sessions")
    assert (web.total_questions, web.generated_batches, len(web.questions)) == (total, 2, total)
    assert [question["id"] for question in web.questions[3:]] == [
        f"quant_1_{sequence:02d}" for sequence in range(1, total - 2)
    ]
    rows = run_sql("SELECT position FROM generation.questions ORDER BY position")
    assert [row.position for row in rows] == list(range(total))
    slots = run_sql("SELECT position, state FROM generation.slots ORDER BY position")
    assert [(row.position, row.state) for row in slots] == [(n, "filled") for n in range(total)]
    # What stood before the open places stands where it stood.
    untouched = min(missing) + 3
    assert [question["stem"] for question in web.questions[:untouched]] == [
        f"السؤال {position}" for position in range(untouched)
    ]
    session = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert session.total_questions == total
    assert [event.kind for event in log.after(session_id, 0)][-1] is EventKind.BATCH_READY


@pytest.mark.parametrize("missing", [{0}, {1}, {3}, {0, 1}, {1, 2}, {0, 3}, {2, 3}])
def test_nothing_published_moves_and_of_the_last_batch_only_its_end(
    store: BatchStore, sessions: SessionStore, log: EventLog, run_sql: RunSql, missing: set[int]
) -> None:
    """A question in the web app's row keeps place and bytes; of the batch that ends short no more than must move do."""
    session_id = new_session(sessions, exam_plan((3, 4)))
    make_ready(store, session_id, 0)
    [before] = run_sql("SELECT questions::text, generated_batches FROM public.exam_sessions")
    store.request(session_id, 1, Urgency.INTERACTIVE)
    claim = claimed(store, session_id, 1)
    for number, slot in enumerate(claim.open_slots):
        if number not in missing:
            store.accept(claim, question_for(slot), uuid4(), "claude")
    committed = dict(run_sql("SELECT content->>'stem', position FROM generation.questions"))
    seen = log.after(session_id, 0)[-1].seq
    store.finish_short(claim)

    [after] = run_sql("SELECT (questions - 6 - 5 - 4 - 3)::text AS questions FROM public.exam_sessions")
    assert (before.generated_batches, after.questions) == (1, before.questions)
    now = dict(run_sql("SELECT content->>'stem', position FROM generation.questions"))
    moved = {stem for stem in committed if committed[stem] != now[stem]}
    assert {committed[stem] for stem in moved} == {n for n in committed.values() if n >= len(now)}
    told = [
        event.payload["position"] for event in log.after(session_id, seen) if event.kind is EventKind.QUESTION
    ]
    assert sorted(told) == sorted(now[stem] for stem in moved), "who has seen it is told of its new place"


def test_a_practice_session_ends_short_as_well(
    store: BatchStore, sessions: SessionStore, run_sql: RunSql
) -> None:
    session_id = new_session(sessions, practice_plan())
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.INTERACTIVE)
    claim = claimed(store, session_id, 1)
    assert claim.topics == (Topic.ALGEBRA,)
    store.accept(claim, question_for(claim.open_slots[1]), uuid4(), "claude")
    store.finish_short(claim)
    [web] = run_sql("SELECT * FROM public.practice_sessions")
    assert (web.target_question_count, web.question_count, len(web.questions)) == (3, 3, 3)


def test_a_run_that_lost_its_batch_shortens_nothing(
    store: BatchStore, sessions: SessionStore, run_sql: RunSql, engine: Engine
) -> None:
    session_id = new_session(sessions, exam_plan((3,)))
    store.request(session_id, 0, Urgency.INTERACTIVE)
    old = claimed(store, session_id)
    store.accept(old, question_for(old.open_slots[0]), uuid4(), "claude")
    store.release(old, 0, "shutdown", counts_as_failure=False)
    claimed(store, session_id)
    with pytest.raises(FenceLost):
        store.finish_short(old)
    [web] = run_sql("SELECT total_questions FROM public.exam_sessions")
    assert web.total_questions == 3
    assert len(run_sql("SELECT position FROM generation.slots")) == 3
