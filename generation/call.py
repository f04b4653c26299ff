"""One streamed model call: opened in the ledger before it is sent, read object by object, then closed there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from generation.cancellation import CallCancellation, CancellationSignal
from generation.errors import GenerationError, ProviderError, ProviderRefused
from generation.model import Claim
from generation.model_call import (
    AttemptRecord,
    Billed,
    Prompt,
    StreamEnded,
    StreamEvent,
    StreamStarted,
    TextDelta,
    Usage,
    UsageSource,
)
from generation.parser import QuestionParser
from generation.ports import Ledger, Observer, ProviderClient, RunStore
from generation.run_events import AttemptEnded
from generation.verdicts import Purpose

#: The outcome of a call with a complete reply.
COMPLETE = "complete"

#: The outcome of a call or a run that ended with a failure of the store or a defect.
CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class RunContext:
    """The objects that every call of a run shares."""

    claim: Claim
    store: RunStore
    ledger: Ledger
    observer: Observer
    stop: CancellationSignal
    clock: Callable[[], float]  #: monotonic seconds
    started_at: float  #: on that clock


class Call:
    """One call, made at most once. Its attributes hold the result; the caller counts `accepted`, `rejected` and `repeats`.

    Its ledger row is opened before the request and closed after the reply. A call that the rate limiter did
    not admit has no row.
    """

    def __init__(
        self, context: RunContext, provider: ProviderClient, *, asked: int, purpose: Purpose
    ) -> None:
        self.id: UUID = uuid4()
        self.accepted = 0
        self.rejected = 0
        self.repeats = 0  #: of the rejected
        self.error: ProviderError | None = None  #: why the reply broke off, or why no request was sent
        self.outcome: str = CRASHED
        self.cost_microdollars = Decimal(0)  #: known when the call has ended
        self.wrote_cache = False  #: the same
        self._context = context
        self._provider = provider
        self._stop = CallCancellation(context.stop)
        self._parser = QuestionParser()
        self._opening = AttemptRecord(
            id=self.id,
            session_id=context.claim.session_id,
            batch_index=context.claim.batch.index,
            epoch=context.claim.epoch,
            provider=provider.name,
            model=provider.model,
            asked=asked,
            purpose=purpose,
        )
        self._is_in_ledger = False
        self._began = context.clock()
        self._started: StreamStarted | None = None
        self._received: list[str] = []
        self._first_token_ms: int | None = None
        self._ended: StreamEnded | None = None

    @property
    def ended(self) -> bool:
        """Whether the reply is complete. A call that was stopped has neither ended nor failed."""
        return self._ended is not None

    def make(
        self, prompt: Prompt, *, take: Callable[[Mapping[str, Any]], None], drop: Callable[[str], None]
    ) -> None:
        """Send the call. `take` receives each object of the reply as it closes; `drop` the reason for each broken one.

        A ProviderError is kept in `error`. Raises what `take`, `drop` and the ledger raise.
        """
        urgency = self._context.claim.urgency
        try:
            with (
                self._stop.following(),
                self._provider.stream(
                    prompt, self._stop, urgency=urgency, before_sending=self._open_in_ledger
                ) as events,
            ):
                for event in events:
                    self._follow(event, take, drop)
            self.outcome = COMPLETE if self.ended else self._stop.reason or CRASHED
        except ProviderError as err:
            self.error, self.outcome = err, err.code
        except GenerationError as err:
            self.outcome = err.code
            raise
        finally:
            if self._is_in_ledger:
                self._close()

    def _open_in_ledger(self) -> None:
        """The request is about to be sent: from here on the call may cost something."""
        self._began = self._context.clock()
        self._context.ledger.open(self._opening)
        self._is_in_ledger = True

    def _follow(
        self, event: StreamEvent, take: Callable[[Mapping[str, Any]], None], drop: Callable[[str], None]
    ) -> None:
        match event:
            case TextDelta(text):
                if self._first_token_ms is None:
                    self._first_token_ms = self._milliseconds()
                self._received.append(text)
                for raw in self._parser.feed(text):
                    take(raw)
                    self._stop.writing(False)
                self._stop.writing(self._parser.is_in_an_object)
            case StreamStarted():
                self._started = event
            case StreamEnded():
                self._ended = event
                self._parser.finish()
                for reason, number in self._parser.left_behind.items():
                    for _ in range(number):
                        drop(reason)

    def _close(self) -> None:
        closing = self._record(self._billed())
        self.cost_microdollars = closing.cost_microdollars
        self.wrote_cache = closing.usage.cache_written > 0
        self._context.ledger.close(closing)
        since_run_start_ms = round((self._began - self._context.started_at) * 1000)
        self._context.observer.notice(AttemptEnded(closing, since_run_start_ms))

    def _billed(self) -> Billed:
        billed = self._tokens()
        is_guess = self._started is not None and not self._started.price_is_known
        return replace(billed, usage_source=UsageSource.ESTIMATED) if is_guess else billed

    def _tokens(self) -> Billed:
        ended = self._ended
        if ended is not None and ended.output_is_reported:
            is_whole = ended.prompt_is_reported
            return Billed(ended.usage, UsageSource.REPORTED if is_whole else UsageSource.ESTIMATED)
        if isinstance(self.error, ProviderRefused) and self.error.usage is not None:
            return Billed(self.error.usage, UsageSource.REPORTED)
        if self._started is not None:
            return self._provider.settle(self._as_known_last(self._started), "".join(self._received))
        is_free = self.error is not None and self.error.costs_nothing
        return Billed(Usage(), UsageSource.FREE if is_free else UsageSource.UNKNOWN)

    def _as_known_last(self, started: StreamStarted) -> StreamStarted:
        if self._ended is None:
            return started
        return replace(started, usage=self._ended.usage, prompt_is_reported=self._ended.prompt_is_reported)

    def _record(self, billed: Billed) -> AttemptRecord:
        started, ended, error = self._started, self._ended, self.error
        model = started.model if started else self._provider.model
        return replace(
            self._opening,
            model=model,
            outcome=self.outcome,
            accepted=self.accepted,
            rejected=self.rejected,
            repeats=self.repeats,
            usage=billed.usage,
            usage_source=billed.usage_source,
            cost_microdollars=self._provider.cost_microdollars(model, billed.usage),
            first_token_ms=self._first_token_ms,
            duration_ms=self._milliseconds(),
            stop_reason=ended.stop_reason if ended else None,
            request_id=(started and started.request_id) or (error and error.request_id) or None,
            message_id=started.message_id if started else None,
            cache_miss_reason=last.cache_miss_reason if (last := ended or started) else None,
        )

    def _milliseconds(self) -> int:
        """Since the request was sent."""
        return round((self._context.clock() - self._began) * 1000)
