"""The metrics of the API: calls by route and status, open streams, students' waiting times, and the queue.

The queue's figures are read from Postgres at each scrape. So they exist without any worker, and every API
process shows the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from db.queue_stats import QueueStats

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 45, 90, 120)

#: More than there are combinations of route and status.
_CACHED_COUNTERS = 512


class ApiMetrics:
    """The metrics of one app, in its own registry. Labels name routes, never sessions or users."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters_of = lru_cache(maxsize=_CACHED_COUNTERS)(self._look_up_counters)
        ProcessCollector(registry=self.registry)
        self._of_connections()
        self._of_calls()
        self._of_signing_keys()
        self._of_the_queue()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one call and its duration."""
        count, observe = self._counters_of(method, route, status)
        count()
        observe(seconds)

    def page(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self.registry)

    def _look_up_counters(
        self, method: str, route: str, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        counter = self.requests.labels(method, route, str(status))
        return counter.inc, self.seconds.labels(method, route).observe

    def _of_connections(self) -> None:
        self.connections = Gauge(
            "tafawoq_http_connections", "Client connections open now", registry=self.registry
        )
        self.connections_cut = Counter(
            "tafawoq_http_connections_cut_total",
            "Connections that the server closed because of a limit, by limit (docs/operations.md)",
            ["reason"],
            registry=self.registry,
        )

    def _of_calls(self) -> None:
        self.requests = Counter(
            "tafawoq_http_requests_total",
            "Calls answered, by route template and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tafawoq_http_request_duration_seconds",
            "From the first bytes of a request to the end of its answer, including the wait for a batch",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge(
            "tafawoq_event_streams", "Server-sent event streams open now", registry=self.registry
        )
        self.streams_refused = Counter(
            "tafawoq_event_streams_refused_total",
            "Streams rejected because their user has the allowed number open",
            registry=self.registry,
        )
        self.batch_answers = Counter(
            "tafawoq_batch_answers_total",
            "Calls for a batch: cached (the student did not wait), ready, pending, in_progress, unavailable",
            ["outcome"],
            registry=self.registry,
        )
        self.batch_wait_seconds = Histogram(
            "tafawoq_batch_wait_seconds",
            "How long a call waited for its batch: the first one, or a later one (a stall in mid-exam)",
            ["batch"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.spend_rejections = Counter(
            "tafawoq_spend_limit_rejections_total",
            "New sessions (day, user) and further batches (session, user) rejected because of a spend limit",
            ["scope"],
            registry=self.registry,
        )
        self.implausible_progress = Counter(
            "tafawoq_implausible_progress_total",
            "Progress reports faster than anybody reads (PREFETCH_READING_S), which started no prefetch",
            registry=self.registry,
        )
        self.reports = Counter(
            "tafawoq_question_reports_total",
            "Questions that a student reported for the first time",
            ["reason"],
            registry=self.registry,
        )
        self.messages_not_enqueued = Counter(
            "tafawoq_messages_not_enqueued_total",
            "Messages that the broker did not take; the workers' sweep enqueues these batches later",
            registry=self.registry,
        )

    def _of_signing_keys(self) -> None:
        self.jwks_fetches = Counter(
            "tafawoq_jwks_fetches_total",
            "Fetches of the signing keys: fetched, timeout, unreachable, status, too_large, unusable, error",
            ["outcome"],
            registry=self.registry,
        )
        self.jwks_fetched = Gauge(
            "tafawoq_jwks_fetched_timestamp_seconds",
            "When the signing keys in use were fetched; an old time: the endpoint is unreachable. NaN: never",
            registry=self.registry,
        )
        self.jwks_fetched.set(math.nan)

    def _of_the_queue(self) -> None:
        self.batches = Gauge(
            "tafawoq_batches",
            "Unfinished batches by state: due, deferred (until its next run), running, lapsed (lease expired)",
            ["urgency", "state"],
            registry=self.registry,
        )
        self.queue_oldest = Gauge(
            "tafawoq_queue_oldest_seconds",
            "How long the oldest due batch has been waiting for a worker",
            ["urgency"],
            registry=self.registry,
        )
        self.deferred_for_providers = Gauge(
            "tafawoq_batches_deferred_for_providers",
            "Batches deferred because no provider answered",
            registry=self.registry,
        )
        self.lease_holders = Gauge(
            "tafawoq_lease_holders", "Worker processes that hold a lease now", registry=self.registry
        )
        self.spent_today = Gauge(
            "tafawoq_spent_today_microdollars",
            "Spent since midnight UTC at list prices, from the ledger",
            registry=self.registry,
        )
        self.queue_stats_read = Gauge(
            "tafawoq_queue_stats_read",
            "1 when Postgres answered this scrape's query about the queue, 0 when those figures are missing",
            registry=self.registry,
        )

    def waited_for(self, batch_index: int) -> Histogram:
        """The histogram for the time that a call waited for this batch; 0 s for a batch that was ready."""
        return self.batch_wait_seconds.labels("later" if batch_index else "first")

    def show(self, queue_stats: QueueStats | None) -> None:
        """Show these figures. None: Postgres did not answer, so the old figures are removed."""
        self.queue_stats_read.set(0 if queue_stats is None else 1)
        if queue_stats is None:
            self.batches.clear()
            self.queue_oldest.clear()
            for gauge in (self.deferred_for_providers, self.lease_holders, self.spent_today):
                gauge.set(math.nan)
            return
        for urgency, queue in queue_stats.queues.items():
            for state in ("due", "deferred", "running", "lapsed"):
                self.batches.labels(urgency, state).set(getattr(queue, state))
            self.queue_oldest.labels(urgency).set(queue.oldest_due_s)
        self.deferred_for_providers.set(queue_stats.deferred_for_providers)
        self.lease_holders.set(queue_stats.workers)
        self.spent_today.set(float(queue_stats.spent_today_microdollars))
