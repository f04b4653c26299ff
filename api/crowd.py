"""Many calls for one thing at once: one asks the database, the others share what it finds.

A page that is opened in many tabs, or a client that repeats itself, must not cost a query a call, nor wait
behind its own crowd to be told that the batch is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Crowd:
    """Of one process, used on its event loop only."""

    def __init__(self) -> None:
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}

    async def share(self, what: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """What `ask` returns or raises, and whether it was this call that asked.

        Calls for the same thing that come before there is an answer get that answer; nothing is kept.
        """
        asking: asyncio.Task[T] | None = self._asking.get(what)
        if asking is not None:
            return await asyncio.shield(asking), False
        asking = self._asking[what] = asyncio.create_task(ask())
        asking.add_done_callback(lambda _done: self._asking.pop(what, None))
        return await asyncio.shield(asking), True  # one caller who leaves takes nothing from the others

    async def overhear(self, what: Hashable) -> Any:
        """What a call finds that is asking for this just now. None when none is, or when its asking fails."""
        asking = self._asking.get(what)
        if asking is None:
            return None
        with suppress(Exception):  # it is told to those who share it; who only listens may ask himself
            return await asyncio.shield(asking)
        return None
