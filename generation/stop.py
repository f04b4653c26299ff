"""A reason to stop, told once to everybody who works on a batch.

The heartbeat, a deploy, a deadline or a cancelled session sets it from another thread; the run looks at it
between events, and a stream registers how to wake itself when it is blocked in a read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class StopReason(StrEnum):
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"
    DEADLINE = "deadline"
    ABANDONED = "abandoned"  # another lane of the run met an error that ends the run


class StopSignal:
    """Set at most once; the first reason stays. Safe to set and read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._wakers: list[Callable[[], None]] = []

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def set(self, reason: StopReason) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` when the signal is set while the block runs, or at once if it already is.

        `wake` may run on another thread, and must neither block nor raise.
        """
        with self._lock:
            self._wakers.append(wake)
            already_set = self._reason is not None
        try:
            if already_set:
                wake()
            yield
        finally:
            with self._lock:
                self._wakers.remove(wake)
