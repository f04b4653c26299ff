"""The events of a run as metrics and log lines."""

from __future__ import annotations

import structlog

from generation.batch_history import Deviation
from generation.call import COMPLETE
from generation.cancellation import StopReason
from generation.errors import FenceLost
from generation.model_call import AttemptRecord
from generation.rules.table import Severity
from generation.run_events import (
    AttemptEnded,
    BatchChecked,
    BatchEndedShort,
    ProviderGivenUp,
    QuestionAccepted,
    QuestionRejected,
    RunEnded,
    RunEvent,
    RunStarted,
    SlotDeviated,
)
from runtime.metrics import OPERATION, Metrics, provider_name

log = structlog.get_logger(__name__)


class RunMetrics:
    """Implements generation.ports.Observer. Records ids and numbers only: an event holds nothing else."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # A series that begins with its first slot would hide that slot from an alert.
        for deviation in Deviation:
            metrics.slots_deviated.labels(deviation)

    def notice(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                self._run_started(event)
            case QuestionAccepted():
                self._accepted(event)
            case QuestionRejected():
                self._rejected(event)
            case AttemptEnded():
                self._attempt_ended(event.attempt)
            case ProviderGivenUp():
                self._provider_given_up(event)
            case SlotDeviated():
                self._deviated(event)
            case BatchEndedShort():
                self._ended_short(event)
            case BatchChecked():
                self._checked(event)
            case RunEnded():
                self._run_ended(event)

    def _run_started(self, event: RunStarted) -> None:
        self._metrics.runs_active.labels(event.urgency).inc()
        log.info("run_started", epoch=event.epoch, urgency=event.urgency, open_slots=event.open_slots)

    def _accepted(self, event: QuestionAccepted) -> None:
        provider = provider_name(event.provider)
        self._metrics.questions_accepted.labels(provider, event.question_type).inc()
        for rule in event.noted:
            self._metrics.questions_flagged.labels(rule.name, rule.severity).inc()
        flags = [rule.name for rule in event.noted if rule.severity is Severity.FLAG]
        log.debug(
            "question_accepted", position=event.position, after_ms=event.since_run_start_ms, flags=flags
        )

    def _rejected(self, event: QuestionRejected) -> None:
        self._metrics.questions_rejected.labels(provider_name(event.provider), event.reason).inc()
        log.info("question_rejected", position=event.position, reason=event.reason, provider=event.provider)

    def _attempt_ended(self, attempt: AttemptRecord) -> None:
        self._count_call(attempt)
        usage = attempt.usage
        log.info(
            "attempt_ended",
            attempt=str(attempt.id),
            provider=attempt.provider,
            model=attempt.model,
            purpose=attempt.purpose.value,
            outcome=attempt.outcome,
            stop_reason=attempt.stop_reason,
            asked=attempt.asked,
            accepted=attempt.accepted,
            rejected=attempt.rejected,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cache_read,
            cache_written_tokens=usage.cache_written,
            usage_source=attempt.usage_source.value,
            cost_microdollars=str(attempt.cost_microdollars),
            first_token_ms=attempt.first_token_ms,
            duration_ms=attempt.duration_ms,
            provider_request=attempt.request_id,
            cache_miss_reason=attempt.cache_miss_reason,
        )

    def _count_call(self, attempt: AttemptRecord) -> None:
        metrics, usage = self._metrics, attempt.usage
        by = (provider_name(attempt.provider), attempt.model)
        error_type = "" if attempt.outcome == COMPLETE else attempt.outcome
        metrics.attempts.labels(*by, attempt.outcome).inc()
        metrics.cost_microdollars.labels(*by).inc(float(attempt.cost_microdollars))
        metrics.call_seconds.labels(OPERATION, *by, error_type).observe((attempt.duration_ms or 0) / 1000)
        if attempt.first_token_ms is not None:
            metrics.first_chunk_seconds.labels(OPERATION, *by).observe(attempt.first_token_ms / 1000)
        read_or_written = usage.cache_read + usage.cache_written
        metrics.token_usage.labels(OPERATION, *by, "input").observe(usage.input + read_or_written)
        metrics.token_usage.labels(OPERATION, *by, "output").observe(usage.output)
        for kind in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"):
            metrics.tokens.labels(*by, kind).inc(getattr(usage, kind))
        if attempt.cache_miss_reason is not None:
            metrics.cache_misses.labels(*by, attempt.cache_miss_reason).inc()

    def _provider_given_up(self, event: ProviderGivenUp) -> None:
        self._metrics.providers_given_up.labels(provider_name(event.provider), event.because).inc()
        log.warning("provider_given_up", provider=event.provider, because=event.because)

    def _deviated(self, event: SlotDeviated) -> None:
        self._metrics.slots_deviated.labels(event.deviation or "").inc()
        log.warning("slot_deviated", position=event.position, deviation=event.deviation)

    def _ended_short(self, event: BatchEndedShort) -> None:
        self._metrics.batches_ended_short.inc()
        log.error("batch_ended_short", missing=event.missing)

    def _checked(self, event: BatchChecked) -> None:
        for verdict in ("agreed", "disputed", "unsure", "skipped"):
            self._metrics.solver_verdicts.labels(verdict).inc(getattr(event, verdict))
        self._metrics.questions_replaceable.inc(event.replaceable)
        self._metrics.questions_doubtful_language.inc(event.doubtful_language)
        log.info(
            "batch_checked",
            outcome=event.outcome,
            agreed=event.agreed,
            disputed=event.disputed,
            unsure=event.unsure,
            skipped=event.skipped,
            replaceable=event.replaceable,
            outweighed=event.outweighed,
            doubtful_language=event.doubtful_language,
        )

    def _run_ended(self, event: RunEnded) -> None:
        self._metrics.runs_active.labels(event.urgency).dec()
        self._metrics.runs.labels(event.urgency, event.outcome).inc()
        self._metrics.run_seconds.labels(event.urgency, event.outcome).observe(event.duration_ms / 1000)
        if event.first_question_ms is not None:
            self._metrics.first_question_seconds.labels(event.urgency).observe(event.first_question_ms / 1000)
        if event.outcome in {StopReason.LEASE_LOST, FenceLost.code}:
            self._metrics.leases_lost.inc()
        log.info(
            "run_ended",
            epoch=event.epoch,
            outcome=event.outcome,
            accepted=event.accepted,
            attempts=event.attempts,
            first_question_ms=event.first_question_ms,
            duration_ms=event.duration_ms,
        )
