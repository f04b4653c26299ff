"""A passage is shared by its group, kept when its question is not, and never told twice."""

from __future__ import annotations

from typing import Any

import pytest

from generation.gate import Accepted, Gate, Rejected, known_passages
from generation.model import (
    EarlierQuestion,
    QuestionType,
)
from tests.support.reply_lines import (
    OTHER_PASSAGE,
    PASSAGE,
    gate_for,
    line,
    reason,
    slot_for,
)


def reading_gate(**parts: Any) -> Gate:
    return gate_for(*(slot_for(QuestionType.READING, position=position) for position in (4, 5, 6)), **parts)


def test_a_reading_question_needs_a_passage() -> None:
    assert reason(QuestionType.READING, p=None) == "no_passage"
    assert reason(QuestionType.READING, p="نص قصير عن الماء.") == "poor_passage"
    assert reason(QuestionType.READING, p="A long passage about water. " * 20) == "poor_passage"


def test_the_questions_of_a_group_share_the_passage_of_the_first() -> None:
    gate = reading_gate()
    gate.judge(line(QuestionType.READING))
    verdict = gate.judge(
        line(QuestionType.READING, position=5, p=None, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    )
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


def test_a_good_passage_is_kept_when_its_question_is_rejected() -> None:
    gate = reading_gate()
    assert gate.judge(line(QuestionType.READING, d=["أ", "أ", "أ"])) == Rejected(4, "choices_not_distinct")
    assert gate.passages == {1: PASSAGE}
    verdict = gate.judge(line(QuestionType.READING, position=5, p=None))
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


@pytest.mark.parametrize("part", [{"q": ""}, {"w": 5}, {"a": None}, {"d": "واحد"}, {"f": []}])
def test_a_good_passage_is_kept_when_its_line_has_another_shape(part: dict[str, Any]) -> None:
    """The others of the group come without one, and are paid for."""
    gate = reading_gate()
    assert isinstance(gate.judge(line(QuestionType.READING, **part)), Rejected)
    assert gate.passages == {1: PASSAGE}


def test_a_poor_passage_is_not_kept() -> None:
    gate = reading_gate()
    gate.judge(line(QuestionType.READING, p="نص قصير."))
    assert gate.passages == {}


def test_a_known_passage_serves_and_no_other_may_replace_it() -> None:
    gate = reading_gate(passages={1: PASSAGE})
    assert gate.judge(line(QuestionType.READING, p=OTHER_PASSAGE)) == Rejected(4, "other_passage")
    assert isinstance(gate.judge(line(QuestionType.READING, p=None)), Accepted)
    again = line(QuestionType.READING, position=5, p=PASSAGE, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert isinstance(gate.judge(again), Accepted)


def test_another_group_cannot_have_the_same_passage() -> None:
    gate = gate_for(slot_for(QuestionType.READING), slot_for(QuestionType.READING, position=8, group=2))
    gate.judge(line(QuestionType.READING))
    twin = line(QuestionType.READING, position=8, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert gate.judge(twin) == Rejected(8, "repeated_passage")
    assert isinstance(gate.judge({**twin, "p": OTHER_PASSAGE}), Accepted)


def test_passages_of_committed_questions_are_known_to_the_next_call() -> None:
    earlier = EarlierQuestion(3, QuestionType.READING, "س", ("1", "2", "3", "4"), PASSAGE, 1)
    plain = EarlierQuestion(2, QuestionType.MCQ, "ص", ("1", "2", "3", "4"))
    assert known_passages((plain, earlier)) == {1: PASSAGE}
    gate = reading_gate(earlier=(plain, earlier), passages=known_passages((plain, earlier)))
    assert isinstance(gate.judge(line(QuestionType.READING, p=None)), Accepted)
