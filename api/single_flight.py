"""Runs equal queries that come at the same time once, and gives all callers the same result.

A page that is open in many tabs, or a client that repeats its call, costs one database query.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Shares within one process; use it on the event loop only."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def share(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """What `ask` returns or raises, and whether this call ran it.

        Calls for the same key that come before the result share it. The result is not cached afterwards.
        """
        task = self._under_way.get(key)
        first = task is None
        if task is None:
            task = self._under_way[key] = asyncio.create_task(ask())
            task.add_done_callback(lambda _done: self._under_way.pop(key, None))
        return await asyncio.shield(task), first  # a cancelled caller must not cancel the query of the others
