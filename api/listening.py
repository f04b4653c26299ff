"""A thread that listens to Postgres and reports at once which sessions have new events.

It only saves time: when its connection breaks, readers still poll, and the thread connects again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import structlog

from db.errors import DatabaseUnreachable
from db.notify import Listener
from runtime.settings import DatabaseSettings

log = structlog.get_logger(__name__)

#: How long one wait on the connection lasts; the thread notices a stop after at most this time.
_WAIT_S = 0.25
_RETRY_S = 2.0


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
    while not stop.is_set():
        try:
            with Listener(database) as listener:
                _wake_each(listener, wake, stop)
        except DatabaseUnreachable:
            log.warning("listener_lost", retry_in_s=_RETRY_S)
            stop.wait(_RETRY_S)


def _wake_each(listener: Listener, wake: Callable[[UUID], None], stop: threading.Event) -> None:
    while not stop.is_set():
        for session_id in listener.wait(_WAIT_S):
            wake(session_id)
