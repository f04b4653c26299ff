"""Many calls for one batch at once: one asks the database, the others share what it finds.

A page that is opened in many tabs, or a client that repeats itself, must not cost a query a call, nor wait
behind its own crowd to be told that the batch is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

#: How long "under way" is believed without looking: less than anybody notices.
BELIEVED_S = 0.25

#: Beyond this many, the oldest are forgotten: that costs a query.
_KEPT = 10_000


class Crowd:
    """Of one process, used on its event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looking: dict[Hashable, asyncio.Task[Any]] = {}
        self._under_way: dict[Hashable, float] = {}

    def note_under_way(self, what: Hashable) -> None:
        self._under_way.pop(what, None)
        self._under_way[what] = self._clock() + BELIEVED_S
        while len(self._under_way) > _KEPT:
            del self._under_way[next(iter(self._under_way))]

    def forget(self, what: Hashable) -> None:
        self._under_way.pop(what, None)

    def is_under_way(self, what: Hashable) -> bool:
        return self._under_way.get(what, 0.0) > self._clock()

    async def share(self, what: Hashable, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `look` returns or raises; calls for the same thing meanwhile get the same answer."""
        looking: asyncio.Task[T] | None = self._looking.get(what)
        if looking is None:
            looking = asyncio.get_running_loop().create_task(look())
            self._looking[what] = looking
            looking.add_done_callback(lambda _done: self._looking.pop(what, None))
        return await asyncio.shield(looking)  # one caller who leaves takes nothing from the others
