"""A clock for one job: runs it every so often on a thread of its own, until it is stopped."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

#: Of the period, earlier or later, so that processes take turns.
JITTER = 0.25


class Periodic(threading.Thread):
    """Calls `action` at once and then every `period_s`, more or less.

    An action that fails is logged and called again at the next turn: the next state of the world decides,
    not the last error.
    """

    def __init__(self, name: str, *, period_s: float, action: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._period_s = period_s
        self._action = action
        self._stopping = threading.Event()

    def run(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s = self._period_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load
            try:
                self._action()
            except Exception as err:  # noqa: BLE001  a server may be away; see above
                log.warning("periodic_failed", job=self.name, error=type(err).__name__)

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler. The current turn may still finish."""
        self._stopping.set()
