"""Facts of a run, told as metrics and log lines."""

from __future__ import annotations

import structlog

from generation.call import COMPLETE
from generation.errors import FenceLost
from generation.facts import (
    AttemptEnded,
    BatchChecked,
    Fact,
    QuestionAccepted,
    QuestionRejected,
    RunEnded,
    RunStarted,
    SourceGivenUp,
)
from generation.model import AttemptRecord
from generation.stop import StopReason
from runtime.telemetry import OPERATION, Metrics, provider_name

log = structlog.get_logger(__name__)


class TelemetryObserver:
    """Implements generation.ports.Observer. Ids and numbers only: a fact holds nothing else."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def notice(self, fact: Fact) -> None:
        match fact:
            case RunStarted():
                self._run_started(fact)
            case QuestionAccepted():
                self._accepted(fact)
            case QuestionRejected():
                self._rejected(fact)
            case AttemptEnded():
                self._attempt_ended(fact.attempt)
            case SourceGivenUp():
                self._source_given_up(fact)
            case BatchChecked():
                self._checked(fact)
            case RunEnded():
                self._run_ended(fact)

    def _run_started(self, fact: RunStarted) -> None:
        self._metrics.runs_active.labels(fact.urgency).inc()
        log.info("run_started", epoch=fact.epoch, urgency=fact.urgency, open_slots=fact.open_slots)

    def _accepted(self, fact: QuestionAccepted) -> None:
        provider = provider_name(fact.provider)
        self._metrics.questions_accepted.labels(provider, fact.question_type).inc()
        log.debug("question_accepted", position=fact.position, after_ms=fact.since_run_start_ms)

    def _rejected(self, fact: QuestionRejected) -> None:
        self._metrics.questions_rejected.labels(provider_name(fact.provider), fact.reason).inc()
        log.info("question_rejected", position=fact.position, reason=fact.reason, provider=fact.provider)

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

    def _source_given_up(self, fact: SourceGivenUp) -> None:
        self._metrics.sources_given_up.labels(provider_name(fact.source), fact.because).inc()
        log.warning("source_given_up", source=fact.source, because=fact.because)

    def _checked(self, fact: BatchChecked) -> None:
        for verdict in ("agreed", "disputed", "unsure", "skipped"):
            self._metrics.solver_verdicts.labels(verdict).inc(getattr(fact, verdict))
        self._metrics.questions_replaceable.inc(fact.replaceable)
        log.info(
            "batch_checked",
            outcome=fact.outcome,
            agreed=fact.agreed,
            disputed=fact.disputed,
            unsure=fact.unsure,
            skipped=fact.skipped,
            replaceable=fact.replaceable,
        )

    def _run_ended(self, fact: RunEnded) -> None:
        self._metrics.runs_active.labels(fact.urgency).dec()
        self._metrics.runs.labels(fact.urgency, fact.outcome).inc()
        self._metrics.run_seconds.labels(fact.urgency, fact.outcome).observe(fact.duration_ms / 1000)
        if fact.first_question_ms is not None:
            self._metrics.first_question_seconds.labels(fact.urgency).observe(fact.first_question_ms / 1000)
        if fact.outcome in {StopReason.LEASE_LOST, FenceLost.code}:
            self._metrics.leases_lost.inc()
        log.info(
            "run_ended",
            epoch=fact.epoch,
            outcome=fact.outcome,
            accepted=fact.accepted,
            attempts=fact.attempts,
            first_question_ms=fact.first_question_ms,
            duration_ms=fact.duration_ms,
        )
