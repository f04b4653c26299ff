"""The task behind the bell: claim the batch, let the use case fill it, and settle how it ended.

Thin on purpose: the payload is checked, the claim decides, `generation.run_batch` works, and one table
says what each outcome means for the row.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import structlog

from generation.attempt import CRASHED
from generation.errors import (
    BatchNotNext,
    FenceLost,
    ProviderMisused,
    ProviderThrottled,
    SessionClosed,
    SessionMissing,
    SpendLimitReached,
)
from generation.model import Claim, Urgency
from generation.run_batch import (
    PROVIDERS_UNAVAILABLE,
    READY,
    SLOTS_LEFT_OPEN,
    RunLimits,
    RunResult,
    run_batch,
)
from generation.stop import StopReason, StopSignal
from tasks.contract import GENERATE_BATCH, BatchPayload
from tasks.enqueue import enqueue_batch
from worker.app import app
from worker.assembly import Assembly, current
from worker.lock import HeldLock
from worker.patience import PASSING, Patience, PatientKeeper, PatientLedger

log = structlog.get_logger(__name__)


class Settlement(Enum):
    """What becomes of the row after a run."""

    DONE = auto()  #: nothing to do: it is ready, or somebody else's
    HAND_BACK = auto()  #: anybody may go on at once; nothing went wrong with the batch
    WAIT = auto()  #: try again after a pause, for as long as it takes; not the batch's fault
    COUNT = auto()  #: try again after a pause, but not for ever
    GIVE_UP = auto()  #: until somebody asks for it again


STORE_AWAY = "store_away"

#: How long a bell waits for Postgres to answer.
CLAIM_PATIENCE_S = 5.0

#: How long the broker may take to hear of a batch that is handed back. The sweep rings if it did not.
PASS_ON_WITHIN_S = 1.0

#: Of the longest pause, for a batch that a student waits for.
WAITED_FOR_SHARE = 0.25

#: By outcome; an outcome that is not here is a defect and counts against the batch.
SETTLEMENTS: dict[str, Settlement] = {
    READY: Settlement.DONE,
    FenceLost.code: Settlement.DONE,
    SessionClosed.code: Settlement.DONE,
    StopReason.LEASE_LOST: Settlement.HAND_BACK,  # still ours if nobody took it: Postgres was away
    StopReason.SHUTDOWN: Settlement.HAND_BACK,
    STORE_AWAY: Settlement.WAIT,
    PROVIDERS_UNAVAILABLE: Settlement.WAIT,
    ProviderThrottled.code: Settlement.WAIT,
    StopReason.DEADLINE: Settlement.COUNT,
    SLOTS_LEFT_OPEN: Settlement.COUNT,
    SpendLimitReached.code: Settlement.GIVE_UP,
    ProviderMisused.code: Settlement.COUNT,
}


@app.task(name=GENERATE_BATCH)
def generate_batch(**kwargs: Any) -> dict[str, Any]:
    """Fill one batch if it is still wanted and nobody else fills it; harmless to run any number of times."""
    payload = BatchPayload.of(kwargs)
    return GenerateBatch(current()).ring(payload)


@dataclass(frozen=True)
class GenerateBatch:
    """Answers one bell. Separate from the task, so that it runs wherever an assembly is."""

    assembly: Assembly

    def ring(self, payload: BatchPayload) -> dict[str, Any]:
        """Work on the batch, or find that there is nothing to do; returns what Flower may show."""
        try:
            return self._ring(payload)
        except PASSING as err:
            log.warning("bell_unanswered", error=type(err).__name__)  # the sweep rings when Postgres is back
            return self._answered("store_away")

    def _ring(self, payload: BatchPayload) -> dict[str, Any]:
        with self.assembly.lock.taken(payload.session_id, payload.batch_index) as lock:
            if lock.held_elsewhere:
                # Its holder may be about to let go, or dead: this bell is spent, so let the sweep ring again.
                self.assembly.batches.unring(payload.session_id, payload.batch_index)
                return self._answered("held_elsewhere")
            claimed = Patience(CLAIM_PATIENCE_S, StopSignal()).with_(lambda: self._claim(payload))
            if claimed is None:
                return self._answered("nothing_to_do")
            claim, claimed_at = claimed
            self._answered("run")
            self.assembly.metrics.queue_wait_seconds.labels(claim.urgency).observe(claim.waited_s)
            result, settlement = self._run(claim, lock, claimed_at)
        # Only now is the lock free: a bell that finds it taken would be spent for nothing.
        if settlement is Settlement.HAND_BACK:
            _pass_on(claim)
        return {"outcome": result.outcome, "accepted": result.accepted}

    def _answered(self, outcome: str) -> dict[str, Any]:
        self.assembly.metrics.bells.labels(outcome).inc()
        return {"outcome": outcome}

    def _claim(self, payload: BatchPayload) -> tuple[Claim, float] | None:
        """The claim and when it was asked for; None when the batch is ready, running elsewhere or not due."""
        claim = self._try_claim(payload)
        if claim is not None:
            return claim
        # A producer without our HTTP door rings first and has no row yet: want the batch on its behalf.
        try:
            wanted = self.assembly.batches.request(payload.session_id, payload.batch_index, Urgency.PREFETCH)
        except (BatchNotNext, SessionClosed, SessionMissing, SpendLimitReached) as err:
            log.warning("bell_refused", code=err.code)
            return None
        return self._try_claim(payload) if wanted.created else None

    def _try_claim(self, payload: BatchPayload) -> tuple[Claim, float] | None:
        asked_at = time.monotonic()
        claim = self.assembly.batches.claim(
            payload.session_id, payload.batch_index, self.assembly.owner, self.assembly.leases.ttl_s
        )
        return None if claim is None else (claim, asked_at)

    def _run(self, claim: Claim, lock: HeldLock, claimed_at: float) -> tuple[RunResult, Settlement]:
        leases, deadline_s = self.assembly.leases, self.assembly.limits.generation_run_deadline_s
        with leases.kept(claim, lock, claimed_at=claimed_at, deadline_s=deadline_s) as stop:
            patience = Patience(self.assembly.lease_settings.store_patience_s, stop)
            result = self._fill(claim, stop, patience)
            return result, patience.with_(lambda: self._settle(claim, result))

    def _fill(self, claim: Claim, stop: StopSignal, patience: Patience) -> RunResult:
        """How the run ended; a row must not wait for its lease to lapse, whatever its run met."""
        assembly = self.assembly
        try:
            assembly.batches.check_spending(claim.session_id)
        except SpendLimitReached as err:
            log.warning("spend_limit_reached", scope=err.scope, text=str(err))
            assembly.metrics.spend_refusals.labels(err.scope).inc()
            return RunResult(err.code, accepted=0)
        except Exception as err:  # noqa: BLE001  explained like a run's own
            return _explained(RunResult(CRASHED, accepted=0, error=err))
        result = run_batch(
            claim,
            sources=assembly.sources,
            keeper=PatientKeeper(assembly.batches, patience),
            ledger=PatientLedger(assembly.ledger, patience),
            observer=assembly.observer,
            stop=stop,
            limits=RunLimits(
                max_rounds=assembly.limits.generation_max_rounds_per_run,
                lanes=assembly.limits.generation_lanes,
            ),
            lanes=assembly.lanes,
        )
        return _explained(result)

    def _settle(self, claim: Claim, result: RunResult) -> Settlement:
        """Write down how the run ended, by the table above; DONE when somebody else has done so."""
        settlement = SETTLEMENTS.get(result.outcome, Settlement.COUNT)
        try:
            match settlement:
                case Settlement.HAND_BACK:
                    self._give_back(claim, result, delay_s=0)
                case Settlement.WAIT:
                    self._give_back(claim, result, delay_s=self._pause(claim, result))
                case Settlement.COUNT:
                    self._count(claim, result)
                case Settlement.GIVE_UP:
                    self.assembly.batches.fail(claim, result.outcome)
        except FenceLost:
            log.info("settled_by_somebody_else", outcome=result.outcome)
            return Settlement.DONE
        return settlement

    def _count(self, claim: Claim, result: RunResult) -> None:
        """A run that brought at least one question is progress, and does not count."""
        failed = result.accepted == 0
        if failed and claim.failures + 1 >= self.assembly.limits.generation_max_failed_runs:
            self.assembly.batches.fail(claim, result.outcome)
            self.assembly.metrics.batches_given_up.inc()
            log.error("batch_given_up", outcome=result.outcome, failures=claim.failures + 1)
        else:
            self._give_back(claim, result, delay_s=self._pause(claim, result), counts=failed)

    def _give_back(self, claim: Claim, result: RunResult, *, delay_s: float, counts: bool = False) -> None:
        self.assembly.batches.give_back(
            claim, delay_s=delay_s, error_code=result.outcome, counts_as_failure=counts
        )

    def _pause(self, claim: Claim, result: RunResult) -> float:
        """Full jitter below a doubling bound, and never less than a provider asked for; both capped."""
        limits = self.assembly.limits
        doublings = 0 if result.accepted else min(claim.runs, 16)
        # Runs count kills, too, so the bound is soon reached; the shared breaker spares the provider.
        share = 1 if claim.urgency is Urgency.PREFETCH else WAITED_FOR_SHARE
        longest_s = limits.generation_backoff_cap_s * share
        bound = min(longest_s, limits.generation_retry_base_s * 2**doublings)
        asked = min(result.retry_after_s or 0.0, limits.generation_retry_cap_s)
        return max(asked, random.uniform(bound / 2, bound))  # noqa: S311  spreads retries, guards nothing


def _explained(result: RunResult) -> RunResult:
    """A store that was away is nobody's fault; anything else that a run crashed with is a defect."""
    if isinstance(result.error, PASSING):
        log.warning("run_without_store", error=type(result.error).__name__)
        return replace(result, outcome=STORE_AWAY)
    if result.error is not None:
        log.error("run_crashed", error=type(result.error).__name__, exc_info=result.error)
    return result


def _pass_on(claim: Claim) -> None:
    """Ring for whoever goes on; a silent broker must not hold up a worker that is on its way out."""
    bell = threading.Thread(
        target=enqueue_batch, args=(claim.session_id, claim.batch.index, claim.urgency), daemon=True
    )
    bell.start()
    bell.join(PASS_ON_WITHIN_S)
