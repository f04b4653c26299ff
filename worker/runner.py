"""Processing of one message: claim the batch, run it, and record how the run ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from db.refusals import unfit
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

#: The outcomes of a message without a run; STORE_AWAY is another.
HELD_ELSEWHERE = "held_elsewhere"
NOTHING_TO_DO = "nothing_to_do"

#: How long a message waits for Postgres.
CLAIM_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What happened to a message."""

    outcome: str  #: of the run, if there was one
    accepted: int | None = None  #: questions; None: there was no run
    released: Claim | None = None  #: any worker may go on with this batch at once: enqueue it


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs batches for this process. Safe to use from any thread."""

    assembly: Assembly

    def answer(self, session_id: UUID, batch_index: int) -> Answer:
        """Run the batch unless there is nothing to do. Calling it any number of times is harmless."""
        try:
            answer = self._answer(session_id, batch_index)
        except PASSING as err:
            # The sweep enqueues the batch when Postgres is back.
            log.warning("message_unanswered", error=type(err).__name__)
            answer = Answer(STORE_AWAY)
        if answer.accepted is None:
            self.assembly.metrics.messages.labels(answer.outcome).inc()
        return answer

    def _answer(self, session_id: UUID, batch_index: int) -> Answer:
        with self.assembly.lock.taken(session_id, batch_index) as lock:
            if lock.held_elsewhere:
                # The holder may release the lock now, or be dead. This message is used up: the sweep enqueues again.
                self.assembly.batches.mark_all_not_enqueued([(session_id, batch_index)])
                return Answer(HELD_ELSEWHERE)
            retry = StoreRetry(CLAIM_TIMEOUT_S, CancellationSignal())
            claimed = retry.with_(lambda: self._claim(session_id, batch_index))
            if claimed is None:
                return Answer(NOTHING_TO_DO)
            claim, claimed_at = claimed
            result, batch_outcome = self._run(claim, lock, claimed_at)
        # Only now is the lock free: a message that found it taken would be used up for nothing.
        return Answer(result.outcome, result.accepted, claim if batch_outcome is Outcome.RELEASE else None)

    def _claim(self, session_id: UUID, batch_index: int) -> tuple[Claim, float] | None:
        """The claim and the time before it was requested; None when the batch is ready, running or not due."""
        claimed = self._try_claim(session_id, batch_index)
        if claimed is not None:
            return claimed
        # A producer that does not use our HTTP API enqueues without a row: request the batch on its behalf.
        try:
            wanted = self.assembly.sessions.adopting(
                session_id,
                lambda: self.assembly.batches.request(session_id, batch_index, Urgency.PREFETCH),
            )
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
            batch_outcome = retry.with_(lambda: settler.settle(claim, result))
            trace.settled(result, batch_outcome)
            return result, batch_outcome

    def _fill(self, claim: Claim, stop: CancellationSignal, retry: StoreRetry, trace: RunSpan) -> RunResult:
        """How the run ended. Never raises, so that the row is released without waiting for its lease to lapse."""
        assembly = self.assembly
        try:
            assembly.batches.check_spending(claim.session_id)
        except SpendLimitReached as err:
            log.warning("spend_limit_reached", scope=err.scope, text=str(err))
            assembly.metrics.spend_rejections.labels(err.scope).inc()
            return RunResult(err.code, accepted=0)
        except Exception as err:  # noqa: BLE001  handled like an error in the run
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
                budget_factor=assembly.limits.generation_budget_factor,
                with_hints=assembly.limits.generation_hints,
            ),
            lanes=assembly.lanes,
        )
        return _explained(result)


def _explained(result: RunResult) -> RunResult:
    """STORE_AWAY when Postgres was down during the run; any other exception is a defect."""
    if isinstance(result.error, PASSING):
        log.warning("run_without_store", error=type(result.error).__name__)
        return replace(result, outcome=STORE_AWAY)
    if result.error is not None:
        error = type(result.error).__name__
        log.error("run_crashed", error=error, exc_info=result.error, **unfit(result.error))
    return result
