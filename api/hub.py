"""Where this process learns that something new was committed for a session somebody watches.

One hub a process. Rows are the message; the hub only says "look again". A notification from Postgres
wakes at once; one query for all watched sessions finds what a lost notification would have told. An idle
reader costs one future and its share of that query.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)

Latest = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, int]]]


class Watch:
    """One reader's view of one session: it is told that something changed, never what."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this reader should stop: its client is gone or the process is about to end."""
        return self._closed

    async def changed(self, patience_s: float) -> bool:
        """True as soon as something may have changed since the last call; False after `patience_s`."""
        try:
            async with asyncio.timeout(patience_s):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    def ring(self) -> None:
        self._rung.set()

    def close(self) -> None:
        self._closed = True
        self._rung.set()


@dataclass(slots=True)
class _Watched:
    """A session and its readers. `seen` is the latest event number the hub has told them about."""

    readers: set[Watch] = field(default_factory=set)
    seen: int | None = None

    def ring(self) -> None:
        for reader in self.readers:
            reader.ring()


class Hub:
    """Wakes the readers of a session after something was committed for it, at most `poll_s` later.

    Lives on one event loop; `wake_from_thread` alone may be called from elsewhere.
    """

    def __init__(self, latest: Latest, *, poll_s: float) -> None:
        self._latest = latest
        self._poll_s = poll_s
        self._watched: dict[UUID, _Watched] = {}
        self._somebody = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def readers(self) -> int:
        return sum(len(watched.readers) for watched in self._watched.values())

    @contextlib.contextmanager
    def watching(self, session_id: UUID) -> Iterator[Watch]:
        """A watch of the session until the block ends. Look at the rows only after entering."""
        watch = Watch()
        watched = self._watched.setdefault(session_id, _Watched())
        watched.readers.add(watch)
        self._somebody.set()
        if self._closed:
            watch.close()
        try:
            yield watch
        finally:
            watched.readers.discard(watch)
            if not watched.readers:
                self._watched.pop(session_id, None)

    def wake(self, session_id: UUID) -> None:
        """Tell the session's readers to look; nothing happens when nobody watches it."""
        watched = self._watched.get(session_id)
        if watched is not None:
            watched.ring()

    def wake_from_thread(self, session_id: UUID) -> None:
        """The same from any thread; a wake-up that comes too late for the loop is dropped."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed between the check and the call
                self._loop.call_soon_threadsafe(self.wake, session_id)

    async def run(self) -> None:
        """Poll for the watched sessions until cancelled. A database that is away delays, nothing more."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._somebody.wait()
            try:
                self._tell(await self._latest(list(self._watched)))
            except Exception as error:  # noqa: BLE001 - whatever the database says, the readers stay
                log.warning("hub_poll_failed", error=type(error).__name__)
            await asyncio.sleep(self._poll_s)
            if not self._watched:
                self._somebody.clear()

    def close(self) -> None:
        """End every watch, present and future, so that waiting calls and streams finish."""
        self._closed = True
        for watched in list(self._watched.values()):
            for reader in watched.readers:
                reader.close()

    def _tell(self, latest: Mapping[UUID, int]) -> None:
        for session_id, seq in latest.items():
            watched = self._watched.get(session_id)
            if watched is not None and watched.seen != seq:
                watched.seen = seq
                watched.ring()
