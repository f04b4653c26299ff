"""A thread that hears from Postgres which sessions have news, and passes it on at once.

Only a shortcut: when the connection breaks the readers poll, and the thread tries to listen again.
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

#: How long one wait on the connection lasts, and so how soon the thread notices that it should stop.
_WAIT_S = 0.25
_RETRY_S = 2.0


@contextlib.contextmanager
def listening(database: DatabaseSettings, wake: Callable[[UUID], None]) -> Iterator[None]:
    """While the block runs, `wake` is called, on a thread, with each session that has a new event."""
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
                _pass_on(listener, wake, stop)
        except DatabaseUnreachable:
            log.warning("listener_lost", again_in_s=_RETRY_S)
            stop.wait(_RETRY_S)


def _pass_on(listener: Listener, wake: Callable[[UUID], None], stop: threading.Event) -> None:
    while not stop.is_set():
        for session_id in listener.wait(_WAIT_S):
            wake(session_id)
