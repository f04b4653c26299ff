"""What happens to a batch after a run: one table by outcome, and the pause before the next run."""

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
from generation.run_batch import BUDGET_EXHAUSTED, PROVIDERS_UNAVAILABLE, READY, SLOTS_LEFT_OPEN, RunResult
from runtime.metrics import Metrics
from runtime.settings import GenerationSettings

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What happens to the row after a run."""

    DONE = auto()  #: nothing to do: the batch is ready, or another worker has it
    RELEASE = auto()  #: any worker may go on at once; nothing is wrong with the batch
    WAIT = auto()  #: try again after a pause, without a limit: the batch did not cause the failure
    COUNT = auto()  #: try again after a pause, up to a limit
    REST = auto()  #: failed, and requests change nothing for a while that grows with each rest
    GIVE_UP = auto()  #: failed until a caller requests it again


STORE_AWAY = "store_away"

#: By the outcome of a run. Any other outcome is a defect and counts as a failure of the batch.
OUTCOMES: dict[str, Outcome] = {
    READY: Outcome.DONE,
    FenceLost.code: Outcome.DONE,
    SessionClosed.code: Outcome.DONE,
    StopReason.LEASE_LOST: Outcome.RELEASE,  # Postgres was down; the batch is still ours if no worker claimed it
    StopReason.SHUTDOWN: Outcome.RELEASE,
    STORE_AWAY: Outcome.WAIT,
    PROVIDERS_UNAVAILABLE: Outcome.WAIT,
    ProviderThrottled.code: Outcome.WAIT,
    ConnectionsExhausted.code: Outcome.WAIT,
    StopReason.DEADLINE: Outcome.COUNT,
    SLOTS_LEFT_OPEN: Outcome.COUNT,
    BUDGET_EXHAUSTED: Outcome.REST,
    SpendLimitReached.code: Outcome.GIVE_UP,
    ProviderMisused.code: Outcome.COUNT,
}

#: The share of the longest pause that applies to a batch that a student waits for, unless its run failed.
INTERACTIVE_PAUSE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Records in the batch row how a run ended."""

    batches: BatchStore
    limits: GenerationSettings
    metrics: Metrics

    def settle(self, claim: Claim, result: RunResult) -> Outcome:
        """What happened to the row; DONE when another worker has the batch now."""
        batch_outcome = OUTCOMES.get(result.outcome, Outcome.COUNT)
        try:
            match batch_outcome:
                case Outcome.RELEASE:
                    self._release(claim, result, delay_s=0)
                case Outcome.WAIT:
                    self._release(claim, result, delay_s=self._pause_s(claim, result))
                case Outcome.COUNT:
                    batch_outcome = self._count(claim, result)
                case Outcome.REST:
                    self._rest(claim, result)
                case Outcome.GIVE_UP:
                    self.batches.fail(claim, result.outcome)
        except FenceLost:
            log.info("outcome_already_recorded", outcome=result.outcome)
            return Outcome.DONE
        return batch_outcome

    def _count(self, claim: Claim, result: RunResult) -> Outcome:
        """Let the batch rest after too many failures. A run that committed at least one question does not count."""
        failed = result.accepted == 0
        if failed and claim.failures + 1 >= self.limits.generation_max_failed_runs:
            self._rest(claim, result, counts=True)
            return Outcome.REST
        self._release(claim, result, delay_s=self._pause_s(claim, result, failed=failed), counts=failed)
        return Outcome.COUNT

    def _rest(self, claim: Claim, result: RunResult, *, counts: bool = False) -> None:
        """Fail the batch until a caller requests it again after the rest, or an operator does at once."""
        doublings = min(claim.rests, 16)
        rest_s = min(self.limits.generation_rest_cap_s, self.limits.generation_rest_first_s * 2**doublings)
        self.batches.fail(claim, result.outcome, counts_as_failure=counts, rest_s=rest_s)
        self.metrics.batches_given_up.inc()
        if result.outcome == BUDGET_EXHAUSTED:
            self.metrics.budgets_exhausted.inc()
        failures = claim.failures + int(counts)
        log.error("batch_given_up", outcome=result.outcome, failures=failures, rest_s=rest_s)

    def _release(self, claim: Claim, result: RunResult, *, delay_s: float, counts: bool = False) -> None:
        self.batches.release(claim, delay_s=delay_s, error_code=result.outcome, counts_as_failure=counts)

    def _pause_s(self, claim: Claim, result: RunResult, *, failed: bool = False) -> float:
        """Between half of a doubling bound and the whole bound, and at least what a provider asked for, up to a cap."""
        doublings = 0 if result.accepted else min(claim.runs, 16)
        # Killed runs count, too, so the bound is soon reached; the shared circuit breaker protects the provider.
        share = 1 if failed or claim.urgency is Urgency.PREFETCH else INTERACTIVE_PAUSE_SHARE
        longest_s = self.limits.generation_backoff_cap_s * share
        bound_s = min(longest_s, self.limits.generation_retry_base_s * 2**doublings)
        asked_s = min(result.retry_after_s or 0.0, self.limits.generation_retry_cap_s)
        return max(asked_s, random.uniform(bound_s / 2, bound_s))  # noqa: S311  spreads retries, guards nothing
