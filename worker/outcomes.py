"""What becomes of a batch after a run: one table by outcome, and how long it pauses."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from db.batches import BatchStore
from generation.cancellation import StopReason
from generation.errors import (
    ConnectionsExhausted,
    FenceLost,
    ProviderMisused,
    ProviderThrottled,
    SessionClosed,
    SpendLimitReached,
)
from generation.model import Claim, Urgency
from generation.run_batch import PROVIDERS_UNAVAILABLE, READY, SLOTS_LEFT_OPEN, RunResult
from runtime.settings import GenerationSettings
from runtime.telemetry import Metrics

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What becomes of the row after a run."""

    DONE = auto()  #: nothing to do: the batch is ready, or another worker has it
    RELEASE = auto()  #: another worker may go on at once; the batch has no fault
    WAIT = auto()  #: try again after a pause, for as long as it takes; not the batch's fault
    COUNT = auto()  #: try again after a pause, a bounded number of times
    GIVE_UP = auto()  #: the batch failed, until it is requested again


STORE_AWAY = "store_away"

#: By outcome; an outcome that is not here is a defect and counts against the batch.
SETTLEMENTS: dict[str, Outcome] = {
    READY: Outcome.DONE,
    FenceLost.code: Outcome.DONE,
    SessionClosed.code: Outcome.DONE,
    StopReason.LEASE_LOST: Outcome.RELEASE,  # still ours unless another worker claimed it: Postgres was unreachable
    StopReason.SHUTDOWN: Outcome.RELEASE,
    STORE_AWAY: Outcome.WAIT,
    PROVIDERS_UNAVAILABLE: Outcome.WAIT,
    ProviderThrottled.code: Outcome.WAIT,
    ConnectionsExhausted.code: Outcome.WAIT,
    StopReason.DEADLINE: Outcome.COUNT,
    SLOTS_LEFT_OPEN: Outcome.COUNT,
    SpendLimitReached.code: Outcome.GIVE_UP,
    ProviderMisused.code: Outcome.COUNT,
}

#: Of the longest pause, for a batch that a student waits for.
WAITED_FOR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Settles batches after their runs: each outcome changes the row in one way."""

    batches: BatchStore
    limits: GenerationSettings
    metrics: Metrics

    def settle(self, claim: Claim, result: RunResult) -> Outcome:
        """What has become of the row. DONE when another worker has settled it."""
        outcome = SETTLEMENTS.get(result.outcome, Outcome.COUNT)
        try:
            match outcome:
                case Outcome.RELEASE:
                    self._release(claim, result, delay_s=0)
                case Outcome.WAIT:
                    self._release(claim, result, delay_s=self._pause_s(claim, result))
                case Outcome.COUNT:
                    outcome = self._count(claim, result)
                case Outcome.GIVE_UP:
                    self.batches.fail(claim, result.outcome)
        except FenceLost:
            log.info("settled_by_somebody_else", outcome=result.outcome)
            return Outcome.DONE
        return outcome

    def _count(self, claim: Claim, result: RunResult) -> Outcome:
        """Give up after too many failed runs. A run that brought at least one question does not count as failed."""
        failed = result.accepted == 0
        if failed and claim.failures + 1 >= self.limits.generation_max_failed_runs:
            self.batches.fail(claim, result.outcome, counts_as_failure=True)
            self.metrics.batches_given_up.inc()
            log.error("batch_given_up", outcome=result.outcome, failures=claim.failures + 1)
            return Outcome.GIVE_UP
        self._release(claim, result, delay_s=self._pause_s(claim, result), counts=failed)
        return Outcome.COUNT

    def _release(self, claim: Claim, result: RunResult, *, delay_s: float, counts: bool = False) -> None:
        self.batches.release(claim, delay_s=delay_s, error_code=result.outcome, counts_as_failure=counts)

    def _pause_s(self, claim: Claim, result: RunResult) -> float:
        """Between half of a doubling bound and all of it, and never less than a provider asked for; capped."""
        doublings = 0 if result.accepted else min(claim.runs, 16)
        # Killed runs count as well, so the bound is soon reached. The circuit breaker protects the provider.
        share = 1 if claim.urgency is Urgency.PREFETCH else WAITED_FOR_SHARE
        longest_s = self.limits.generation_backoff_cap_s * share
        bound_s = min(longest_s, self.limits.generation_retry_base_s * 2**doublings)
        asked_s = min(result.retry_after_s or 0.0, self.limits.generation_retry_cap_s)
        return max(asked_s, random.uniform(bound_s / 2, bound_s))  # noqa: S311  spreads retries, guards nothing
