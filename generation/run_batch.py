"""The use case: fill the open slots of one batch with the available providers.

Only this module knows the order of the steps: ask for exactly the open slots, commit accepted questions, ask
the same or another provider for the slots that are still open, put other slots in the place of the few that no
provider fills, check the answers, publish. What a provider brought decides who is asked next
(`generation.yields`), and the batch's budget decides whether anybody is. No transaction is open while it waits
for a model. It is one level of retry: a provider client makes one attempt, a run makes a
few rounds, and the queue decides about the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from generation.answer_check import AnswerCheck
from generation.attempt import AttemptResult, make_attempt
from generation.budget import Budget, spent_with
from generation.call import CRASHED, RunContext
from generation.cancellation import CancellationSignal, StopReason
from generation.deviations import deviate, varied
from generation.error_kinds import AskNext, Scope
from generation.errors import (
    EmptyReply,
    FenceLost,
    ProviderBusy,
    ProviderError,
    ProviderThrottled,
    SessionClosed,
)
from generation.lanes import Lane, divide, run_lanes, share_out
from generation.model import Claim, EarlierQuestion, Slot, Urgency
from generation.model_call import Prompt
from generation.ports import Fallback, Ledger, LightWriter, Observer, ProviderClient, RunStore
from generation.prompts.request import build_prompt
from generation.repeats.seen import Seen
from generation.round import Round
from generation.run_events import (
    BatchEndedShort,
    ProviderGivenUp,
    RunEnded,
    RunEvent,
    RunStarted,
    SlotDeviated,
)
from generation.validator import Validator, known_passages
from generation.verdicts import REWRITES_PER_SLOT
from generation.yields import Yields

#: Outcomes of a run that are neither a stop reason nor an error's code.
READY = "ready"
SLOTS_LEFT_OPEN = "slots_left_open"
PROVIDERS_UNAVAILABLE = "providers_unavailable"
BUDGET_EXHAUSTED = "budget_exhausted"

#: The circuit breaker opens for half a second after each "busy" answer, which is frequent with many calls. An
#: urgent run waits for it, because a released run starts again only after several seconds.
_OPEN_WAITED_FOR_S = 1.5
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class RunLimits:
    max_rounds: int  #: how often the run asks for open slots before it releases the batch
    lanes: int  #: calls at the same time while a student waits; a prefetch has one
    budget_factor: Decimal = Decimal(3)  #: how often the batch may cost its expected price, over all its runs
    with_hints: bool = False  #: whether questions get a tip and a solving strategy


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
        claim = context.claim
        self._context = context
        self._providers = providers
        self._limits = limits
        self._lanes = lanes
        self._answer_check = AnswerCheck(context, providers)
        self._open: dict[int, Slot] = {slot.position: slot for slot in claim.open_slots}
        self._earlier = list(claim.earlier)
        self._seen = Seen(claim.earlier)
        self._passages: Mapping[int, str] = known_passages(claim.earlier)
        self._yields = Yields(in_trouble=claim.failures > 0, run=claim.runs)
        self._budget = Budget(
            limits.budget_factor, claim.batch.size, min(self._lanes_wanted(), claim.batch.size)
        )
        self._light: LightWriter | None = None
        self._spent = claim.spent
        self._reported_mistake = claim.failures > 0
        self._attempts = 0
        self._asked: set[int] = (
            set()
        )  # the positions that were asked for; the light writer gets each of them once
        self._first_question_ms: int | None = None
        self._waits: dict[str, float] = {}  # the pause in seconds that each provider named in its last round
        self.accepted = 0

    def fill(self) -> str:
        """Fill the open slots, check the answers, write disputed questions again, then publish. Returns the outcome."""
        ended = self._write(may_deviate=True)
        if ended is not None:
            return self._end_short(ended)
        while disputed := self._answer_check.disputed():
            self._rewrite(disputed)
            self._open.clear()
        self._context.store.finish(self._context.claim)
        return READY

    def _rewrite(self, disputed: Sequence[Slot]) -> None:
        """Write these slots again, and what nobody could fill once more from another angle. If this fails, what is there stays."""
        claim = self._context.claim
        self._open = {slot.position: slot for slot in disputed}
        if self._write(may_deviate=False) != SLOTS_LEFT_OPEN:
            return
        for slot in tuple(self._open.values()):
            self._open[slot.position] = varied(slot, claim.track, seed=claim.seed, times=REWRITES_PER_SLOT)
        self._yields.forget_slots()
        self._write(may_deviate=False)

    def _write(self, *, may_deviate: bool) -> str | None:
        """Fill every open slot; returns None, or the outcome that ended it early."""
        for _ in range(self._limits.max_rounds):
            if not self._open:
                return None
            if self._stopped is not None:
                return self._stopped
            provider = self._pick()
            if provider is None:
                if may_deviate and self._deviate():
                    continue
                return self._context.stop.asked or (
                    SLOTS_LEFT_OPEN if self._yields.were_vain else PROVIDERS_UNAVAILABLE
                )
            wanted = self._yields.lanes(provider.name, self._open.values(), self._lanes_wanted())
            if not wanted:
                self._yields.exhaust(provider.name)
                continue
            light, wanted = self._light_lanes(provider, wanted)
            lanes = self._affordable(provider, [*wanted, *light])
            if not lanes:
                return BUDGET_EXHAUSTED
            if (ended := self._ask(provider, lanes, frozenset(light))) is not None:
                return ended
        return SLOTS_LEFT_OPEN if self._open else None

    def _light_lanes(self, provider: ProviderClient, lanes: Sequence[Lane]) -> tuple[list[Lane], list[Lane]]:
        """The lanes for the light writer, and those for the provider itself, which writes what the other left open."""
        self._light = self._providers.pick_light(provider.name) if self._context.claim.runs == 1 else None
        light = self._light
        if light is None:
            return [], list(lanes)
        return divide(lanes, lambda slot: light.writes(slot) and slot.position not in self._asked)

    def _ask(self, provider: ProviderClient, lanes: Sequence[Lane], light: frozenset[Lane]) -> str | None:
        """Make one round of calls and judge it; returns the outcome when it ends the run.

        What the light writer brings is no judgement on the provider.
        """
        results = self._round(provider, lanes, light)
        if self._stopped is not None:
            return self._stopped
        own = [pair for pair in zip(lanes, results, strict=True) if pair[0] not in light]
        if not own:
            return None
        lanes, results = [lane for lane, _ in own], [result for _, result in own]
        errors = [result.error for result in results if result.error is not None]
        self._waits[provider.name] = _longest_wait_s(errors)
        if (final := self._final(errors)) is not None:
            return final.code
        because = self._yields.judge(provider.name, lanes, results)
        if because is not None:
            claim = self._context.claim
            self._notice(ProviderGivenUp(claim.session_id, claim.batch.index, provider.name, because))
        return None

    def _affordable(self, provider: ProviderClient, lanes: Sequence[Lane]) -> Sequence[Lane]:
        """The first of these calls that the budget allows; one that is too dear is made for fewer slots."""
        while lanes:
            prompts = [self._prompt(provider, lane) for lane in lanes]
            allowed = self._budget.affordable(provider, prompts, self._spent)
            if allowed:
                return lanes[:allowed]
            halves = share_out(lanes[0], 2)
            lanes = halves[:1] if len(halves) > 1 else []
        return []

    def _deviate(self) -> bool:
        """Put other slots in the place of the few that no provider fills; False when there are none to put."""
        if not self._yields.were_vain or not self._are_few:
            return False
        claim = self._context.claim
        slots = deviate(tuple(self._open.values()), claim.track, seed=claim.seed, topics=claim.topics)
        if not slots:
            return False
        self._context.store.replace_slots(claim, slots)
        self._open |= {slot.position: slot for slot in slots}
        self._yields.forget_slots()
        for slot in slots:
            self._notice(SlotDeviated(claim.session_id, claim.batch.index, slot.position, slot.deviation))
        return True

    @property
    def _are_few(self) -> bool:
        """At most half of the batch is open: the rest shows that the slots are the trouble, not the providers."""
        return 2 * len(self._open) <= self._context.claim.batch.size

    def _end_short(self, ended: str) -> str:
        """Publish the session's last batch without the slots that nobody could fill; else the outcome stays."""
        claim = self._context.claim
        if not (claim.is_last and self._are_few and ended in {SLOTS_LEFT_OPEN, BUDGET_EXHAUSTED}):
            return ended
        self._context.store.finish_short(claim)
        self._notice(BatchEndedShort(claim.session_id, claim.batch.index, missing=len(self._open)))
        return READY

    def _pick(self) -> ProviderClient | None:
        """The provider to call, or None. An urgent run that has given up no provider waits for a breaker to close."""
        clock, stop, given_up = self._context.clock, self._context.stop, self._yields.given_up
        is_urgent = self._context.claim.urgency is Urgency.INTERACTIVE
        gives_up_at = clock() + (_OPEN_WAITED_FOR_S if is_urgent and not given_up else 0)
        while (provider := self._providers.pick(given_up)) is None:
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

    def _round(
        self, provider: ProviderClient, lanes: Sequence[Lane], light: frozenset[Lane]
    ) -> list[AttemptResult]:
        """Make the calls of one round, and add the results of all lanes to the run's state."""
        self._attempts += len(lanes)
        self._asked |= {slot.position for lane in lanes for slot in lane}
        round_ = Round(self._context, len(lanes))
        with round_.stop.following():
            results = run_lanes(self._lanes, lanes, partial(self._attempt, provider, round_, light))
        for result in results:
            self._take_in(result)
        for result in results:
            if result.fatal is not None:
                raise result.fatal
        return results

    def _lanes_wanted(self) -> int:
        """Several only while a student waits, because each lane pays for its own user message."""
        return self._limits.lanes if self._context.claim.urgency is Urgency.INTERACTIVE else 1

    def _attempt(
        self, provider: ProviderClient, round_: Round, light: frozenset[Lane], lane: Lane
    ) -> AttemptResult:
        is_light = self._light is not None and lane in light
        writer = self._light.client if self._light is not None and is_light else provider
        validator = Validator(lane, seen=self._seen, passages=self._passages, seed=self._context.claim.seed)
        result = make_attempt(round_.context, writer, self._prompt(provider, lane), validator)
        round_.note(result)
        if result.ended or result.error is not None:
            session = str(self._context.claim.session_id)
            error = EmptyReply(provider=provider.name, session=session) if result.is_empty else result.error
            self._report(provider, error, is_light=is_light)
        if result.fatal is not None:
            # It ends the run, so the other lanes must not write more.
            self._context.stop.set(StopReason.LANE_FAILED)
        return result

    def _report(self, provider: ProviderClient, error: ProviderError | None, *, is_light: bool) -> None:
        """Tell the circuit breaker. A mistake of ours in this batch counts once, however often it is made again."""
        if is_light:
            self._providers.report_light(error)
            return
        if error is not None and error.scope is Scope.BATCH:
            if self._reported_mistake:
                return
            self._reported_mistake = True
        self._providers.report(provider.name, error)

    def _prompt(self, provider: ProviderClient, lane: Lane) -> Prompt:
        return build_prompt(
            track=self._context.claim.track,
            slots=lane,
            passages=self._passages,
            earlier=self._earlier,
            rejections=self._yields.reasons(provider.name),
            with_hints=self._limits.with_hints,
        )

    def _take_in(self, result: AttemptResult) -> None:
        self._passages = {**self._passages, **result.passages}
        self._spent = spent_with(
            self._spent, result.outcome, result.cost_microdollars, wrote_cache=result.wrote_cache
        )
        for question in result.committed:
            del self._open[question.slot.position]
            self._earlier.append(EarlierQuestion.of(question))
        self.accepted += len(result.committed)
        firsts = [self._first_question_ms, result.first_question_ms]
        self._first_question_ms = min((ms for ms in firsts if ms is not None), default=None)

    def _notice(self, event: RunEvent) -> None:
        self._context.observer.notice(event)

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
