"""A run as a span, made from its events. It continues the trace of the call that requested the batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from generation.call import COMPLETE
from generation.model import Claim, EventKind
from generation.model_call import AttemptRecord
from generation.run_batch import READY, RunResult
from generation.run_events import (
    AttemptEnded,
    BatchChecked,
    ProviderGivenUp,
    QuestionAccepted,
    QuestionRejected,
    RunEvent,
    RunStarted,
)
from runtime.metrics import OPERATION, provider_name
from runtime.tracing import Tracing, failed
from worker.outcomes import Outcome

_MS = 1_000_000  # in nanoseconds

#: The outcomes that fail the batch, and those of a run that failed.
_BATCH_FAILED = frozenset({Outcome.REST, Outcome.GIVE_UP})
_WENT_WRONG = _BATCH_FAILED | {Outcome.WAIT, Outcome.COUNT}


@contextmanager
def traced(tracing: Tracing, claim: Claim) -> Iterator[RunSpan]:
    """A span for the run of this claim, which ends with the block."""
    with tracing.span("run batch", SpanKind.CONSUMER, parent=claim.traceparent) as span:
        if span.is_recording():
            span.set_attributes(_of_claim(claim))
        yield RunSpan(tracing, span)


@dataclass(slots=True)
class RunSpan:
    """Implements generation.ports.Observer: model calls are child spans with their own times, the rest are events.

    Safe to use from any thread; does nothing for a run that is not traced.
    """

    _tracing: Tracing
    _span: Span
    _began_ns: int = field(default_factory=time.time_ns)

    def notice(self, event: RunEvent) -> None:
        if not self._span.is_recording():
            return
        match event:
            case RunStarted():
                self._began_ns = time.time_ns()
            case AttemptEnded():
                self._attempt(event)
            case QuestionAccepted():
                self._event(EventKind.QUESTION, position=event.position)
            case QuestionRejected():
                self._event("question-rejected", position=event.position, reason=event.reason)
            case ProviderGivenUp():
                self._event("provider-given-up", provider=event.provider, because=event.because)
            case BatchChecked():
                self._event("batch-checked", outcome=event.outcome, replaceable=event.replaceable)

    def settled(self, result: RunResult, batch_outcome: Outcome) -> None:
        """Record how the run ended and what happened to the batch."""
        span = self._span
        if not span.is_recording():
            return
        span.set_attributes({"tafawoq.outcome": result.outcome, "tafawoq.accepted": result.accepted})
        span.set_attribute("tafawoq.batch.outcome", batch_outcome.name.lower())
        if result.outcome == READY:
            self._event(EventKind.BATCH_READY)
        if batch_outcome in _BATCH_FAILED:
            self._event(EventKind.BATCH_FAILED, code=result.outcome)
        if batch_outcome in _WENT_WRONG:
            failed(span, result.outcome)

    def _event(self, name: str, **attributes: AttributeValue | None) -> None:
        known = {f"tafawoq.{key}": value for key, value in attributes.items() if value is not None}
        self._span.add_event(name, known)

    def _attempt(self, event: AttemptEnded) -> None:
        attempt = event.attempt
        start_ns = self._began_ns + event.since_run_start_ms * _MS
        name = f"{OPERATION} {attempt.model}"
        span = self._tracing.begin(name, SpanKind.CLIENT, parent=self._span, start_ns=start_ns)
        span.set_attributes(_of_attempt(attempt))
        if attempt.outcome != COMPLETE:
            failed(span, attempt.outcome)
        span.end(start_ns + (attempt.duration_ms or 0) * _MS)


def _of_claim(claim: Claim) -> Mapping[str, AttributeValue]:
    return {
        "tafawoq.session.id": str(claim.session_id),
        "tafawoq.batch.index": claim.batch.index,
        "tafawoq.epoch": claim.epoch,
        "tafawoq.run": claim.runs,
        "tafawoq.urgency": claim.urgency.value,
        "tafawoq.open_slots": len(claim.open_slots),
        "tafawoq.queue_wait_s": claim.waited_s,
    }


def _of_attempt(attempt: AttemptRecord) -> Mapping[str, AttributeValue]:
    """Names by the GenAI conventions; a value that the provider did not send is left out."""
    usage = attempt.usage
    values: dict[str, AttributeValue | None] = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": provider_name(attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.response.id": attempt.message_id,
        "gen_ai.response.finish_reasons": None if attempt.stop_reason is None else [attempt.stop_reason],
        "gen_ai.response.time_to_first_chunk": _seconds(attempt.first_token_ms),
        "gen_ai.usage.input_tokens": usage.input + usage.cache_read + usage.cache_written,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_written,
        "tafawoq.attempt.id": str(attempt.id),
        "tafawoq.purpose": attempt.purpose.value,
        "tafawoq.asked": attempt.asked,
        "tafawoq.accepted": attempt.accepted,
        "tafawoq.provider.request_id": attempt.request_id,
    }
    return {name: value for name, value in values.items() if value is not None}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
