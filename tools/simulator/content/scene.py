"""The setting of one question: who, where, with what; and the dice that fill in its numbers.

Names go by slot, so that two slots of one exam never share theirs whichever calls they come from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tools.simulator.asked import Wanted
from tools.simulator.content.memory import Memory

T = TypeVar("T")
LEVELS = {"easy": 0, "medium": 1, "hard": 2}


@cache
def data(name: str) -> Any:
    """A data file of this folder, read once."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def _turn(seed: str) -> int:
    """Shared by all questions of one reply."""
    return Random(f"{seed}:turn").randrange(10_000)


STARTS = 3  #: places in a list of sentences at which a reply may begin


class Scene:
    """One question's context. The same seed, turn and slot give the same scene."""

    def __init__(self, wanted: Wanted, *, seed: str, attempt: int = 0, memory: Memory | None = None) -> None:
        self.wanted = wanted
        self.memory = memory or Memory()
        self.rng = Random(f"{seed}:{wanted.slot}:{attempt}")
        self.turn = _turn(seed)
        self.attempt = attempt
        self.level = LEVELS.get(wanted.difficulty, 1)
        contexts = data("contexts")
        slot = wanted.slot
        names = contexts["names"]
        self.first = names[(slot * 5) % len(names)]
        self.second = names[(slot * 5 + 2) % len(names)]
        self.surname = self.by_turn(contexts["surnames"], 1)
        self.name = f"{self.first} {self.surname}"
        self.place = self.by_turn(contexts["places"], 7)
        self.item, self.other_item = (
            self.by_turn(contexts["items"], 11),
            self.by_turn(contexts["items"], 11, 5),
        )
        self.day = self.by_turn(contexts["days"], 3)
        self.city, self.other_city = (
            self.by_turn(contexts["cities"], 2),
            self.by_turn(contexts["cities"], 2, 7),
        )

    @property
    def for_item(self) -> str:
        """The item after the preposition that swallows its article."""
        return f"لل{self.item.removeprefix('ال')}"

    def by_turn(self, values: Sequence[T], stride: int, shift: int = 0) -> T:
        """Neighbouring slots of one reply get different values; another reply starts elsewhere."""
        return values[(self.wanted.slot * stride + self.turn + self.attempt * 3 + shift) % len(values)]

    def by_slot(self, values: Sequence[T]) -> T:
        """Slots of one exam get different values as long as there are enough; avoided ones move on."""
        return values[(self.wanted.slot + self.attempt * 17) % len(values)]

    def fresh(self, name: str, values: Sequence[T]) -> T:
        """The value of the list `name` that was written longest ago; another reply begins elsewhere."""
        begin = self.turn % STARTS * len(values) // STARTS
        return self.memory.freshest(name, values, self.wanted.slot + begin + self.attempt * 17)

    def number(self, low: int, high: int) -> int:
        """Between the bounds, which grow with the difficulty."""
        return self.rng.randint(low, high + (high - low) * self.level // 2)

    def step(self, low: int, high: int, by: int) -> int:
        return self.rng.randint(low, high) * by

    def choose(self, *values: T) -> T:
        return self.rng.choice(values)
