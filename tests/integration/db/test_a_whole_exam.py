"""One session from its creation to its last published batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.batches import BatchStore
from db.errors import BatchIncomplete
from db.events import EventLog
from db.sessions import SessionStore
from generation.errors import QuestionRepeated
from generation.model import BatchStatus, EventKind, SessionKind, Topic, Urgency
from tests.integration.db.exams import (
    STUDENT,
    claimed,
    exam_plan,
    fill,
    make_ready,
    new_session,
    practice_plan,
    question_for,
)


def test_a_new_session_has_its_first_batch_queued_and_shows_every_planned_batch(
    sessions: SessionStore, session_id: UUID
) -> None:
    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)

    assert [batch.status for batch in view.batches] == [BatchStatus.QUEUED, None, None]
    assert [(batch.start, batch.size) for batch in view.batches] == [(0, 3), (3, 2), (5, 2)]
    assert view.batches[0].urgency is Urgency.INTERACTIVE
    assert (view.status, view.generation_in_progress, view.generated_batches) == ("in_progress", True, 0)
    assert (view.total_questions, view.questions, view.last_seq) == (7, (), 1)


def test_an_accepted_question_is_seen_at_once_with_its_event(
    sessions: SessionStore, store: BatchStore, log: EventLog, session_id: UUID
) -> None:
    claim = claimed(store, session_id)
    store.accept(claim, question_for(claim.open_slots[1]), uuid4(), "claude")

    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert [question["position"] for question in view.questions] == [1]
    assert view.questions[0]["stem"] == "السؤال 1"
    event = log.after(session_id, 1)[0]
    assert (event.seq, event.kind, event.payload) == (2, EventKind.QUESTION, {"position": 1})
    assert log.changed({session_id: -1, uuid4(): -1}) == {session_id: 2} == {session_id: view.last_seq}


def test_an_event_never_carries_the_question(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    make_ready(store, session_id, 0)

    payloads = [row.payload for row in run_sql("SELECT payload FROM generation.events ORDER BY seq")]
    assert payloads == [
        {"status": "in_progress"},
        {"position": 0},
        {"position": 1},
        {"position": 2},
        {"batchIndex": 0},
    ]


def test_a_later_run_gets_only_the_open_slots_and_what_is_committed(
    store: BatchStore, session_id: UUID
) -> None:
    first = claimed(store, session_id)
    store.accept(first, question_for(first.open_slots[0]), uuid4(), "claude")
    store.release(first, 0, "stream_cut", counts_as_failure=True)

    second = claimed(store, session_id)
    assert [slot.position for slot in second.open_slots] == [1, 2]
    assert (second.epoch, second.runs) == (first.epoch + 1, 2)
    [earlier] = second.earlier
    assert (earlier.position, earlier.stem, earlier.passage) == (0, "السؤال 0", "نص")
    assert (earlier.passage_group, earlier.topic) == (0, Topic.ALGEBRA)
    assert second.open_slots == exam_plan().slots[1:3]


def test_a_question_accepted_twice_is_kept_once(
    sessions: SessionStore, store: BatchStore, log: EventLog, session_id: UUID
) -> None:
    """A worker that did not receive the reply to its commit tries again."""
    claim = claimed(store, session_id)
    question = question_for(claim.open_slots[0])
    store.accept(claim, question, uuid4(), "claude")
    store.accept(claim, question, uuid4(), "claude")

    assert len(sessions.view(session_id, SessionKind.EXAM, STUDENT).questions) == 1
    assert [event.kind for event in log.after(session_id, 1)] == [EventKind.QUESTION]


def test_a_repeated_question_leaves_its_slot_open(store: BatchStore, log: EventLog, session_id: UUID) -> None:
    claim = claimed(store, session_id)
    store.accept(claim, question_for(claim.open_slots[0], fingerprint="same"), uuid4(), "claude")
    with pytest.raises(QuestionRepeated) as caught:
        store.accept(claim, question_for(claim.open_slots[1], fingerprint="same"), uuid4(), "claude")

    assert caught.value.context == {"session_id": session_id, "position": 1}
    assert caught.value.__cause__ is None
    assert log.changed({session_id: -1}) == {session_id: 2}
    store.release(claim, 0, "later", counts_as_failure=False)
    assert [slot.position for slot in claimed(store, session_id).open_slots] == [1, 2]


def test_the_same_question_may_be_in_two_sessions(sessions: SessionStore, store: BatchStore) -> None:
    for session_id in (new_session(sessions), new_session(sessions)):
        make_ready(store, session_id, 0)
        assert sessions.view(session_id, SessionKind.EXAM, STUDENT).generated_batches == 1


def test_defect_5_a_batch_with_an_open_slot_is_never_finished(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    claim = claimed(store, session_id)
    for slot in claim.open_slots[:2]:
        store.accept(claim, question_for(slot), uuid4(), "claude")
    with pytest.raises(BatchIncomplete) as caught:
        store.finish(claim)

    assert caught.value.context["open_slots"] == 1
    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert (view.generated_batches, view.batches[0].status) == (0, BatchStatus.RUNNING)


def test_a_finished_batch_is_published_in_the_shape_the_web_app_reads(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    make_ready(store, session_id, 0)

    [row] = run_sql("SELECT * FROM exam_sessions")
    assert [question["id"] for question in row.questions] == ["quant_0_01", "quant_0_02", "quant_0_03"]
    unchecked = {"check": {"verdict": "unchecked", "reasons": []}, "graded": True}
    assert row.questions[0] == question_for(exam_plan().slots[0]).content() | unchecked
    assert row.generation_context == {
        "generatedIds": ["quant_0_01", "quant_0_02", "quant_0_03"],
        "lastBatchIndex": 0,
    }
    assert (row.generated_batches, row.generation_in_progress) == (1, False)


def test_batches_are_published_in_order_whichever_is_ready_first(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    first = claimed(store, session_id, 0)
    make_ready(store, session_id, 1)
    [row] = run_sql("SELECT generated_batches, questions, generation_in_progress FROM exam_sessions")
    assert row == (0, [], True)

    fill(store, first)
    store.finish(first)
    [row] = run_sql("SELECT generated_batches, generation_in_progress FROM exam_sessions")
    assert row == (2, False)
    [ids] = run_sql(
        "SELECT jsonb_path_query_array(questions, '$[*].id'), generation_context FROM exam_sessions"
    )
    assert ids[0] == ["quant_0_01", "quant_0_02", "quant_0_03", "quant_1_01", "quant_1_02"]
    assert ids[1] == {"generatedIds": ids[0], "lastBatchIndex": 1}
    assert sessions.view(session_id, SessionKind.EXAM, STUDENT).generated_batches == 2


def test_defect_9_publishing_keeps_what_the_web_app_wrote_meanwhile(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    run_sql("UPDATE exam_sessions SET questions = jsonb_set(questions, '{0,seen}', 'true')")
    run_sql("UPDATE exam_sessions SET generation_context = generation_context || '{\"theirs\": 1}'")
    make_ready(store, session_id, 1)

    [row] = run_sql("SELECT questions, generation_context FROM exam_sessions")
    assert row.questions[0]["seen"] is True
    assert len(row.questions) == 5
    assert (row.generation_context["theirs"], row.generation_context["lastBatchIndex"]) == (1, 1)


def test_a_practice_session_counts_what_it_has_and_what_it_wants(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any]
) -> None:
    plan = practice_plan()
    session_id = new_session(sessions, plan)
    make_ready(store, session_id, 0)

    [row] = run_sql("SELECT * FROM practice_sessions")
    assert (row.section, row.categories, row.difficulty) == ("quantitative", ["algebra"], "easy")
    assert (row.question_count, row.target_question_count, row.generated_batches) == (2, 4, 1)
    assert len(row.questions) == 2
    assert sessions.view(session_id, SessionKind.PRACTICE, STUDENT).practice == plan.practice


def test_a_whole_exam_ends_with_every_question_once(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    for index in range(3):
        make_ready(store, session_id, index)

    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert [question["position"] for question in view.questions] == list(range(7))
    assert (view.generated_batches, view.generation_in_progress) == (3, False)
    assert all(batch.status is BatchStatus.READY and batch.ready_at for batch in view.batches)
