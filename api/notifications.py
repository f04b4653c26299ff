"""Wakes the readers of a session when something new was committed for it. One notifier in each process.

The notifier only says "read again"; the rows have the content. A notification from Postgres wakes at once.
One periodic query for all watched sessions replaces lost notifications, and wakes only readers that have not
read the event yet. An idle reader costs one future and its share of that query.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from uuid import UUID

import structlog

from db.errors import DatabaseUnreachable
from db.notify import Listener
from runtime.settings import DatabaseSettings

log = structlog.get_logger(__name__)

#: Takes an event number for each session; returns the latest number of each session that has a later event.
Changed = Callable[[Mapping[UUID, int]], Awaitable[Mapping[UUID, int]]]

#: No event has this number or a smaller one.
NOTHING = -1


class Subscription:
    """One reader of one session. It learns that something changed, never what.

    `seen` is the number of the latest event that the reader has read. The reader sets it, so that the poll does
    not wake it for that event again.
    """

    def __init__(self, seen: int = NOTHING) -> None:
        self.seen = seen
        self._woken = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this reader should stop: its client has disconnected or the process is stopping."""
        return self._closed

    async def changed(self, timeout_s: float) -> bool:
        """Wait for a change since the last call. Returns True on a possible change, False after `timeout_s`."""
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

    Belongs to one event loop; only `wake_from_thread` may be called from other threads.
    """

    def __init__(self, changed: Changed, *, poll_s: float) -> None:
        self._changed = changed
        self._poll_s = poll_s
        self._readers: dict[UUID, set[Subscription]] = {}
        self._has_readers = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def readers(self) -> int:
        return sum(map(len, self._readers.values()))

    @contextlib.contextmanager
    def subscribed(self, session_id: UUID, *, seen: int = NOTHING) -> Iterator[Subscription]:
        """A subscription to the session until the block ends. Read rows only inside the block, or a change is lost."""
        subscription = Subscription(seen)
        readers = self._readers.setdefault(session_id, set())
        readers.add(subscription)
        self._has_readers.set()
        if self._closed:
            subscription.close()
        try:
            yield subscription
        finally:
            readers.discard(subscription)
            if not readers:
                self._readers.pop(session_id, None)

    def wake(self, session_id: UUID) -> None:
        """Wake all readers of the session, if it has any."""
        for reader in self._readers.get(session_id, ()):
            reader.wake()

    def wake_from_thread(self, session_id: UUID) -> None:
        """The same from any thread. Does nothing when the loop is closed."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed between the check and the call
                self._loop.call_soon_threadsafe(self.wake, session_id)

    async def run(self) -> None:
        """Poll for the watched sessions until cancelled. An unreachable database only delays the readers."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._has_readers.wait()
            try:
                self._wake_behind(await self._changed(self._seen()))
            except Exception as error:  # noqa: BLE001 - no database error may end the polling
                log.warning("notifier_poll_failed", error=type(error).__name__)
            await asyncio.sleep(self._poll_s)
            if not self._readers:
                self._has_readers.clear()

    def close(self) -> None:
        """Close every subscription, present and future, so that waiting calls and streams end."""
        self._closed = True
        for readers in self._readers.values():
            for reader in readers:
                reader.close()

    def _seen(self) -> dict[UUID, int]:
        """For each session, the latest event that all its readers have read."""
        return {
            session_id: min(reader.seen for reader in readers)
            for session_id, readers in self._readers.items()
        }

    def _wake_behind(self, changed: Mapping[UUID, int]) -> None:
        for session_id, latest in changed.items():
            for reader in self._readers.get(session_id, ()):
                if reader.seen < latest:
                    reader.wake()


#: How long one wait on the connection lasts; the thread notices a stop after at most this time.
_WAIT_S = 0.25
#: The pause after a lost connection doubles from the first to the last while no other can be had.
_RETRY_S = 2.0
_RETRY_CAP_S = 30.0


@contextlib.contextmanager
def listening(database: DatabaseSettings, wake: Callable[[UUID], None]) -> Iterator[None]:
    """While the block runs, a thread calls `wake` with the id of each session that has a new event."""
    stop = threading.Event()
    thread = threading.Thread(target=_listen, args=(database, wake, stop), name="event-listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _listen(database: DatabaseSettings, wake: Callable[[UUID], None], stop: threading.Event) -> None:
    pause_s = _RETRY_S
    while not stop.is_set():
        try:
            with Listener(database) as listener:
                pause_s = _RETRY_S
                _wake_each(listener, wake, stop)
        except DatabaseUnreachable as err:
            log.warning("listener_lost", says=err.says, retry_in_s=pause_s)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, _RETRY_CAP_S)


def _wake_each(listener: Listener, wake: Callable[[UUID], None], stop: threading.Event) -> None:
    while not stop.is_set():
        for session_id in listener.wait(_WAIT_S):
            wake(session_id)
