"""A cancellation signal for everything that works on a batch: a run, its calls and their streams.

The heartbeat, a deploy, a deadline or a cancelled session sets it from another thread. The run checks it
between events; a stream registers a callback that wakes it from a blocked read. A deploy asks first: a call
in the middle of a question may finish that question, which is already paid for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum


class StopReason(StrEnum):
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"
    DEADLINE = "deadline"
    LANE_FAILED = "lane_failed"  # an error in another lane ends the run
    FRUITLESS = "fruitless"  # other lanes of the round got a complete reply that brought nothing


class CancellationSignal:
    """Set at most once; the first reason stays. Safe to set and read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._asked: StopReason | None = None
        self._wakers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def reason(self) -> StopReason | None:
        """Why all work must stop now; None while it may continue."""
        return self._reason

    @property
    def asked(self) -> StopReason | None:
        """Why no further question may begin. Also set when all work must stop now."""
        return self._reason or self._asked

    def set(self, reason: StopReason) -> None:
        """Stop all work now. A later call changes nothing."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def ask(self, reason: StopReason) -> None:
        """Ask every call to stop before its next question. A later call changes nothing."""
        with self._lock:
            if self._asked is not None:
                return
            self._asked = reason
            listeners = list(self._listeners)
        for listen in listeners:
            listen()

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

    @contextmanager
    def listening(self, listen: Callable[[], None]) -> Iterator[None]:
        """Like `waking`, for `ask`."""
        with self._lock:
            self._listeners.append(listen)
            already_asked = self._asked is not None
        try:
            if already_asked:
                listen()
            yield
        finally:
            with self._lock:
                self._listeners.remove(listen)


class RoundCancellation(CancellationSignal):
    """The signal of one round of calls: it follows the run's, and may be set without ending the run."""

    def __init__(self, run: CancellationSignal) -> None:
        super().__init__()
        self._run = run

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the run's signal while the block runs."""
        with self._run.waking(self._follow), self._run.listening(self._ask):
            yield

    def _follow(self) -> None:
        if self._run.reason is not None:
            self.set(self._run.reason)

    def _ask(self) -> None:
        if self._run.asked is not None:
            self.ask(self._run.asked)


class CallCancellation(CancellationSignal):
    """The signal of one call. It is set when the run's is set, or between two questions when the run's is asked."""

    def __init__(self, run: CancellationSignal) -> None:
        super().__init__()
        self._run = run
        self._is_writing = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the run's signal while the block runs."""
        with ExitStack() as stack:
            stack.enter_context(self._run.waking(self._follow))
            stack.enter_context(self._run.listening(self._consider))
            yield

    def writing(self, is_writing: bool) -> None:
        """Record whether the reply is in the middle of a question."""
        # Write the flag, then check for a request; `ask` stores the request, then checks the flag: in a race at
        # least one of the two sees the other.
        self._is_writing = is_writing
        self._consider()

    def _follow(self) -> None:
        if self._run.reason is not None:
            self.set(self._run.reason)

    def _consider(self) -> None:
        asked = self._run.asked
        if asked is not None and not self._is_writing:
            self.set(asked)
