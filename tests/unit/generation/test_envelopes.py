"""Questions with their number outside of them are kept, and no number is taken for a slot that may be a place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.envelopes import opened

BODY = {"q": "كم؟", "w": "الحل", "a": "1", "d": ["2", "3", "4"]}

positions = st.lists(st.integers(0, 95), min_size=1, max_size=10, unique=True).map(sorted)


def body(number: int) -> dict[str, Any]:
    return {**BODY, "q": f"كم يساوي {number}؟"}


@pytest.mark.parametrize("name", ["question", "content", "data"])
def test_a_question_inside_an_object_that_has_its_slot_is_opened(name: str) -> None:
    assert opened({"slot": "3", name: body(3), "topic": "algebra"}, asked=[3, 4]) == [
        {**body(3), "slot": "3"}
    ]


@pytest.mark.parametrize(
    "found", [{**BODY, "slot": 3}, {"slot": 3}, {"slot": 3, "a": BODY, "b": BODY}, {}, {"3": 1}]
)
def test_what_is_no_envelope_stays_as_it_is(found: dict[str, Any]) -> None:
    assert opened(found, asked=[3]) == [found]


@given(positions, st.sampled_from(["{}", "slot_{}", "q{}", "السؤال {}", "#{}"]))
def test_names_that_are_the_slots_asked_for_in_order_are_slots(asked: list[int], name: str) -> None:
    found = {name.format(number): body(number) for number in asked}
    assert opened(found, asked=asked) == [{**body(number), "slot": number} for number in asked]


@given(positions)
def test_numbered_questions_are_opened_inside_other_objects(asked: list[int]) -> None:
    found = {"count": len(asked), "questions": {"all": {str(number): body(number) for number in asked}}}
    assert opened(found, asked=asked) == [{**body(number), "slot": number} for number in asked]


@given(positions)
def test_names_that_count_the_questions_of_the_reply_fill_no_neighbours_slot(asked: list[int]) -> None:
    found = {str(place): body(number) for place, number in enumerate(asked, 1)}
    for raw in opened(found, asked=asked):
        assert raw == found or raw == {**body(raw["slot"]), "slot": raw["slot"]}


@given(
    st.dictionaries(st.text(max_size=40), st.just(BODY) | st.integers() | st.text(), max_size=8), positions
)
def test_any_object_is_opened_without_an_error(found: dict[str, Any], asked: list[int]) -> None:
    assert opened(found, asked=asked)
