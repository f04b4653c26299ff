"""Fair division of whole items: how many of each and in which order, without rounding losses."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from fractions import Fraction
from random import Random
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


def apportion_by_weight(weights: Mapping[K, int], size: int) -> dict[K, int]:
    """`size` items in proportion to the weights, by largest remainder; the sum is exact.

    A tie goes to the key that comes first.
    """
    whole = sum(weights.values())
    return _by_need({key: weight * size for key, weight in weights.items()}, size, one=whole)


def _by_need(needs: Mapping[K, int], size: int, *, one: int) -> dict[K, int]:
    """`size` items, each given to the greatest unmet need. Needs are whole numbers; one item meets `one` of them."""
    unmet = dict(needs)
    given = dict.fromkeys(needs, 0)
    for _ in range(size):
        neediest = max(unmet, key=unmet.__getitem__)
        unmet[neediest] -= one
        given[neediest] += 1
    return given


class RunningShares(Generic[K]):
    """Divides known totals into portions, each as near to its fair share as whole numbers allow.

    Rounding in one portion is made up for in later ones. At the end every total is met exactly, unless `take`
    set other numbers.
    """

    def __init__(self, totals: Mapping[K, int]) -> None:
        self._totals = dict(totals)
        self._whole = sum(totals.values())
        self._given = dict.fromkeys(totals, 0)
        self._total_given = 0

    def left(self, key: K) -> int:
        return self._totals[key] - self._given[key]

    def need(self, key: K, size: int) -> Fraction:
        """How many of the next `size` items `key` should get to have its fair share after them."""
        return Fraction(self._need(key, size), self._whole)

    def assign(self, size: int, taken: Mapping[K, int] | None = None) -> dict[K, int]:
        """The next `size` items. Keys in `taken` get exactly that many; the others share the rest."""
        taken = taken or {}
        needs = {key: self._need(key, size) for key in self._totals if key not in taken}
        shared = _by_need(needs, size - sum(taken.values()), one=self._whole)
        return self.take({key: taken[key] if key in taken else shared[key] for key in self._totals})

    def take(self, portion: Mapping[K, int]) -> dict[K, int]:
        """Record a portion that was decided elsewhere."""
        for key, number in portion.items():
            self._given[key] += number
            self._total_given += number
        return dict(portion)

    def _need(self, key: K, size: int) -> int:
        return self._totals[key] * (self._total_given + size) - self._given[key] * self._whole


class Deck(Generic[T]):
    """Items drawn in a seeded random order, all of them before any repeats."""

    def __init__(self, items: Iterable[T], rng: Random) -> None:
        self._items = tuple(items)
        self._rng = rng
        self._left: list[T] = []

    def draw(self, avoid: Container[T] = ()) -> T:
        """The next item that is not in `avoid`, or the next one when all are."""
        if all(item in avoid for item in self._left):
            self._left += self._rng.sample(self._items, len(self._items))
        place = next((place for place, item in enumerate(self._left) if item not in avoid), 0)
        return self._left.pop(place)
