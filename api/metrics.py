"""What the door counts: calls by route and status, open streams, and how calls for a batch ended."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 45, 90, 120)


class DoorMetrics:
    """The metrics of one app, in a registry of its own. Labels name routes, never sessions or users."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "tafawoq_http_requests_total",
            "Calls answered, by route template and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tafawoq_http_request_duration_seconds",
            "From request to the end of its answer, waiting included",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge(
            "tafawoq_event_streams", "Server-sent event streams open now", registry=self.registry
        )
        self.batch_answers = Counter(
            "tafawoq_batch_answers_total",
            "Calls for a batch: cached, ready, pending, in_progress, unavailable",
            ["outcome"],
            registry=self.registry,
        )

    def page(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self.registry)
