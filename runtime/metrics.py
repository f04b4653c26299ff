"""The names of all metrics of a worker.

Each label has few values: no session, user or request.
"""

from __future__ import annotations

import math

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 55, 90, 150, 240)
#: The buckets that OpenTelemetry recommends for tokens.
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)

#: Our providers under the names of OpenTelemetry's GenAI conventions.
PROVIDER_NAMES = {"claude": "anthropic", "openrouter": "openrouter"}
#: The operation of every model call, in the same conventions.
OPERATION = "chat"


def provider_name(provider: str) -> str:
    """A metric's label for one of our providers."""
    return PROVIDER_NAMES.get(provider, provider)


class Metrics:
    """Every metric of a worker, registered once in a process (or in the given registry, for a test).

    The labels of model calls are those of OpenTelemetry's GenAI conventions, with `_` for `.`. A worker is one
    process with threads, so its registry is complete; several workers are several targets.
    `python -m tests.support.metrics_page` makes docs/metrics.md from this class.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._of_runs()
        self._of_batches()
        self._of_questions()
        self._of_model_calls()
        self._of_spending()
        self._of_providers()
        self._of_the_process()

    def _of_runs(self) -> None:
        registry = self._registry
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
        self.queue_wait_seconds = Histogram(
            "tafawoq_queue_wait_seconds",
            "From the moment a batch was due to its claim",
            ["urgency"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_question_seconds = Histogram(
            "tafawoq_first_question_seconds",
            "From claim to the run's first committed question",
            ["urgency"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.messages = Counter(
            "tafawoq_messages_total",
            "Messages by outcome: run, held_elsewhere (another worker has it), nothing_to_do, store_away (no Postgres)",
            ["outcome"],
            registry=registry,
        )

    def _of_batches(self) -> None:
        registry = self._registry
        self.batches_given_up = Counter(
            "tafawoq_batches_given_up_total",
            "Batches that rest because nothing came of them; `show` prints the outcome of the last run",
            registry=registry,
        )
        self.budgets_exhausted = Counter(
            "tafawoq_budgets_exhausted_total",
            "Batches that rest because they have used up their budget of calls or money",
            registry=registry,
        )
        self.slots_deviated = Counter(
            "tafawoq_slots_deviated_total",
            "Slots that were replaced because no provider could fill them: by another subtopic or another topic",
            ["deviation"],
            registry=registry,
        )
        self.batches_ended_short = Counter(
            "tafawoq_batches_ended_short_total",
            "Last batches of a session that were published with fewer questions than planned",
            registry=registry,
        )
        self.leases_lost = Counter(
            "tafawoq_leases_lost_total", "Runs that found their lease gone", registry=registry
        )
        self.sweep_enqueued = Counter(
            "tafawoq_sweep_enqueued_total", "Batches that the sweep enqueued again", registry=registry
        )

    def _of_questions(self) -> None:
        registry = self._registry
        self.questions_accepted = Counter(
            "tafawoq_questions_accepted_total",
            "Questions committed",
            ["gen_ai_provider_name", "question_type"],
            registry=registry,
        )
        self.questions_rejected = Counter(
            "tafawoq_questions_rejected_total",
            "Objects of a reply that did not become a question",
            ["gen_ai_provider_name", "reason"],
            registry=registry,
        )
        self.questions_flagged = Counter(
            "tafawoq_questions_flagged_total",
            "Rules that a committed question breaks without being rejected, by severity: flag, or only count",
            ["rule", "severity"],
            registry=registry,
        )

        self.solver_verdicts = Counter(
            "tafawoq_solver_verdicts_total",
            "Questions by the result of the answer check: agreed, disputed, unsure; skipped when it was not made",
            ["verdict"],
            registry=registry,
        )
        self.questions_replaceable = Counter(
            "tafawoq_questions_replaceable_total",
            "Questions whose key the solver disputed, and that the run was to write again",
            registry=registry,
        )
        self.questions_doubtful_language = Counter(
            "tafawoq_questions_doubtful_language_total",
            "Questions in whose language the answer check doubts words",
            registry=registry,
        )

    def _of_model_calls(self) -> None:
        registry = self._registry
        call = ["gen_ai_provider_name", "gen_ai_request_model"]
        self.call_seconds = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Model calls from request to their end; error_type is empty when the reply was complete",
            ["gen_ai_operation_name", *call, "error_type"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_chunk_seconds = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "From request to first text of a model call",
            ["gen_ai_operation_name", *call],
            buckets=_SECONDS,
            registry=registry,
        )
        self.token_usage = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of a model call by type: input (cached ones included), output",
            ["gen_ai_operation_name", *call, "gen_ai_token_type"],
            buckets=_TOKENS,
            registry=registry,
        )
        self.attempts = Counter(
            "tafawoq_attempts_total",
            "Model calls by outcome: complete, a stop reason, or an error's code",
            [*call, "outcome"],
            registry=registry,
        )
        self.tokens = Counter(
            "tafawoq_tokens_total",
            "Tokens as they are billed: input, output, cache_read, cache_write_5m, cache_write_1h",
            [*call, "kind"],
            registry=registry,
        )
        self.cache_misses = Counter(
            "tafawoq_cache_misses_total",
            "Model calls that read less from the cache than they could, by the provider's reason",
            [*call, "reason"],
            registry=registry,
        )
        self.cost_microdollars = Counter(
            "tafawoq_cost_microdollars_total", "Spent at list prices", call, registry=registry
        )
        self.providers_given_up = Counter(
            "tafawoq_providers_given_up_total",
            "Times a run gave up a provider",
            ["gen_ai_provider_name", "because"],
            registry=registry,
        )

    def _of_spending(self) -> None:
        registry = self._registry
        self.spend_rejections = Counter(
            "tafawoq_spend_limit_rejections_total",
            "Batches given up or not begun because of a spend limit",
            ["scope"],
            registry=registry,
        )
        self.day_limit_passed = Gauge(
            "tafawoq_day_limit_passed",
            "1 when today's calls have cost this share of SPEND_LIMIT_DAY_USD: 50, 80, 95 percent",
            ["percent"],
            registry=registry,
        )
        self.claude_month_spent = Gauge(
            "tafawoq_claude_month_spent_microdollars",
            "Cost of Claude's calls since the first of the month (UTC), with booked corrections",
            registry=registry,
        )
        self.claude_month_cap = Gauge(
            "tafawoq_claude_month_cap_microdollars", "CLAUDE_MONTH_CAP_USD; 0: not set", registry=registry
        )
        self.claude_cap_days_left = Gauge(
            "tafawoq_claude_cap_days_left",
            "Days until CLAUDE_MONTH_CAP_USD is spent at the last week's rate; +Inf: the month ends first, or no cap",
            registry=registry,
        )
        self.claude_cap_days_left.set(math.inf)

    def _of_providers(self) -> None:
        registry = self._registry
        self.breaker_openings = Counter(
            "tafawoq_circuit_breaker_openings_total",
            "Times the circuit breaker of a provider opened",
            ["provider", "because"],
            registry=registry,
        )
        self.circuit_breaker_open = Gauge(
            "tafawoq_circuit_breaker_open",
            "1 while the circuit breaker of a provider is open, as this process last saw it",
            ["provider"],
            registry=registry,
        )
        self.rate_limiter_wait_seconds = Histogram(
            "tafawoq_rate_limiter_wait_seconds",
            "How long model calls waited for the rate limiter",
            ["provider", "urgency"],
            buckets=(0.005, *_SECONDS),
            registry=registry,
        )
        self.calls_throttled = Counter(
            "tafawoq_calls_throttled_total",
            "Model calls that were not made because the wait for the rate limiter would have been too long",
            ["provider", "urgency"],
            registry=registry,
        )
        self.limit_remaining = Gauge(
            "tafawoq_limit_remaining_ratio",
            "The remaining share of a rate limit, by the provider's headers: requests, input, output",
            ["provider", "kind"],
            registry=registry,
        )
        self.prefix_drifts = Counter(
            "tafawoq_prefix_drifts_total",
            "Times the shared prefix was found to differ between calls",
            ["provider", "because"],
            registry=registry,
        )

    def _of_the_process(self) -> None:
        registry = self._registry
        self.slots = Gauge("tafawoq_worker_slots", "Runs that this worker can do at once", registry=registry)
        self.last_heartbeat = Gauge(
            "tafawoq_worker_last_heartbeat_timestamp_seconds",
            "When the broker last answered the worker; old: it takes no messages",
            registry=registry,
        )
        self.last_sweep = Gauge(
            "tafawoq_sweep_last_pass_timestamp_seconds",
            "When the sweep last read the rows; old: Postgres is down or the thread has ended",
            registry=registry,
        )
        self.heartbeats_missed = Counter(
            "tafawoq_lease_heartbeats_missed_total",
            "Times the leases were not renewed because Postgres did not answer",
            registry=registry,
        )
        self.messages_refused = Counter(
            "tafawoq_messages_refused_total",
            "Messages that no task could take: unreadable, unknown, fields, rejected, internal_error",
            ["why"],
            registry=registry,
        )
        for why in ("unreadable", "unknown", "fields", "rejected", "internal_error"):
            self.messages_refused.labels(
                why
            )  # Prometheus sees the first increase only of a counter that was 0 before
