"""One attempt: one streamed model call for a set of open slots, each question kept as it closes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from generation.errors import (
    FenceLost,
    GenerationError,
    ProviderError,
    ProviderRefused,
    SessionClosed,
    StoreRejected,
)
from generation.facts import AttemptEnded, QuestionAccepted, QuestionRejected
from generation.gate import Accepted, Gate
from generation.model import (
    AttemptRecord,
    Billed,
    Claim,
    Prompt,
    Question,
    StreamEnded,
    StreamEvent,
    StreamStarted,
    TextDelta,
    Usage,
    UsageSource,
)
from generation.parser import QuestionParser
from generation.ports import BatchKeeper, Ledger, Observer, QuestionSource
from generation.stop import CallStop, StopSignal

#: The outcome of an attempt whose reply ended as the provider meant it to.
COMPLETE = "complete"

#: The outcome of an attempt or a run that met a failure of the store, or a defect.
CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every attempt of a run shares."""

    claim: Claim
    keeper: BatchKeeper
    ledger: Ledger
    observer: Observer
    stop: StopSignal
    clock: Callable[[], float]  #: monotonic seconds
    started_at: float  #: on that clock


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended. A call that was stopped has neither ended nor failed."""

    committed: tuple[Question, ...]  #: now rows, in the order in which they closed
    first_question_ms: int | None  #: from the start of the run to the first of them
    passages: Mapping[int, str]  #: known after the call, by group
    ended: bool  #: the reply came to its end
    error: ProviderError | None  #: why the reply broke off, or was never asked for
    fatal: Exception | None  #: what ends the whole run: it may not write, the store failed, or a defect


def make_attempt(context: RunContext, source: QuestionSource, prompt: Prompt, gate: Gate) -> AttemptResult:
    """Ask `source` once and keep every acceptable question of its reply, as soon as each is complete.

    Whatever goes wrong is part of the result, beside what was committed before it. The ledger has a row from
    before the request until after the reply; a call that was not made for want of its turn has none.
    """
    return _Attempt(context, source, gate).make(prompt)


class _Attempt:
    def __init__(self, context: RunContext, source: QuestionSource, gate: Gate) -> None:
        self._context = context
        self._source = source
        self._gate = gate
        self._stop = CallStop(context.stop)
        self._parser = QuestionParser()
        self._opening = AttemptRecord(
            id=uuid4(),
            session_id=context.claim.session_id,
            batch_index=context.claim.batch.index,
            epoch=context.claim.epoch,
            provider=source.name,
            model=source.model,
            asked=len(gate.open_slots),
        )
        self._is_booked = False
        self._began = context.clock()
        self._started: StreamStarted | None = None
        self._received: list[str] = []
        self._first_token_ms: int | None = None
        self._committed: list[Question] = []
        self._first_question_ms: int | None = None
        self._rejected = 0
        self._ended: StreamEnded | None = None
        self._error: ProviderError | None = None

    def make(self, prompt: Prompt) -> AttemptResult:
        fatal: Exception | None = None
        try:
            self._ask(prompt)
        except Exception as err:  # noqa: BLE001  the run ends with it, when its other lanes have ended
            fatal = err
        return AttemptResult(
            tuple(self._committed),
            self._first_question_ms,
            self._gate.passages,
            ended=self._ended is not None,
            error=self._error,
            fatal=fatal,
        )

    def _ask(self, prompt: Prompt) -> None:
        urgency = self._context.claim.urgency
        outcome: str = CRASHED
        try:
            with (
                self._stop.following(),
                self._source.stream(prompt, self._stop, urgency=urgency, before_sending=self._book) as events,
            ):
                for event in events:
                    self._take(event)
            outcome = COMPLETE if self._ended is not None else self._stop.reason or CRASHED
        except ProviderError as err:
            self._error, outcome = err, err.code
        except GenerationError as err:
            outcome = err.code
            raise
        finally:
            if self._is_booked:
                self._close(outcome)

    def _book(self) -> None:
        """The call's turn has come: from here on it may cost something."""
        self._began = self._context.clock()
        self._context.ledger.open(self._opening)
        self._is_booked = True

    def _take(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text):
                if self._first_token_ms is None:
                    self._first_token_ms = self._milliseconds_since(self._began)
                self._received.append(text)
                for raw in self._parser.feed(text):
                    self._judge(raw)
                    self._stop.writing(False)
                self._stop.writing(self._parser.is_in_an_object)
            case StreamStarted():
                self._started = event
            case StreamEnded():
                self._ended = event
                for _ in range(self._parser.finish()):
                    self._reject(None, "broken_object")

    def _judge(self, raw: Mapping[str, Any]) -> None:
        verdict = self._gate.judge(raw)
        if isinstance(verdict, Accepted):
            self._commit(verdict.question)
        else:
            self._reject(verdict.position, verdict.reason)

    def _commit(self, question: Question) -> None:
        claim = self._context.claim
        try:
            self._context.keeper.accept(claim, question, self._opening.id, self._source.name)
        except (FenceLost, SessionClosed):
            raise
        except StoreRejected as err:
            # Another batch of this session, written at the same time, committed the same question first;
            # or it holds what no row can. The slot stays open.
            self._reject(question.slot.position, err.code)
            return
        self._committed.append(question)
        since_run_start_ms = self._milliseconds_since(self._context.started_at)
        if self._first_question_ms is None:
            self._first_question_ms = since_run_start_ms
        self._context.observer.notice(
            QuestionAccepted(
                claim.session_id,
                claim.batch.index,
                question.slot.position,
                question.slot.question_type,
                self._source.name,
                since_run_start_ms,
            )
        )

    def _reject(self, position: int | None, reason: str) -> None:
        self._rejected += 1
        claim = self._context.claim
        self._context.observer.notice(
            QuestionRejected(claim.session_id, claim.batch.index, position, reason, self._source.name)
        )

    def _close(self, outcome: str) -> None:
        closing = self._record(outcome, self._billed())
        self._context.ledger.close(closing)
        self._context.observer.notice(AttemptEnded(closing))

    def _billed(self) -> Billed:
        if self._ended is not None:
            return Billed(self._ended.usage, UsageSource.REPORTED)
        if isinstance(self._error, ProviderRefused) and self._error.usage is not None:
            return Billed(self._error.usage, UsageSource.REPORTED)
        if self._started is not None:
            return self._source.settle(self._started, "".join(self._received))
        is_free = self._error is not None and self._error.costs_nothing
        return Billed(Usage(), UsageSource.FREE if is_free else UsageSource.UNKNOWN)

    def _record(self, outcome: str, billed: Billed) -> AttemptRecord:
        started, ended, error = self._started, self._ended, self._error
        model = started.model if started else self._source.model
        return replace(
            self._opening,
            model=model,
            outcome=outcome,
            accepted=len(self._committed),
            rejected=self._rejected,
            usage=billed.usage,
            usage_source=billed.source,
            cost_microdollars=self._source.cost_microdollars(model, billed.usage),
            first_token_ms=self._first_token_ms,
            duration_ms=self._milliseconds_since(self._began),
            stop_reason=ended.stop_reason if ended else None,
            request_id=(started and started.request_id) or (error and error.request_id) or None,
            message_id=started.message_id if started else None,
            cache_miss_reason=started.cache_miss_reason if started else None,
        )

    def _milliseconds_since(self, moment: float) -> int:
        return round((self._context.clock() - moment) * 1000)
