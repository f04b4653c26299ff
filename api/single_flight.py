"""Equal questions that are asked at the same time are asked once, and everybody gets the answer.

A page that is open in many tabs, or a client that repeats itself, costs one look at the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Of one process, used on its event loop only."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def share(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """What `ask` returns or raises, and whether it was this call that asked.

        Calls for the same key that come before there is an answer get that answer. Nothing is kept after it.
        """
        task = self._under_way.get(key)
        first = task is None
        if task is None:
            task = self._under_way[key] = asyncio.create_task(ask())
            task.add_done_callback(lambda _done: self._under_way.pop(key, None))
        return await asyncio.shield(task), first  # one caller who leaves takes nothing from the others
