"""Where this process learns that something new was committed for a session somebody watches.

One notifier a process. Rows are the message; the notifier only says "look again". A notification from Postgres
wakes at once; one query for all watched sessions finds what a lost notification would have told, and wakes
only those who have not read it yet. An idle reader costs one future and its share of that query.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)

#: Given a number a session, answers with the latest number of those that have a later one.
Changed = Callable[[Mapping[UUID, int]], Awaitable[Mapping[UUID, int]]]

#: No event has this number or a smaller one.
NOTHING = -1


class Subscription:
    """One reader's view of one session: it is told that something changed, never what.

    `seen` is the number of the latest event its reader knows of, and the reader's to set: for what it has
    read already, the poll does not wake it again.
    """

    def __init__(self, seen: int = NOTHING) -> None:
        self.seen = seen
        self._woken = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this reader should stop: its client is gone or the process is about to end."""
        return self._closed

    async def changed(self, timeout_s: float) -> bool:
        """True as soon as something may have changed since the last call; False after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()


class Notifier:
    """Wakes the readers of a session after something was committed for it, at most `poll_s` later.

    Lives on one event loop; `wake_from_thread` alone may be called from elsewhere.
    """

    def __init__(self, changed: Changed, *, poll_s: float) -> None:
        self._changed = changed
        self._poll_s = poll_s
        self._watched: dict[UUID, set[Subscription]] = {}
        self._somebody = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def readers(self) -> int:
        return sum(map(len, self._watched.values()))

    @contextlib.contextmanager
    def subscribed(self, session_id: UUID, *, seen: int = NOTHING) -> Iterator[Subscription]:
        """A watch of the session until the block ends. Look at the rows only after entering."""
        subscription = Subscription(seen)
        readers = self._watched.setdefault(session_id, set())
        readers.add(subscription)
        self._somebody.set()
        if self._closed:
            subscription.close()
        try:
            yield subscription
        finally:
            readers.discard(subscription)
            if not readers:
                self._watched.pop(session_id, None)

    def wake(self, session_id: UUID) -> None:
        """Tell the session's readers to look; nothing happens when nobody watches it."""
        for reader in self._watched.get(session_id, ()):
            reader.wake()

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
                self._tell(await self._changed(self._seen()))
            except Exception as error:  # noqa: BLE001 - whatever the database says, the readers stay
                log.warning("notifier_poll_failed", error=type(error).__name__)
            await asyncio.sleep(self._poll_s)
            if not self._watched:
                self._somebody.clear()

    def close(self) -> None:
        """End every watch, present and future, so that waiting calls and streams finish."""
        self._closed = True
        for readers in self._watched.values():
            for reader in readers:
                reader.close()

    def _seen(self) -> dict[UUID, int]:
        """What every reader of each session knows of."""
        return {
            session_id: min(reader.seen for reader in readers)
            for session_id, readers in self._watched.items()
        }

    def _tell(self, changed: Mapping[UUID, int]) -> None:
        for session_id, latest in changed.items():
            for reader in self._watched.get(session_id, ()):
                if reader.seen < latest:
                    reader.wake()
