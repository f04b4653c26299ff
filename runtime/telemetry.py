"""What every process says about itself: structured log lines, and the names of all metrics.

Log lines are one event name and fields: ids and numbers, never question text, an answer or a key. The
ids bound to the current task or request are added to every line. Metric labels have few values each: no
session, no user, no request.
"""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from structlog.types import Processor

_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 55, 90, 150, 240)


def configure_logging(*, level: str, log_format: str) -> None:
    """Route our lines and every library's through one formatter to standard output.

    "json": one object a line, for machines, with Arabic as written; "console": for people. Safe to call
    again; the last call wins.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class Metrics:
    """Every metric of the workers, registered once a process (or in the given registry, for a test)."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.runs = Counter(
            "tafawoq_runs_total",
            "Runs of batches, by how they ended",
            ["urgency", "outcome"],
            registry=registry,
        )
        self.runs_active = Gauge("tafawoq_runs_active", "Runs in progress", ["urgency"], registry=registry)
        self.run_seconds = Histogram(
            "tafawoq_run_duration_seconds",
            "From claim to end of a run",
            ["urgency", "outcome"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.questions_accepted = Counter(
            "tafawoq_questions_accepted_total",
            "Questions committed",
            ["provider", "question_type"],
            registry=registry,
        )
        self.questions_rejected = Counter(
            "tafawoq_questions_rejected_total",
            "Objects of a reply that did not become a question",
            ["provider", "reason"],
            registry=registry,
        )
        self.first_question_seconds = Histogram(
            "tafawoq_first_question_seconds",
            "From claim to the run's first committed question",
            ["urgency"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.attempts = Counter(
            "tafawoq_attempts_total", "Model calls", ["provider", "model", "outcome"], registry=registry
        )
        self.first_token_seconds = Histogram(
            "tafawoq_first_token_seconds",
            "From request to first text of a model call",
            ["provider", "model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.tokens = Counter(
            "tafawoq_tokens_total",
            "Tokens by kind: input, output, cache_read, cache_write_5m, cache_write_1h",
            ["provider", "model", "kind"],
            registry=registry,
        )
        self.cost_microdollars = Counter(
            "tafawoq_cost_microdollars_total",
            "Spent at list prices",
            ["provider", "model"],
            registry=registry,
        )
        self.source_switches = Counter(
            "tafawoq_source_switches_total",
            "Times a run turned away from a provider",
            ["provider", "because"],
            registry=registry,
        )
        self.leases_lost = Counter(
            "tafawoq_leases_lost_total", "Runs that found their lease gone", registry=registry
        )
        self.sweep_rung = Counter(
            "tafawoq_sweep_rung_total", "Batches that the sweep enqueued again", registry=registry
        )
