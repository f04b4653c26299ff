"""The task behind the bell: claim the batch, let the use case fill it, and settle how it ended.

Thin on purpose: the payload is checked, the claim decides, `generation.run_batch` works, and one table
says what each outcome means for the row.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import structlog

from generation.errors import BatchNotNext, FenceLost, ProviderMisused, SessionClosed, SessionMissing
from generation.model import Claim, Urgency
from generation.run_batch import (
    PROVIDERS_UNAVAILABLE,
    READY,
    SLOTS_LEFT_OPEN,
    RunLimits,
    RunResult,
    run_batch,
)
from generation.stop import StopReason
from tasks.contract import GENERATE_BATCH, BatchPayload
from tasks.enqueue import enqueue_batch
from worker.app import app
from worker.assembly import Assembly, current
from worker.lock import HeldLock

log = structlog.get_logger(__name__)


class Settlement(Enum):
    """What becomes of the row after a run."""

    DONE = auto()  #: nothing to do: it is ready, or somebody else's
    HAND_BACK = auto()  #: anybody may go on at once; nothing went wrong with the batch
    WAIT = auto()  #: try again after a pause, for as long as it takes; not the batch's fault
    COUNT = auto()  #: try again after a pause, but not for ever


#: By outcome; an outcome that is not here is a defect and counts against the batch.
SETTLEMENTS: dict[str, Settlement] = {
    READY: Settlement.DONE,
    FenceLost.code: Settlement.DONE,
    SessionClosed.code: Settlement.DONE,
    StopReason.LEASE_LOST: Settlement.DONE,
    StopReason.SHUTDOWN: Settlement.HAND_BACK,
    PROVIDERS_UNAVAILABLE: Settlement.WAIT,
    StopReason.DEADLINE: Settlement.COUNT,
    StopReason.ABANDONED: Settlement.COUNT,
    SLOTS_LEFT_OPEN: Settlement.COUNT,
    ProviderMisused.code: Settlement.COUNT,
}


@app.task(name=GENERATE_BATCH)
def generate_batch(**kwargs: Any) -> dict[str, Any]:
    """Fill one batch if it is still wanted and nobody else fills it; harmless to run any number of times."""
    payload = BatchPayload.model_validate(kwargs)
    return GenerateBatch(current()).ring(payload)


@dataclass(frozen=True)
class GenerateBatch:
    """Answers one bell. Separate from the task, so that it runs wherever an assembly is."""

    assembly: Assembly

    def ring(self, payload: BatchPayload) -> dict[str, Any]:
        """Work on the batch, or find that there is nothing to do; returns what Flower may show."""
        with self.assembly.lock.taken(payload.session_id, payload.batch_index) as lock:
            if lock.held_elsewhere:
                return {"outcome": "held_elsewhere"}
            claimed_at = time.monotonic()
            claim = self._claim(payload)
            if claim is None:
                return {"outcome": "nothing_to_do"}
            result = self._run(claim, lock, claimed_at)
            settlement = self._settle(claim, result)
        # Only now is the lock free: a bell that finds it taken would be spent for nothing.
        if settlement is Settlement.HAND_BACK:
            enqueue_batch(claim.session_id, claim.batch.index, claim.urgency)
        return {"outcome": result.outcome, "accepted": result.accepted}

    def _claim(self, payload: BatchPayload) -> Claim | None:
        """The claim, or None when the batch is ready, running elsewhere or not due."""
        claim = self._try_claim(payload)
        if claim is not None:
            return claim
        # A producer without our HTTP door rings first and has no row yet: want the batch on its behalf.
        try:
            wanted = self.assembly.batches.request(payload.session_id, payload.batch_index, Urgency.PREFETCH)
        except (BatchNotNext, SessionClosed, SessionMissing) as err:
            log.warning("bell_refused", code=err.code)
            return None
        return self._try_claim(payload) if wanted.created else None

    def _try_claim(self, payload: BatchPayload) -> Claim | None:
        return self.assembly.batches.claim(
            payload.session_id, payload.batch_index, self.assembly.owner, self.assembly.leases.ttl_s
        )

    def _run(self, claim: Claim, lock: HeldLock, claimed_at: float) -> RunResult:
        assembly = self.assembly
        deadline_s = assembly.limits.generation_run_deadline_s
        with assembly.leases.kept(claim, lock, claimed_at=claimed_at, deadline_s=deadline_s) as stop:
            try:
                return run_batch(
                    claim,
                    sources=assembly.sources,
                    keeper=assembly.batches,
                    ledger=assembly.ledger,
                    observer=assembly.observer,
                    stop=stop,
                    limits=RunLimits(
                        max_rounds=assembly.limits.generation_max_rounds_per_run,
                        lanes=assembly.limits.generation_lanes,
                    ),
                    lanes=assembly.lanes,
                )
            except Exception as err:
                # The row must not wait for its lease to lapse, and a defect must not run for ever.
                log.exception("run_crashed", error=type(err).__name__)
                return RunResult("crashed", accepted=0)

    def _settle(self, claim: Claim, result: RunResult) -> Settlement:
        """Write down how the run ended, by the table above."""
        settlement = SETTLEMENTS.get(result.outcome, Settlement.COUNT)
        try:
            match settlement:
                case Settlement.HAND_BACK:
                    self._give_back(claim, result, delay_s=0)
                case Settlement.WAIT:
                    self._give_back(claim, result, delay_s=self._pause(claim, result))
                case Settlement.COUNT:
                    self._count(claim, result)
        except FenceLost:
            log.info("settled_by_somebody_else", outcome=result.outcome)
        return settlement

    def _count(self, claim: Claim, result: RunResult) -> None:
        """A run that brought at least one question is progress, and does not count."""
        failed = result.accepted == 0
        if failed and claim.failures + 1 >= self.assembly.limits.generation_max_failed_runs:
            self.assembly.batches.fail(claim, result.outcome)
        else:
            self._give_back(claim, result, delay_s=self._pause(claim, result), counts=failed)

    def _give_back(self, claim: Claim, result: RunResult, *, delay_s: float, counts: bool = False) -> None:
        self.assembly.batches.give_back(
            claim, delay_s=delay_s, error_code=result.outcome, counts_as_failure=counts
        )

    def _pause(self, claim: Claim, result: RunResult) -> float:
        """Full jitter below a doubling bound, and never less than a provider asked for; both capped."""
        limits = self.assembly.limits
        bound = min(limits.generation_retry_cap_s, limits.generation_retry_base_s * 2 ** min(claim.runs, 16))
        asked = min(result.retry_after_s or 0.0, limits.generation_retry_cap_s)
        return max(asked, random.uniform(bound / 2, bound))  # noqa: S311  spreads retries, guards nothing
