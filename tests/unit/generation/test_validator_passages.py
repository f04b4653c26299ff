"""A passage is shared by its group, kept when its question is rejected, and never used twice."""

from __future__ import annotations

from typing import Any

import pytest

from generation.model import (
    EarlierQuestion,
    QuestionType,
)
from generation.validator import Accepted, Rejected, Validator, known_passages
from tests.support.reply_lines import (
    OTHER_PASSAGE,
    PASSAGE,
    line,
    reason,
    slot_for,
    validator_for,
)


def reading_validator(**parts: Any) -> Validator:
    return validator_for(
        *(slot_for(QuestionType.READING, position=position) for position in (4, 5, 6)), **parts
    )


def test_a_reading_question_needs_a_passage() -> None:
    assert reason(QuestionType.READING, p=None) == "no_passage"
    assert reason(QuestionType.READING, p="نص قصير عن الماء.") == "poor_passage"
    assert reason(QuestionType.READING, p="A long passage about water. " * 20) == "poor_passage"


def test_the_questions_of_a_group_share_the_passage_of_the_first() -> None:
    validator = reading_validator()
    validator.judge(line(QuestionType.READING))
    verdict = validator.judge(
        line(QuestionType.READING, position=5, p=None, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    )
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


def test_a_good_passage_is_kept_when_its_question_is_rejected() -> None:
    validator = reading_validator()
    assert validator.judge(line(QuestionType.READING, d=["أ", "أ", "أ"])) == Rejected(
        4, "choices_not_distinct"
    )
    assert validator.passages == {1: PASSAGE}
    verdict = validator.judge(line(QuestionType.READING, position=5, p=None))
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


@pytest.mark.parametrize("part", [{"q": ""}, {"w": 5}, {"a": None}, {"d": "واحد"}, {"f": []}])
def test_a_good_passage_is_kept_when_its_line_has_another_shape(part: dict[str, Any]) -> None:
    """The other questions of the group come without a passage, and are already paid for."""
    validator = reading_validator()
    assert isinstance(validator.judge(line(QuestionType.READING, **part)), Rejected)
    assert validator.passages == {1: PASSAGE}


def test_a_poor_passage_is_not_kept() -> None:
    validator = reading_validator()
    validator.judge(line(QuestionType.READING, p="نص قصير."))
    assert validator.passages == {}


def test_a_known_passage_is_used_and_no_other_may_replace_it() -> None:
    validator = reading_validator(passages={1: PASSAGE})
    assert validator.judge(line(QuestionType.READING, p=OTHER_PASSAGE)) == Rejected(4, "other_passage")
    assert isinstance(validator.judge(line(QuestionType.READING, p=None)), Accepted)
    again = line(QuestionType.READING, position=5, p=PASSAGE, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert isinstance(validator.judge(again), Accepted)


def test_another_group_cannot_have_the_same_passage() -> None:
    validator = validator_for(
        slot_for(QuestionType.READING), slot_for(QuestionType.READING, position=8, group=2)
    )
    validator.judge(line(QuestionType.READING))
    twin = line(QuestionType.READING, position=8, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert validator.judge(twin) == Rejected(8, "repeated_passage")
    assert isinstance(validator.judge({**twin, "p": OTHER_PASSAGE}), Accepted)


def test_passages_of_committed_questions_are_known_to_the_next_call() -> None:
    earlier = EarlierQuestion(3, QuestionType.READING, "س", ("1", "2", "3", "4"), PASSAGE, 1)
    plain = EarlierQuestion(2, QuestionType.MCQ, "ص", ("1", "2", "3", "4"))
    assert known_passages((plain, earlier)) == {1: PASSAGE}
    validator = reading_validator(earlier=(plain, earlier), passages=known_passages((plain, earlier)))
    assert isinstance(validator.judge(line(QuestionType.READING, p=None)), Accepted)
