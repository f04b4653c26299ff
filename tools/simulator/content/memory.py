"""What was written lately, so that a row of the content comes again only when all others of its list have come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Memory:
    """The turns at which each list's rows were written. As large as the content; one simulator has one."""

    def __init__(self) -> None:
        self._turns: dict[str, dict[int, int]] = defaultdict(dict)
        self._turn = 0

    def freshest(self, name: str, rows: Sequence[T], start: int) -> T:
        """The row of the list `name` that was written longest ago, never written first; of equals the next from `start`."""
        turns = self._turns[name]
        order = [(start + step) % len(rows) for step in range(len(rows))]
        row = min(order, key=lambda index: turns.get(index, 0))
        self._turn += 1
        turns[row] = self._turn
        return rows[row]

    def written(self, name: str) -> int:
        """How many rows of the list have been written."""
        return len(self._turns[name])

    def clear(self) -> None:
        self._turns.clear()
        self._turn = 0
