"""One round of calls: lanes that run at the same time, and stop when half of them have ended and brought nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

from generation.attempt import AttemptResult
from generation.call import RunContext
from generation.cancellation import RoundCancellation, StopReason


class Round:
    """Shared by the lanes of one round."""

    def __init__(self, run: RunContext, lanes: int) -> None:
        self.stop = RoundCancellation(run.stop)
        self.context = replace(run, stop=self.stop)
        self._lock = threading.Lock()
        self._brought = False
        self._fruitless = 0
        self._half = max(2, -(-lanes // 2))  # one or two slots alone may be refused

    def note(self, result: AttemptResult) -> None:
        """A lane has ended. Stops the others once half of all replies are complete and none brought anything."""
        with self._lock:
            self._brought |= bool(result.committed)
            self._fruitless += result.ended and not result.committed
            is_hopeless = not self._brought and self._fruitless >= self._half
        if is_hopeless:
            self.stop.set(StopReason.FRUITLESS)
