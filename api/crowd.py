"""Many calls for one thing at once: one asks the database, the others share what it finds.

A page that is opened in many tabs, or a client that repeats itself, must not cost a query a call, nor wait
behind its own crowd to be told that the batch is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from enum import Enum
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

#: A page that is open twice and an impatient hand may wait for one look at the database; a throng that did would
#: all wait for the slowest moment of the door, its beginning.
LISTENERS = 3


class Heard(Enum):
    """What a listener hears when it hears no finding."""

    NOTHING = "nothing"  #: nobody asks, or whoever did met an error
    THRONG = "throng"  #: so many listen that none shall wait until something is found


class Crowd:
    """Of one process, used on its event loop only."""

    def __init__(self) -> None:
        self._asking: dict[Hashable, _Asking[Any]] = {}

    async def share(self, what: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """What `ask` returns or raises, and whether it was this call that asked.

        Calls for the same thing that come before there is an answer get that answer; nothing is kept.
        """
        asking: _Asking[T] | None = self._asking.get(what)
        if asking is not None:
            return await asyncio.shield(asking.task), False
        asking = self._asking[what] = _Asking(ask())
        asking.task.add_done_callback(lambda _done: self._asking.pop(what, None))
        return await asyncio.shield(asking.task), True  # one caller who leaves takes nothing from the others

    async def overhear(self, what: Hashable) -> Any:
        """What a call finds that is asking for this just now, or why that is not known: a `Heard`.

        LISTENERS may wait for it. The next one sends them all away, and who comes after need not wait at all.
        """
        asking = self._asking.get(what)
        return Heard.NOTHING if asking is None else await asking.overheard()


class _Asking(Generic[T]):
    """One question under way, and those who listen for its answer."""

    def __init__(self, question: Coroutine[Any, Any, T]) -> None:
        loop = asyncio.get_running_loop()
        self.task: Final = loop.create_task(question)
        self._heard: Final[asyncio.Future[T | Heard]] = loop.create_future()
        self._listeners = 0
        self.task.add_done_callback(self._done)

    async def overheard(self) -> T | Heard:
        self._listeners += 1
        if self._listeners > LISTENERS:
            self._tell(Heard.THRONG)
        return await asyncio.shield(self._heard)

    def _done(self, task: asyncio.Task[T]) -> None:
        # An error is told to those who share it; who only listens may ask himself.
        failed = task.cancelled() or task.exception() is not None
        self._tell(Heard.NOTHING if failed else task.result())

    def _tell(self, heard: T | Heard) -> None:
        if not self._heard.done():
            self._heard.set_result(heard)
