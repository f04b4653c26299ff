"""Shares are exact for any portions."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.apportion import Deck, RunningShares, apportion_by_weight

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), min_size=1).filter(
    lambda weights: sum(weights.values()) > 0
)


@pytest.mark.parametrize(
    ("size", "mix"), [(10, (3, 5, 2)), (9, (3, 4, 2)), (7, (2, 4, 1)), (5, (1, 3, 1)), (96, (29, 48, 19))]
)
def test_a_tie_goes_to_the_key_that_comes_first(size: int, mix: tuple[int, int, int]) -> None:
    shares = apportion_by_weight({"medium": 50, "easy": 30, "hard": 20}, size)
    assert (shares["easy"], shares["medium"], shares["hard"]) == mix


@given(WEIGHTS, st.integers(0, 100))
def test_the_sum_is_exact_and_no_share_is_off_by_one(weights: dict[str, int], size: int) -> None:
    shares = apportion_by_weight(weights, size)
    whole = sum(weights.values())
    assert sum(shares.values()) == size
    assert all(abs(shares[key] * whole - weights[key] * size) < whole for key in weights)


@given(WEIGHTS, st.lists(st.integers(1, 12), min_size=1, max_size=12))
def test_totals_divided_into_any_portions_are_met_exactly(weights: dict[str, int], sizes: list[int]) -> None:
    totals = apportion_by_weight(weights, sum(sizes))
    shares = RunningShares(totals)
    portions = [shares.assign(size) for size in sizes]
    assert [sum(portion.values()) for portion in portions] == sizes
    assert all(number >= 0 for portion in portions for number in portion.values())
    assert sum((Counter(portion) for portion in portions), Counter()) == Counter(totals)
    assert all(shares.left(key) == 0 for key in totals)


def test_what_is_taken_beforehand_is_made_up_for_later() -> None:
    shares = RunningShares({"a": 10, "b": 10})
    assert shares.assign(10, {"a": 9}) == {"a": 9, "b": 1}
    assert shares.assign(10) == {"a": 1, "b": 9}


@given(st.integers(1, 20), st.integers(1, 60), st.integers())
def test_a_deck_draws_every_item_before_any_repeats(cards: int, draws: int, seed: int) -> None:
    deck = Deck(range(cards), Random(seed))
    drawn = Counter(deck.draw() for _ in range(draws))
    assert max(drawn.values()) - min(drawn[card] for card in range(cards)) <= 1


def test_a_deck_avoids_items_while_it_has_others() -> None:
    deck = Deck("abc", Random(1))
    assert {deck.draw(avoid="ab") for _ in range(5)} == {"c"}
    assert deck.draw(avoid="abc") in "abc"
