"""Runs one job periodically on its own thread, until it is stopped."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import structlog

from db.refusals import unfit

log = structlog.get_logger(__name__)

#: The share of the period by which a run is earlier or later, so that processes do not run at the same time.
JITTER = 0.25


class Periodic(threading.Thread):
    """Calls `action` at once, and then every `period_s` plus or minus JITTER.

    A failure of `action` is logged, and `action` is called again after the next period.
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
            except Exception as err:  # noqa: BLE001  a server may be down; see above
                log.warning("periodic_failed", job=self.name, error=type(err).__name__, **unfit(err))

    def stop(self) -> None:
        """End after the current call of `action`. Safe in a signal handler."""
        self._stopping.set()
