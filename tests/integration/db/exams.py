"""Small exams, and questions for their slots, for tests of the stores."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from db.batches import BatchStore
from db.sessions import SessionStore
from generation.model import (
    Batch,
    Claim,
    Difficulty,
    Plan,
    PracticeChoice,
    Question,
    QuestionType,
    Section,
    SessionKind,
    Slot,
    Topic,
    Track,
    Urgency,
)

STUDENT = UUID(int=7)
TTL_S = 30.0


def exam_plan(sizes: tuple[int, ...] = (3, 2, 2)) -> Plan:
    """An exam of small quantitative batches."""
    batches, start = [], 0
    for index, size in enumerate(sizes):
        batches.append(Batch(index, Section.QUANTITATIVE, start, size))
        start += size
    slots = tuple(_slot(batch, sequence) for batch in batches for sequence in range(1, batch.size + 1))
    return Plan(SessionKind.EXAM, "test", 42, Track.SCIENTIFIC, tuple(batches), slots)


def practice_plan() -> Plan:
    choice = PracticeChoice(Section.QUANTITATIVE, (Topic.ALGEBRA,), Difficulty.EASY, 4)
    return replace(exam_plan((2, 2)), kind=SessionKind.PRACTICE, practice=choice)


def _slot(batch: Batch, sequence: int) -> Slot:
    return Slot(
        position=batch.start + sequence - 1,
        batch_index=batch.index,
        sequence=sequence,
        section=batch.section,
        topic=Topic.ALGEBRA,
        subtopic="linear equations",
        question_type=QuestionType.MCQ,
        difficulty=Difficulty.EASY,
        angle="السوق",
        key_index=sequence % 4,
        passage_group=batch.index,
    )


def question_for(slot: Slot, *, fingerprint: str | None = None) -> Question:
    return Question(
        slot=slot,
        stem=f"السؤال {slot.position}",
        choices=("١", "٢", "٣", "٤"),
        answer_index=1,
        explanation="الشرح",
        fingerprint=fingerprint or f"fingerprint-{slot.position}",
        passage="نص",
    )


def new_session(sessions: SessionStore, plan: Plan | None = None) -> UUID:
    return sessions.create(STUDENT, plan or exam_plan()).session_id


def claimed(store: BatchStore, session_id: UUID, batch_index: int = 0, ttl_s: float = TTL_S) -> Claim:
    claim = store.claim(session_id, batch_index, "worker", ttl_s)
    assert claim is not None
    return claim


def fill(store: BatchStore, claim: Claim) -> None:
    for slot in claim.open_slots:
        store.accept(claim, question_for(slot), uuid4(), "claude")


def make_ready(store: BatchStore, session_id: UUID, batch_index: int) -> None:
    """Request a batch, run it and finish it."""
    store.request(session_id, batch_index, Urgency.PREFETCH)
    claim = claimed(store, session_id, batch_index)
    fill(store, claim)
    store.finish(claim)
