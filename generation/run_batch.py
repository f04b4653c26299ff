"""The use case: fill the open slots of one batch with the available providers.

Only this module knows the order of the steps: ask for exactly the open slots, commit accepted questions, ask
the same or another provider for the slots that are still open, check the answers, publish. No transaction is
open while it waits for a model. It is one level of retry: a provider client makes one attempt, a run makes a
few rounds, and the queue decides about the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from generation.answer_check import AnswerCheck
from generation.attempt import AttemptResult, make_attempt
from generation.call import CRASHED, RunContext
from generation.cancellation import CancellationSignal, StopReason
from generation.error_kinds import AskNext
from generation.errors import (
    FenceLost,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    SessionClosed,
    StaleConnection,
    StreamCut,
    StreamStalled,
)
from generation.lanes import Lane, run_lanes, share_out
from generation.model import Claim, EarlierQuestion, Prompt, Slot, Urgency
from generation.ports import Fallback, Ledger, Observer, ProviderClient, RunStore
from generation.prompts.request import build_prompt
from generation.repeats import Seen
from generation.run_events import ProviderGivenUp, RunEnded, RunStarted
from generation.validator import Validator, known_passages

#: Outcomes of a run that are neither a stop reason nor an error's code.
READY = "ready"
SLOTS_LEFT_OPEN = "slots_left_open"
PROVIDERS_UNAVAILABLE = "providers_unavailable"

#: Errors of one reply rather than of the provider: the run calls the same provider once more before another.
_FORGIVEN_ONCE = (StreamCut, StreamStalled, StaleConnection, ProviderRefused)

#: Errors that concern the provider as a whole, even if it answered other lanes of the round.
_OF_THE_PROVIDER = (ProviderThrottled, ProviderDenied)

#: The circuit breaker opens for half a second after each "busy" answer, which is frequent with many calls. An
#: urgent run waits for it, because a released run starts again only after several seconds.
_OPEN_WAITED_FOR_S = 1.5
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class RunLimits:
    max_rounds: int  #: how often the run asks for the open slots before it releases the batch
    lanes: int  #: calls at the same time while a student waits; a prefetch has one


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: an outcome named above, CRASHED, a StopReason, or an error's code."""

    outcome: str
    accepted: int
    retry_after_s: float | None = None  #: until the first of the busy providers may be called again
    error: Exception | None = None  #: set when the outcome is CRASHED


def run_batch(
    claim: Claim,
    *,
    providers: Fallback,
    store: RunStore,
    ledger: Ledger,
    observer: Observer,
    stop: CancellationSignal,
    limits: RunLimits,
    lanes: Executor,
    clock: Callable[[], float] = time.monotonic,
) -> RunResult:
    """Fill the claim's open slots and publish the batch; returns how the run ended.

    Every accepted question is committed before the next object of its reply is judged, so an ending run loses
    at most the question being written in each lane. Provider errors, a lost fence, a failing store and a defect
    are outcomes, not exceptions; the result always counts the committed questions.
    """
    context = RunContext(claim, store, ledger, observer, stop, clock, started_at=clock())
    run = _Run(context, providers, limits, lanes)
    outcome, error = CRASHED, None
    observer.notice(_started(claim))
    try:
        outcome = run.fill()
    except (FenceLost, SessionClosed) as err:
        outcome = err.code
    except Exception as err:  # noqa: BLE001  the caller distinguishes the failures
        error = err
    finally:
        observer.notice(run.ended(outcome))
    return RunResult(outcome, run.accepted, run.retry_after_s, error)


class _Run:
    """The state of one run. Only its own thread changes it; lanes receive what they need."""

    def __init__(self, context: RunContext, providers: Fallback, limits: RunLimits, lanes: Executor) -> None:
        self._context = context
        self._providers = providers
        self._limits = limits
        self._lanes = lanes
        self._answer_check = AnswerCheck(context, providers)
        self._open: dict[int, Slot] = {slot.position: slot for slot in context.claim.open_slots}
        self._earlier = list(context.claim.earlier)
        self._seen = Seen(context.claim.earlier)
        self._passages: Mapping[int, str] = known_passages(context.claim.earlier)
        self._forgiven: set[str] = set()
        self._given_up: set[str] = set()
        self._attempts = 0
        self._first_question_ms: int | None = None
        self._waits: dict[str, float] = {}  # the pause in seconds that each provider named in its last round
        self.accepted = 0

    def fill(self) -> str:
        """Fill the open slots, check the answers, write disputed questions again, then publish. Returns the outcome."""
        ended = self._write()
        if ended is not None:
            return ended
        while disputed := self._answer_check.disputed():
            self._open = {slot.position: slot for slot in disputed}
            self._write()  # if this fails, the disputed questions stay
        self._open.clear()
        self._context.store.finish(self._context.claim)
        return READY

    def _write(self) -> str | None:
        """Fill every open slot; returns None, or the outcome that ended it early."""
        rounds = 0
        while self._open and rounds < self._limits.max_rounds:
            if self._stopped is not None:
                return self._stopped
            rounds += 1
            provider = self._pick()
            if provider is None:
                return self._context.stop.asked or PROVIDERS_UNAVAILABLE
            results = self._round(provider)
            if self._stopped is not None:
                return self._stopped
            errors = [result.error for result in results if result.error is not None]
            self._waits[provider.name] = _longest_wait_s(errors)
            if (final := self._final(errors)) is not None:
                return final.code
            if errors and not _is_bad_luck(errors, calls=len(results)):
                self._forgive_or_give_up(provider, errors)
        return SLOTS_LEFT_OPEN if self._open else None

    def _pick(self) -> ProviderClient | None:
        """The provider to call, or None. An urgent run that has given up no provider waits for a breaker to close."""
        clock, stop = self._context.clock, self._context.stop
        is_urgent = self._context.claim.urgency is Urgency.INTERACTIVE
        gives_up_at = clock() + (_OPEN_WAITED_FOR_S if is_urgent and not self._given_up else 0)
        while (provider := self._providers.pick(frozenset(self._given_up))) is None:
            if clock() >= gives_up_at or stop.asked is not None:
                return None
            time.sleep(_POLL_S)
        return provider

    @property
    def retry_after_s(self) -> float | None:
        """Seconds until the first called provider may be called again; None when one of them named no pause."""
        return min(self._waits.values(), default=0.0) or None

    def _final(self, errors: Sequence[ProviderError]) -> ProviderError | None:
        """The error that ends the run without another provider, if there is one."""
        mistake = next((error for error in errors if error.ask_next is AskNext.NOBODY), None)
        if mistake is not None:
            return mistake  # the request is wrong: it would fail, and cost money, at any provider
        # No student waits for a prefetch yet, so our own rate limit is no reason to pay another provider.
        is_prefetch = self._context.claim.urgency is Urgency.PREFETCH
        return _first(errors, ProviderThrottled) if is_prefetch else None

    @property
    def _stopped(self) -> StopReason | None:
        """Why to stop. A batch without open slots is finished even when the run was asked to stop."""
        stop = self._context.stop
        return stop.asked if self._open else stop.reason

    def _round(self, provider: ProviderClient) -> list[AttemptResult]:
        """Ask for every open slot once, and add the results of all lanes to the run's state."""
        shared = share_out(tuple(self._open.values()), self._lanes_wanted())
        self._attempts += len(shared)
        results = run_lanes(self._lanes, shared, partial(self._attempt, provider))
        for result in results:
            self._take_in(result)
        for result in results:
            if result.fatal is not None:
                raise result.fatal
        return results

    def _lanes_wanted(self) -> int:
        """Several only while a student waits, because each lane pays for its own user message."""
        return self._limits.lanes if self._context.claim.urgency is Urgency.INTERACTIVE else 1

    def _attempt(self, provider: ProviderClient, lane: Lane) -> AttemptResult:
        validator = Validator(lane, seen=self._seen, passages=self._passages, seed=self._context.claim.seed)
        result = make_attempt(self._context, provider, self._prompt(lane), validator)
        if result.ended or result.error is not None:
            self._providers.report(provider.name, result.error)
        if result.fatal is not None:
            # It ends the run, so the other lanes must not write more.
            self._context.stop.set(StopReason.LANE_FAILED)
        return result

    def _prompt(self, lane: Lane) -> Prompt:
        return build_prompt(
            track=self._context.claim.track, slots=lane, passages=self._passages, earlier=self._earlier
        )

    def _take_in(self, result: AttemptResult) -> None:
        self._passages = {**self._passages, **result.passages}
        for question in result.committed:
            del self._open[question.slot.position]
            self._earlier.append(EarlierQuestion.of(question))
        self.accepted += len(result.committed)
        firsts = [self._first_question_ms, result.first_question_ms]
        self._first_question_ms = min((ms for ms in firsts if ms is not None), default=None)

    def _forgive_or_give_up(self, provider: ProviderClient, errors: Sequence[ProviderError]) -> None:
        """Decide whether the run calls the provider again after a round with these errors."""
        are_of_one_reply = all(isinstance(error, _FORGIVEN_ONCE) for error in errors)
        if are_of_one_reply and provider.name not in self._forgiven:
            self._forgiven.add(provider.name)
            return
        self._given_up.add(provider.name)
        claim = self._context.claim
        self._context.observer.notice(
            ProviderGivenUp(claim.session_id, claim.batch.index, provider.name, errors[0].code)
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


def _is_bad_luck(errors: Sequence[ProviderError], *, calls: int) -> bool:
    """Whether other lanes of the round succeeded: then the errors concern these calls, not the provider.

    A pause that the provider asked for is handled by its circuit breaker, so it may still not be picked.
    """
    return len(errors) < calls and not any(isinstance(error, _OF_THE_PROVIDER) for error in errors)


def _longest_wait_s(errors: Sequence[ProviderError]) -> float:
    named = (error.retry_after_s for error in errors if isinstance(error, ProviderBusy))
    return max((wait_s for wait_s in named if wait_s is not None), default=0.0)


def _first(errors: Sequence[ProviderError], kind: type[ProviderError]) -> ProviderError | None:
    return next((error for error in errors if isinstance(error, kind)), None)


def _started(claim: Claim) -> RunStarted:
    return RunStarted(
        claim.session_id,
        claim.batch.index,
        claim.epoch,
        claim.batch.section,
        claim.urgency,
        open_slots=len(claim.open_slots),
    )
