"""A provider's JSON is measured before it is decoded, so every Python refuses the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.answer_bounds import _MARKS, MAX_NESTING, TooDeep, check_nesting

TEXTS = st.text(alphabet='ab{}[]":,\\\n', max_size=40)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def is_too_deep(text: str) -> bool:
    try:
        check_nesting(text)
    except TooDeep:
        return True
    return False


@given(VALUES, st.integers(0, MAX_NESTING + 3), TEXTS)
def test_what_nests_deeper_than_the_limit_is_refused_and_nothing_else(
    inmost: Any, wrapped: int, text: str
) -> None:
    value = [text + "[" * MAX_NESTING, inmost]
    for at in range(wrapped):
        value = [value] if at % 2 else {text: value}  # type: ignore[assignment]
    assert is_too_deep(json.dumps(value)) == (depth_of(value) > MAX_NESTING)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"a":[[],'])
def test_a_hundred_thousand_brackets_are_refused_without_recursion(opening: str) -> None:
    assert is_too_deep(opening * 100_000)


def test_a_text_that_is_cut_off_is_read_once_however_many_quotes_it_holds() -> None:
    cut_off = '"' + '\\"[{' * 50_000
    assert [mark.span() for mark in _MARKS.finditer(cut_off)] == [(0, len(cut_off))]
    assert not is_too_deep(cut_off)
