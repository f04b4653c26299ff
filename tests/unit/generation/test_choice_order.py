"""The key is where the plan says, and the order of the distractors is repeatable."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import (
    COMPARISON_CHOICES,
    Difficulty,
    QuestionType,
    Section,
    Slot,
    Topic,
)
from generation.validator import place


def slot_at(position: int, key_index: int | None) -> Slot:
    return Slot(
        position=position,
        batch_index=0,
        sequence=1,
        section=Section.QUANTITATIVE,
        topic=Topic.ALGEBRA,
        subtopic="س",
        question_type=QuestionType.MCQ if key_index is not None else QuestionType.COMPARISON,
        difficulty=Difficulty.EASY,
        angle="س",
        key_index=key_index,
    )


@given(st.integers(0, 95), st.integers(0, 3), st.integers())
def test_the_key_is_at_the_planned_place_and_no_choice_is_lost_d19(
    position: int, key_index: int, seed: int
) -> None:
    choices, answer_index = place(slot_at(position, key_index), "12", ("3", "6", "9"), seed=seed)
    assert (answer_index, choices[answer_index]) == (key_index, "12")
    assert Counter(choices) == Counter(("12", "3", "6", "9"))
    assert place(slot_at(position, key_index), "12", ("3", "6", "9"), seed=seed) == (choices, answer_index)


def test_the_order_of_the_distractors_varies_with_position_and_seed() -> None:
    orders = {
        place(slot_at(position, 0), "12", ("3", "6", "9"), seed=seed)[0]
        for position in range(9)
        for seed in range(9)
    }
    assert len(orders) == 6


@pytest.mark.parametrize("index", range(4))
def test_a_comparison_keeps_its_fixed_choices(index: int) -> None:
    assert place(slot_at(1, None), COMPARISON_CHOICES[index], (), seed=1) == (COMPARISON_CHOICES, index)
