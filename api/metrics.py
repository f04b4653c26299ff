"""What the API counts: calls by route and status, open streams, how long students waited, and the queue.

The queue's levels are read from Postgres when somebody asks for the page, so that they are there also when
no worker is, and every API tells the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from db.queue_stats import QueueStats

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 45, 90, 120)


#: Routes times statuses are fewer than this.
_COUNTERS_AT_HAND = 512


class ApiMetrics:
    """The metrics of one app, in a registry of its own. Labels name routes, never sessions or users."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters_of = lru_cache(maxsize=_COUNTERS_AT_HAND)(self._look_up_counters)
        ProcessCollector(registry=self.registry)
        self._of_connections()
        self._of_calls()
        self._of_signing_keys()
        self._of_the_queue()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one call, and how long it took."""
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
            "tafawoq_http_connections", "Clients' connections open now", registry=self.registry
        )
        self.connections_cut = Counter(
            "tafawoq_http_connections_cut_total",
            "Connections that the server ended because of a bound, by which (docs/operations.md)",
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
            "From a request's first bytes to the end of its answer, waiting included",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge(
            "tafawoq_event_streams", "Server-sent event streams open now", registry=self.registry
        )
        self.streams_refused = Counter(
            "tafawoq_event_streams_refused_total",
            "Streams refused because their user has as many as one may have",
            registry=self.registry,
        )
        self.batch_answers = Counter(
            "tafawoq_batch_answers_total",
            "Calls for a batch: cached (the student waited for nothing), ready, pending, in_progress, unavailable",
            ["outcome"],
            registry=self.registry,
        )
        self.batch_wait_seconds = Histogram(
            "tafawoq_batch_wait_seconds",
            "How long a call waited for its batch, by batch: first, or later (a student in mid-exam: a stall)",
            ["batch"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.spend_rejections = Counter(
            "tafawoq_spend_limit_rejections_total",
            "New sessions (day) and further batches (session) refused because of a limit on money",
            ["scope"],
            registry=self.registry,
        )
        self.messages_not_enqueued = Counter(
            "tafawoq_messages_not_enqueued_total",
            "Messages that the broker did not take; the workers' sweep enqueues instead",
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
            "When the signing keys in use were fetched; old: their endpoint is away. NaN: they never were",
            registry=self.registry,
        )
        self.jwks_fetched.set(math.nan)

    def _of_the_queue(self) -> None:
        self.batches = Gauge(
            "tafawoq_batches",
            "Unfinished batches by state: due, deferred (waits for its next try), running, lapsed (nobody's)",
            ["urgency", "state"],
            registry=self.registry,
        )
        self.queue_oldest = Gauge(
            "tafawoq_queue_oldest_seconds",
            "How long the oldest batch has been due that nobody works on",
            ["urgency"],
            registry=self.registry,
        )
        self.deferred_for_providers = Gauge(
            "tafawoq_batches_deferred_for_providers",
            "Batches that wait because no provider would write",
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
            "1 when Postgres answered this page's question about the queue, 0 when the levels are not there",
            registry=self.registry,
        )

    def waited_for(self, batch_index: int) -> Histogram:
        """Where to note how long a call waited for this batch: also those that found it ready."""
        return self.batch_wait_seconds.labels("later" if batch_index else "first")

    def show(self, queue_stats: QueueStats | None) -> None:
        """Take these levels for the page; None: Postgres did not answer, and old levels must not stand."""
        self.queue_stats_read.set(0 if queue_stats is None else 1)
        if queue_stats is None:
            self.batches.clear()
            self.queue_oldest.clear()
            for level in (self.deferred_for_providers, self.lease_holders, self.spent_today):
                level.set(math.nan)
            return
        for urgency, queue in queue_stats.queues.items():
            for state in ("due", "deferred", "running", "lapsed"):
                self.batches.labels(urgency, state).set(getattr(queue, state))
            self.queue_oldest.labels(urgency).set(queue.oldest_due_s)
        self.deferred_for_providers.set(queue_stats.deferred_for_providers)
        self.lease_holders.set(queue_stats.workers)
        self.spent_today.set(float(queue_stats.spent_today_microdollars))
