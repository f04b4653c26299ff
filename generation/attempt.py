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
    ProviderThrottled,
    SessionClosed,
    StoreRejected,
)
from generation.facts import AttemptEnded, QuestionAccepted, QuestionRejected
from generation.gate import Accepted, Gate
from generation.model import (
    AttemptRecord,
    Claim,
    Prompt,
    Question,
    StreamEnded,
    StreamEvent,
    StreamStarted,
    TextDelta,
    UsageSource,
)
from generation.parser import QuestionParser
from generation.ports import BatchKeeper, Ledger, Observer, QuestionSource
from generation.stop import CallStop, StopSignal

#: The outcome of an attempt whose reply ended as the provider meant it to.
COMPLETE = "complete"


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
    committed: tuple[Question, ...]  #: now rows, in the order in which they closed
    first_question_ms: int | None  #: from the start of the run to the first of them
    passages: Mapping[int, str]  #: known after the call, by group
    error: ProviderError | None  #: why the reply broke off, if it did


def make_attempt(context: RunContext, source: QuestionSource, prompt: Prompt, gate: Gate) -> AttemptResult:
    """Ask `source` once and keep every acceptable question of its reply, as soon as each is complete.

    A provider's failure is part of the result, with what was committed before it. The ledger has a row
    from before the call until after it, whatever happens; a call that was not made for want of its turn
    has none. Raises FenceLost, SessionClosed and the store's own failures.
    """
    return _Attempt(context, source, gate).make(prompt)


class _Attempt:
    def __init__(self, context: RunContext, source: QuestionSource, gate: Gate) -> None:
        self._context = context
        self._source = source
        self._gate = gate
        self._stop = CallStop(context.stop)
        self._parser = QuestionParser()
        self._started: StreamStarted | None = None
        self._received: list[str] = []
        self._committed: list[Question] = []
        self._first_question_ms: int | None = None
        self._began = context.clock()
        self._record = AttemptRecord(
            id=uuid4(),
            session_id=context.claim.session_id,
            batch_index=context.claim.batch.index,
            epoch=context.claim.epoch,
            provider=source.name,
            model=source.model,
            asked=len(gate.open_slots),
        )

    def make(self, prompt: Prompt) -> AttemptResult:
        try:
            with self._stop.following():
                call = self._source.stream(prompt, self._stop, urgency=self._context.claim.urgency)
        except ProviderThrottled as err:
            return AttemptResult((), None, self._gate.passages, err)  # nothing was sent, and nothing is owed
        self._began = self._context.clock()
        self._context.ledger.open(self._record)
        error: ProviderError | None = None
        outcome = "crashed"
        try:
            with self._stop.following(), call as events:
                for event in events:
                    self._take(event)
            outcome = self._stop.reason or COMPLETE
        except ProviderError as err:
            error, outcome = err, err.code
            self._note(err)
        except GenerationError as err:
            outcome = err.code
            raise
        finally:
            self._close(outcome)
        return AttemptResult(tuple(self._committed), self._first_question_ms, self._gate.passages, error)

    def _take(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text):
                self._note_first_token()
                self._received.append(text)
                for raw in self._parser.feed(text):
                    self._judge(raw)
                    self._stop.writing(False)
                self._stop.writing(self._parser.is_in_an_object)
            case StreamStarted():
                self._started = event
                self._record = replace(
                    self._record,
                    model=event.model,
                    message_id=event.message_id,
                    request_id=event.request_id,
                    usage=event.usage,
                    cache_miss_reason=event.cache_miss_reason,
                )
            case StreamEnded():
                self._record = replace(
                    self._record,
                    stop_reason=event.stop_reason,
                    usage=event.usage,
                    usage_source=UsageSource.REPORTED,
                )
                for _ in range(self._parser.finish()):
                    self._reject(None, "broken_object")

    def _note(self, error: ProviderError) -> None:
        self._record = replace(self._record, request_id=self._record.request_id or error.request_id)
        if "usage" in error.context:  # a refusal is billed, and says how much
            self._record = replace(
                self._record, usage=error.context["usage"], usage_source=UsageSource.REPORTED
            )
        elif error.costs_nothing:
            self._record = replace(self._record, usage_source=UsageSource.FREE)

    def _note_first_token(self) -> None:
        if self._record.first_token_ms is None:
            self._record = replace(self._record, first_token_ms=self._milliseconds_since(self._began))

    def _judge(self, raw: Mapping[str, Any]) -> None:
        verdict = self._gate.judge(raw)
        if isinstance(verdict, Accepted):
            self._commit(verdict.question)
        else:
            self._reject(verdict.position, verdict.reason)

    def _commit(self, question: Question) -> None:
        claim = self._context.claim
        try:
            self._context.keeper.accept(claim, question, self._record.id, self._source.name)
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
        self._record = replace(self._record, rejected=self._record.rejected + 1)
        claim = self._context.claim
        self._context.observer.notice(
            QuestionRejected(claim.session_id, claim.batch.index, position, reason, self._source.name)
        )

    def _close(self, outcome: str) -> None:
        if self._started is not None and self._record.usage_source is UsageSource.UNKNOWN:
            billed = self._source.settle(self._started, "".join(self._received))
            self._record = replace(self._record, usage=billed.usage, usage_source=billed.source)
        cost = self._source.cost_microdollars(self._record.model, self._record.usage)
        self._record = replace(
            self._record,
            outcome=outcome,
            accepted=len(self._committed),
            cost_microdollars=cost,
            duration_ms=self._milliseconds_since(self._began),
        )
        self._context.ledger.close(self._record)
        self._context.observer.notice(AttemptEnded(self._record))

    def _milliseconds_since(self, moment: float) -> int:
        return round((self._context.clock() - moment) * 1000)
