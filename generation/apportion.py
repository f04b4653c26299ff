"""Sharing out whole things fairly: how many of each, and in which order, with no share lost to rounding."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from fractions import Fraction
from random import Random
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


def apportion(needs: Mapping[K, Fraction], size: int) -> dict[K, int]:
    """`size` things, each given to the greatest unmet need; a tie goes to the key named first.

    For needs that add up to `size` this is the method of largest remainders.
    """
    given = dict.fromkeys(needs, 0)
    for _ in range(size):
        neediest = max(needs, key=lambda key: needs[key] - given[key])
        given[neediest] += 1
    return given


def apportion_by_weight(weights: Mapping[K, int], size: int) -> dict[K, int]:
    """`size` things in proportion to the weights, by largest remainder; the sum is exact."""
    whole = sum(weights.values())
    return apportion({key: Fraction(weight * size, whole) for key, weight in weights.items()}, size)


class RunningShares(Generic[K]):
    """Deals known totals out in portions, each as near to its fair share as whole numbers and the earlier
    portions allow. When everything is dealt, every total is met, unless `take` forced other numbers.
    """

    def __init__(self, totals: Mapping[K, int]) -> None:
        self._totals = dict(totals)
        self._whole = sum(totals.values())
        self._given = dict.fromkeys(totals, 0)

    def left(self, key: K) -> int:
        return self._totals[key] - self._given[key]

    def need(self, key: K, size: int) -> Fraction:
        """What `key` should get of the next `size` things so that it has its fair share after them."""
        dealt = sum(self._given.values()) + size
        return Fraction(self._totals[key] * dealt, self._whole) - self._given[key]

    def deal(self, size: int, taken: Mapping[K, int] | None = None) -> dict[K, int]:
        """The next `size` things. Keys in `taken` get exactly that many, the others share the rest."""
        taken = taken or {}
        needs = {key: self.need(key, size) for key in self._totals if key not in taken}
        portion = {**taken, **apportion(needs, size - sum(taken.values()))}
        return self.take({key: portion.get(key, 0) for key in self._totals})

    def take(self, portion: Mapping[K, int]) -> dict[K, int]:
        """Record numbers that were decided elsewhere."""
        for key, number in portion.items():
            self._given[key] += number
        return dict(portion)


class Deck(Generic[T]):
    """Cards dealt in a seeded order, every one before any comes again."""

    def __init__(self, cards: Iterable[T], rng: Random) -> None:
        self._cards = tuple(cards)
        self._rng = rng
        self._left: list[T] = []

    def draw(self, avoid: Container[T] = ()) -> T:
        """The next card that is not in `avoid`, or the next one when all are."""
        if all(card in avoid for card in self._left):
            self._left += self._rng.sample(self._cards, len(self._cards))
        place = next((place for place, card in enumerate(self._left) if card not in avoid), 0)
        return self._left.pop(place)
