"""The earlier questions of a claim: the student's questions of this session and of others."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from db import history
from db.batches import BatchStore
from db.sessions import SessionStore
from generation.model import Topic
from tests.integration.db.exams import (
    STUDENT,
    claimed,
    exam_plan,
    fill,
    make_ready,
    new_session,
    question_for,
)


@pytest.fixture
def last_week(sessions: SessionStore, store: BatchStore) -> UUID:
    """An exam that the student took, with two batches."""
    session_id = new_session(sessions)
    for batch_index in range(2):
        make_ready(store, session_id, batch_index)
    return session_id


def test_a_new_session_knows_what_its_student_was_asked_before(
    sessions: SessionStore, store: BatchStore, last_week: UUID
) -> None:
    claim = claimed(store, new_session(sessions))
    assert [question.position for question in claim.earlier] == [-5, -4, -3, -2, -1]
    assert {question.stem for question in claim.earlier} == {f"السؤال {n}" for n in range(5)}
    assert {question.passage_group for question in claim.earlier} == {None}
    assert {question.passage for question in claim.earlier} == {"نص"}


def test_its_own_questions_come_last_and_keep_their_groups(
    sessions: SessionStore, store: BatchStore, last_week: UUID
) -> None:
    session_id = new_session(sessions)
    first = claimed(store, session_id)
    store.accept(first, question_for(first.open_slots[0]), uuid4(), "claude")
    store.release(first, 0, "stream_cut", counts_as_failure=False)
    earlier = claimed(store, session_id).earlier
    assert [(question.position, question.passage_group) for question in earlier[-2:]] == [(-1, None), (0, 0)]


def test_other_topics_and_other_students_are_left_out(
    sessions: SessionStore, store: BatchStore, last_week: UUID
) -> None:
    strangers = sessions.create(uuid4(), exam_plan()).session_id
    assert claimed(store, strangers).earlier == ()

    plan = exam_plan()
    slots = tuple(replace(slot, topic=Topic.GEOMETRY) for slot in plan.slots)
    geometry = sessions.create(STUDENT, replace(plan, slots=slots)).session_id
    assert claimed(store, geometry).earlier == ()


def test_only_the_latest_questions_are_returned(
    sessions: SessionStore, store: BatchStore, last_week: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_FROM_OTHER_SESSIONS", 3)
    newer = new_session(sessions)
    fill(store, claimed(store, newer))
    claim = claimed(store, new_session(sessions))
    assert [question.position for question in claim.earlier] == [-3, -2, -1]
    assert {question.stem for question in claim.earlier} == {f"السؤال {n}" for n in range(3)}
