"""Runs: a message is answered, the batch claimed, filled by the use case, and settled."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from generation.call import CRASHED
from generation.cancellation import CancellationSignal
from generation.errors import BatchNotNext, SessionClosed, SessionMissing, SpendLimitReached
from generation.model import Claim, Urgency
from generation.run_batch import RunLimits, RunResult, run_batch
from worker.assembly import Assembly
from worker.lock import HeldLock
from worker.outcomes import STORE_AWAY, Outcome, Outcomes
from worker.progress import Observers
from worker.run_spans import RunSpan, traced
from worker.store_retry import PASSING, RetryingLedger, RetryingStore, StoreRetry

log = structlog.get_logger(__name__)

#: How a message is answered when nothing is run; STORE_AWAY is one more.
HELD_ELSEWHERE = "held_elsewhere"
NOTHING_TO_DO = "nothing_to_do"

#: How long a message waits for Postgres to answer.
CLAIM_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message."""

    outcome: str  #: of the run, if there was one
    accepted: int | None = None  #: questions; None: nothing was run
    released: Claim | None = None  #: anybody may go on with it at once: enqueue it


@dataclass(frozen=True, slots=True)
class Runner:
    """Every run of this process. Safe to use from any thread."""

    assembly: Assembly

    def answer(self, session_id: UUID, batch_index: int) -> Answer:
        """Work on the batch, or find that there is nothing to do; harmless any number of times."""
        try:
            answer = self._answer(session_id, batch_index)
        except PASSING as err:
            log.warning(
                "message_unanswered", error=type(err).__name__
            )  # the sweep enqueues when Postgres is back
            answer = Answer(STORE_AWAY)
        if answer.accepted is None:
            self.assembly.metrics.messages.labels(answer.outcome).inc()
        return answer

    def _answer(self, session_id: UUID, batch_index: int) -> Answer:
        with self.assembly.lock.taken(session_id, batch_index) as lock:
            if lock.held_elsewhere:
                # Its holder may be about to let go, or dead: this message is spent, so let the sweep enqueue again.
                self.assembly.batches.mark_all_not_enqueued([(session_id, batch_index)])
                return Answer(HELD_ELSEWHERE)
            retry = StoreRetry(CLAIM_TIMEOUT_S, CancellationSignal())
            claimed = retry.with_(lambda: self._claim(session_id, batch_index))
            if claimed is None:
                return Answer(NOTHING_TO_DO)
            claim, claimed_at = claimed
            result, outcome = self._run(claim, lock, claimed_at)
        # Only now is the lock free: a message that finds it taken would be spent for nothing.
        return Answer(result.outcome, result.accepted, claim if outcome is Outcome.RELEASE else None)

    def _claim(self, session_id: UUID, batch_index: int) -> tuple[Claim, float] | None:
        """The claim and when it was asked for; None when the batch is ready, running elsewhere or not due."""
        claimed = self._try_claim(session_id, batch_index)
        if claimed is not None:
            return claimed
        # A producer without our HTTP API enqueues first and has no row yet: want the batch on its behalf.
        try:
            wanted = self.assembly.batches.request(session_id, batch_index, Urgency.PREFETCH)
        except (BatchNotNext, SessionClosed, SessionMissing, SpendLimitReached) as err:
            log.warning("message_refused", code=err.code)
            return None
        return self._try_claim(session_id, batch_index) if wanted.created else None

    def _try_claim(self, session_id: UUID, batch_index: int) -> tuple[Claim, float] | None:
        asked_at = time.monotonic()
        ttl_s = self.assembly.leases.ttl_s
        claim = self.assembly.batches.claim(session_id, batch_index, self.assembly.owner, ttl_s)
        return None if claim is None else (claim, asked_at)

    def _run(self, claim: Claim, lock: HeldLock, claimed_at: float) -> tuple[RunResult, Outcome]:
        assembly, limits = self.assembly, self.assembly.limits
        assembly.metrics.messages.labels("run").inc()
        assembly.metrics.queue_wait_seconds.labels(claim.urgency).observe(claim.waited_s)
        deadline_s = limits.generation_run_deadline_s
        with (
            assembly.leases.kept(claim, lock, claimed_at=claimed_at, deadline_s=deadline_s) as stop,
            traced(assembly.tracing, claim) as trace,
        ):
            retry = StoreRetry(assembly.lease_settings.store_retry_s, stop)
            result = self._fill(claim, stop, retry, trace)
            settler = Outcomes(assembly.batches, limits, assembly.metrics)
            outcome = retry.with_(lambda: settler.settle(claim, result))
            trace.settled(result, outcome)
            return result, outcome

    def _fill(self, claim: Claim, stop: CancellationSignal, retry: StoreRetry, trace: RunSpan) -> RunResult:
        """How the run ended; a row must not wait for its lease to lapse, whatever its run met."""
        assembly = self.assembly
        try:
            assembly.batches.check_spending(claim.session_id)
        except SpendLimitReached as err:
            log.warning("spend_limit_reached", scope=err.scope, text=str(err))
            assembly.metrics.spend_rejections.labels(err.scope).inc()
            return RunResult(err.code, accepted=0)
        except Exception as err:  # noqa: BLE001  explained like a run's own
            return _explained(RunResult(CRASHED, accepted=0, error=err))
        result = run_batch(
            claim,
            providers=assembly.providers,
            store=RetryingStore(assembly.batches, retry),
            ledger=RetryingLedger(assembly.ledger, retry),
            observer=Observers((assembly.observer, trace)),
            stop=stop,
            limits=RunLimits(
                max_rounds=assembly.limits.generation_max_rounds_per_run,
                lanes=assembly.limits.generation_lanes,
            ),
            lanes=assembly.lanes,
        )
        return _explained(result)


def _explained(result: RunResult) -> RunResult:
    """A store that was away is nobody's fault; anything else that a run crashed with is a defect."""
    if isinstance(result.error, PASSING):
        log.warning("run_without_store", error=type(result.error).__name__)
        return replace(result, outcome=STORE_AWAY)
    if result.error is not None:
        log.error("run_crashed", error=type(result.error).__name__, exc_info=result.error)
    return result
