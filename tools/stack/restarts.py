"""The rules of restarts: when an ended process is started again, after which pause, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass

#: A process that fails at its start so often in a row will fail the next time, too.
FAILED_STARTS_ALLOWED = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
#: A process that has run for so long has run well; a later failure has another cause.
RUNS_WELL_AFTER_S = 60.0
_DOUBLINGS_AT_MOST = 16  # far beyond the longest pause


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is remembered of one process: how often in a row it ended soon, and how often in a row before it was ready.

    A pause is at least FIRST_PAUSE_S, at most LONGEST_PAUSE_S, and twice the one before.
    """

    ended_soon: int = 0
    failed_starts: int = 0

    def after_run(self, ready_for_s: float) -> Restarts:
        """Note that the process ended `ready_for_s` seconds after it was ready."""
        return Restarts(ended_soon=1 if ready_for_s >= RUNS_WELL_AFTER_S else self.ended_soon + 1)

    def after_failed_start(self) -> Restarts:
        """Note that the process ended, or was stopped, before it was ready."""
        return Restarts(self.ended_soon + 1, self.failed_starts + 1)

    @property
    def is_hopeless(self) -> bool:
        return self.failed_starts >= FAILED_STARTS_ALLOWED

    @property
    def pause_s(self) -> float:
        """The pause before the next start, in seconds."""
        doublings = min(max(self.ended_soon - 1, 0), _DOUBLINGS_AT_MOST)
        return min(FIRST_PAUSE_S * 2.0**doublings, LONGEST_PAUSE_S)
