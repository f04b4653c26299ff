"""The use case: fill the open slots of one batch, from whoever can write them.

The only module that knows the order of things: ask for exactly the open slots, keep what is accepted, ask
again or ask somebody else for what is still open, publish. It waits for a model inside no transaction,
and one level of retry lives here: a source makes one attempt, the queue decides about the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generation.attempt import RunContext, make_attempt
from generation.errors import (
    FenceLost,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    SessionClosed,
    StreamCut,
    StreamStalled,
)
from generation.facts import RunEnded, RunStarted, SourceSwitched
from generation.gate import Gate, known_passages
from generation.model import Claim, EarlierQuestion, Prompt, Slot
from generation.ports import BatchKeeper, Ledger, Observer, QuestionSource, SourceChain
from generation.prompts.request import build_prompt
from generation.repeats import Seen
from generation.stop import StopSignal

#: Outcomes of a run that are no stop reason and no error's code.
READY = "ready"
SLOTS_LEFT_OPEN = "slots_left_open"
PROVIDERS_UNAVAILABLE = "providers_unavailable"

#: Trouble of one reply rather than of the source: ask the same source once more before turning elsewhere.
_FORGIVEN_ONCE = (StreamCut, StreamStalled, ProviderRefused)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: an outcome named above, a StopReason, or an error's code."""

    outcome: str
    accepted: int
    retry_after_s: float | None = None  #: what a busy provider asked for


def run_batch(
    claim: Claim,
    *,
    sources: SourceChain,
    keeper: BatchKeeper,
    ledger: Ledger,
    observer: Observer,
    stop: StopSignal,
    max_attempts: int,
    clock: Callable[[], float] = time.monotonic,
) -> RunResult:
    """Fill the claim's open slots and publish the batch; say how it ended.

    Every accepted question is committed before the next object of a reply is judged, so whatever ends the
    run loses at most the question being written. Provider trouble, a lost fence and a stop are outcomes;
    only failures of the store itself, and defects, are raised.
    """
    context = RunContext(claim, keeper, ledger, observer, stop, clock, started_at=clock())
    run = _Run(context, sources, max_attempts)
    observer.notice(_started(claim))
    try:
        outcome = run.fill()
    except (FenceLost, SessionClosed) as err:
        outcome = err.code
    observer.notice(run.ended(outcome))
    return RunResult(outcome, run.accepted, run.retry_after_s)


class _Run:
    def __init__(self, context: RunContext, sources: SourceChain, max_attempts: int) -> None:
        self._context = context
        self._sources = sources
        self._max_attempts = max_attempts
        self._open: dict[int, Slot] = {slot.position: slot for slot in context.claim.open_slots}
        self._earlier = list(context.claim.earlier)
        self._seen = Seen(context.claim.earlier)
        self._passages: Mapping[int, str] = known_passages(context.claim.earlier)
        self._forgiven: set[str] = set()
        self._given_up: set[str] = set()
        self._attempts = 0
        self._first_question_ms: int | None = None
        self.accepted = 0
        self.retry_after_s: float | None = None

    def fill(self) -> str:
        while self._open and self._attempts < self._max_attempts:
            source = self._sources.pick(frozenset(self._given_up))
            if source is None:
                return PROVIDERS_UNAVAILABLE
            error = self._attempt(source)
            if self._context.stop.reason is not None:
                return self._context.stop.reason
            if isinstance(error, ProviderMisused):
                return error.code  # the request itself is wrong: it would fail, and be paid for, anywhere
            if error is not None:
                self._weigh(source, error)
        if self._open:
            return SLOTS_LEFT_OPEN
        self._context.keeper.finish(self._context.claim)
        return READY

    def _attempt(self, source: QuestionSource) -> ProviderError | None:
        self._attempts += 1
        gate = Gate(
            tuple(self._open.values()),
            seen=self._seen,
            passages=self._passages,
            seed=self._context.claim.seed,
        )
        result = make_attempt(self._context, source, self._prompt(), gate)
        self._passages = gate.passages
        for question in result.committed:
            del self._open[question.slot.position]
            self._earlier.append(EarlierQuestion.of(question))
        self.accepted += len(result.committed)
        if self._first_question_ms is None:
            self._first_question_ms = result.first_question_ms
        self._sources.report(source.name, result.error)
        return result.error

    def _prompt(self) -> Prompt:
        return build_prompt(
            track=self._context.claim.track,
            slots=tuple(self._open.values()),
            passages=self._passages,
            earlier=self._earlier,
        )

    def _weigh(self, source: QuestionSource, error: ProviderError) -> None:
        self.retry_after_s = error.context.get("retry_after_s") or self.retry_after_s
        if isinstance(error, _FORGIVEN_ONCE) and source.name not in self._forgiven:
            self._forgiven.add(source.name)
            return
        self._given_up.add(source.name)
        claim = self._context.claim
        self._context.observer.notice(
            SourceSwitched(claim.session_id, claim.batch.index, source.name, error.code)
        )

    def ended(self, outcome: str) -> RunEnded:
        claim = self._context.claim
        return RunEnded(
            claim.session_id,
            claim.batch.index,
            claim.epoch,
            claim.urgency,
            outcome,
            accepted=self.accepted,
            attempts=self._attempts,
            first_question_ms=self._first_question_ms,
            duration_ms=round((self._context.clock() - self._context.started_at) * 1000),
        )


def _started(claim: Claim) -> RunStarted:
    return RunStarted(
        claim.session_id,
        claim.batch.index,
        claim.epoch,
        claim.batch.section,
        claim.urgency,
        open_slots=len(claim.open_slots),
    )
