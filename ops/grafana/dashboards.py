"""The dashboards, one for each question, written to dashboards/*.json: `python ops/grafana/dashboards.py`.

The first panels of a dashboard answer its title; the later ones give the reasons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, PER_ROW = 8, 8, 3
BY_PROVIDER = "sum by (gen_ai_provider_name)"
PROVIDER = "{{gen_ai_provider_name}}"


@dataclass(frozen=True)
class Panel:
    title: str
    queries: tuple[tuple[str, str], ...]  #: PromQL, and the legend of its lines
    unit: str = "short"
    means: str = ""  #: how to read the panel
    kind: str = "timeseries"


def quantile(q: float, metric: str, by: str = "", where: str = "") -> str:
    labels = "le" + (f", {by}" if by else "")
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{where}[$__rate_interval])))"


def rate(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by}) ' if by else ' '}(rate({metric}[$__rate_interval]))"


STUDENTS = [
    Panel(
        "Longest wait for a batch that no worker works on",
        (("max by (urgency) (tafawoq_queue_oldest_seconds)", "{{urgency}}"),),
        "s",
        "Above 20 s for interactive: see StudentsWait in the runbook.",
    ),
    Panel(
        "Later batches that were ready within two seconds",
        (
            (
                (
                    'sum(rate(tafawoq_batch_wait_seconds_bucket{batch="later", le="2.0"}[$__rate_interval]))'
                    ' / sum(rate(tafawoq_batch_wait_seconds_count{batch="later"}[$__rate_interval]))'
                ),
                "of all requested batches",
            ),
        ),
        "percentunit",
        "A student in mid-exam should never wait.",
    ),
    Panel(
        "First question, from claim",
        (
            (quantile(0.5, "tafawoq_first_question_seconds", "urgency"), "{{urgency}} median"),
            (quantile(0.95, "tafawoq_first_question_seconds", "urgency"), "{{urgency}} p95"),
        ),
        "s",
    ),
    Panel(
        "Wait in the queue",
        (
            (quantile(0.5, "tafawoq_queue_wait_seconds", "urgency"), "{{urgency}} median"),
            (quantile(0.95, "tafawoq_queue_wait_seconds", "urgency"), "{{urgency}} p95"),
        ),
        "s",
        "Long: too few workers. Short, with a slow first question: the model is slow.",
    ),
    Panel(
        "Unfinished batches",
        (("max by (urgency, state) (tafawoq_batches)", "{{urgency}} {{state}}"),),
    ),
    Panel(
        "Runs and slots",
        (
            ("sum by (urgency) (tafawoq_runs_active)", "{{urgency}}"),
            ("sum(tafawoq_worker_slots)", "slots"),
            ("max(tafawoq_lease_holders)", "workers with a lease"),
        ),
    ),
    Panel(
        "Answers to calls for a batch",
        ((rate("tafawoq_batch_answers_total", "outcome"), "{{outcome}}"),),
        "reqps",
    ),
    Panel("Open event streams", (("sum(tafawoq_event_streams)", "streams"),)),
    Panel(
        "Slowest calls",
        ((quantile(0.95, "tafawoq_http_request_duration_seconds", "method, route"), "{{method}} {{route}}"),),
        "s",
        "Waiting for a batch is part of a call's time.",
    ),
]

CACHE = [
    Panel(
        "Hit rate of the shared tokens",
        (
            (
                (
                    f'{BY_PROVIDER} (rate(tafawoq_tokens_total{{kind="cache_read"}}[$__rate_interval])) / {BY_PROVIDER}'
                    ' (rate(tafawoq_tokens_total{kind=~"cache_read|cache_write_5m|cache_write_1h"}[$__rate_interval]))'
                ),
                PROVIDER,
            ),
        ),
        "percentunit",
        "Read / (read + written). Below half for long: CacheCold in the runbook.",
    ),
    Panel("Tokens by kind", ((rate("tafawoq_tokens_total", "kind"), "{{kind}}"),), "short", "Per second."),
    Panel(
        "Why it missed",
        (
            (
                rate("tafawoq_cache_misses_total", "gen_ai_provider_name, reason"),
                "{{gen_ai_provider_name}} {{reason}}",
            ),
        ),
        "reqps",
        "system_changed: two versions of the prompt run at once.",
    ),
    Panel(
        "Input tokens of a call",
        (
            (
                quantile(
                    0.5, "gen_ai_client_token_usage", "gen_ai_provider_name", '{gen_ai_token_type="input"}'
                ),
                f"{PROVIDER} median",
            ),
        ),
    ),
    Panel(
        "Time to first text",
        (
            (
                quantile(0.95, "gen_ai_client_operation_time_to_first_chunk_seconds", "gen_ai_provider_name"),
                f"{PROVIDER} p95",
            ),
        ),
        "s",
        "With a cold prefix the first text is late.",
    ),
]

COST = [
    Panel(
        "Spent today",
        (("max(tafawoq_spent_today_microdollars) / 1e6", "since midnight UTC"),),
        "currencyUSD",
        "From the ledger, exact. `tafawoq-worker cost` shows the parts.",
        "stat",
    ),
    Panel(
        "Spending an hour",
        (
            (
                (
                    "sum by (gen_ai_provider_name, gen_ai_request_model)"
                    " (rate(tafawoq_cost_microdollars_total[$__rate_interval])) * 3600 / 1e6"
                ),
                PROVIDER + " {{gen_ai_request_model}}",
            ),
        ),
        "currencyUSD",
    ),
    Panel(
        "Cost of a question",
        (
            (
                (
                    "sum(rate(tafawoq_cost_microdollars_total[1h]))"
                    " / sum(rate(tafawoq_questions_accepted_total[1h])) / 1e6"
                ),
                "of the last hour",
            ),
        ),
        "currencyUSD",
        "An exam is 96 of them.",
    ),
    Panel(
        "Questions",
        ((rate("tafawoq_questions_accepted_total", "question_type") + " * 60", "{{question_type}}"),),
        "short",
        "Committed per minute.",
    ),
    Panel(
        "Output tokens of a call",
        (
            (
                quantile(
                    0.95, "gen_ai_client_token_usage", "gen_ai_provider_name", '{gen_ai_token_type="output"}'
                ),
                f"{PROVIDER} p95",
            ),
        ),
    ),
    Panel(
        "Paid for and rejected",
        (
            (
                (
                    "sum(rate(tafawoq_questions_rejected_total[15m])) / (sum(rate(tafawoq_questions_rejected_total[15m]))"
                    " + sum(rate(tafawoq_questions_accepted_total[15m])))"
                ),
                "of all objects",
            ),
        ),
        "percentunit",
    ),
]

FAILING = [
    Panel(
        "Model calls by outcome",
        ((rate("tafawoq_attempts_total", "gen_ai_provider_name, outcome"), PROVIDER + " {{outcome}}"),),
        "reqps",
    ),
    Panel(
        "Failing calls",
        (
            (
                (
                    f'{BY_PROVIDER} (rate(gen_ai_client_operation_duration_seconds_count{{error_type!=""}}[$__rate_interval]))'
                    f" / {BY_PROVIDER} (rate(gen_ai_client_operation_duration_seconds_count[$__rate_interval]))"
                ),
                PROVIDER,
            ),
        ),
        "percentunit",
    ),
    Panel(
        "Providers with an open circuit breaker",
        (
            ("max by (provider) (tafawoq_circuit_breaker_open)", "{{provider}} is left alone"),
            ("max(tafawoq_batches_deferred_for_providers)", "batches deferred"),
            (rate("tafawoq_providers_given_up_total", "because"), "given up: {{because}}"),
        ),
    ),
    Panel("Runs by outcome", ((rate("tafawoq_runs_total", "outcome"), "{{outcome}}"),), "reqps"),
    Panel(
        "Batches given up",
        (("sum(increase(tafawoq_batches_given_up_total[1h]))", "in the last hour"),),
        "short",
        "`tafawoq-worker retry` queues them again.",
        "stat",
    ),
    Panel(
        "Why questions were rejected",
        ((rate("tafawoq_questions_rejected_total", "reason"), "{{reason}}"),),
        "short",
        "Per second.",
    ),
    Panel(
        "Calls that failed",
        (
            (
                'sum by (route, status) (rate(tafawoq_http_requests_total{status=~"5.."}[$__rate_interval]))',
                "{{status}} {{route}}",
            ),
        ),
        "reqps",
    ),
    Panel(
        "Leases, heartbeats, sweeps",
        (
            ("sum(increase(tafawoq_leases_lost_total[5m]))", "leases lost"),
            ("sum(increase(tafawoq_lease_heartbeats_missed_total[5m]))", "heartbeats missed"),
            ("sum(increase(tafawoq_sweep_enqueued_total[5m]))", "enqueued again by the sweep"),
            ("sum(increase(tafawoq_messages_not_enqueued_total[5m]))", "messages not enqueued"),
        ),
    ),
    Panel(
        "Silence",
        (
            ("max(time() - tafawoq_sweep_last_pass_timestamp_seconds)", "since the slowest sweep"),
            ("max(time() - tafawoq_worker_last_heartbeat_timestamp_seconds)", "since the slowest heartbeat"),
        ),
        "s",
        "A minute: SweepStopped or RedisAway in the runbook.",
    ),
]

DASHBOARDS = {
    "students": ("Are students waiting?", STUDENTS),
    "cache": ("Is the cache working?", CACHE),
    "cost": ("What does it cost?", COST),
    "failing": ("What is failing?", FAILING),
}


def dashboard(uid: str) -> dict[str, Any]:
    title, panels = DASHBOARDS[uid]
    return {
        "uid": f"tafawoq-{uid}",
        "title": title,
        "tags": ["tafawoq"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [
            {"type": "dashboards", "tags": ["tafawoq"], "title": "Other questions", "asDropdown": False}
        ],
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, PER_ROW)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.means,
        "datasource": DATASOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": expr, "legendFormat": legend}
            for index, (expr, legend) in enumerate(panel.queries)
        ],
    }


def text(uid: str) -> str:
    return json.dumps(dashboard(uid), indent=1) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(text(name))
