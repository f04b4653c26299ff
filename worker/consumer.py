"""The part of a worker that stays connected to Redis. It waits while Redis refuses the queue's commands.

Celery connects again at once whenever a command fails. That heals a lost connection. A Redis that accepts the
connection and then refuses a command (a cluster, a missing right, a full memory) would be asked several times a
second for ever, with several log lines each time.
"""

from __future__ import annotations

import time
import warnings

import structlog
from celery.exceptions import CPendingDeprecationWarning
from celery.worker import state
from celery.worker.consumer import Consumer

from runtime.settings import RedisSettings, load
from worker import assembly
from worker.broker import RECONNECT_AT_LATEST_S, loop_step
from worker.queue_check import problem_of_queue

log = structlog.get_logger(__name__)

#: A connection that lasted for so long was sound: the next loss is a new one.
_SOUND_AFTER_S = 10
#: SIGTERM is noticed within this time.
_LOOK_S = 0.5

# One line of many for each lost connection, about a default of a later release; our setting is explicit.
warnings.filterwarnings("ignore", r"\s*In Celery 5\.1 we introduced", CPendingDeprecationWarning)


class PatientConsumer(Consumer):
    """Waits after a failure: until Redis can serve the queue, and longer after each failure in quick succession.

    What is wrong is logged once, as `queue_unusable`, and its end as `queue_usable`.
    """

    _failed_at = float("-inf")
    _failures = 0  #: in quick succession

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        super().on_connection_error_after_connected(exc)
        self._wait()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Redis took the connection and refused a command of kombu's before Celery counts it as connected."""
        super().on_connection_error_before_connected(exc)
        self._wait()

    def _wait(self) -> None:
        self._wait_until_usable()
        self._failures = self._failures + 1 if time.monotonic() < self._failed_at + _SOUND_AFTER_S else 0
        self._pause(min(self._failures, RECONNECT_AT_LATEST_S))
        self._failed_at = time.monotonic()

    def _wait_until_usable(self) -> None:
        problem = self._problem()
        if problem is None:
            return
        log.error("queue_unusable", says=problem)
        while problem is not None:
            self._pause(RECONNECT_AT_LATEST_S)
            problem = self._problem()
        log.warning("queue_usable", says="Redis serves the queue again.")

    def _problem(self) -> str | None:
        problem = problem_of_queue(assembly.current().redis, load(RedisSettings).redis_key_prefix)
        return None if problem is None else str(problem)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(_LOOK_S, seconds))
            loop_step.send(sender=None)
            state.maybe_shutdown()
