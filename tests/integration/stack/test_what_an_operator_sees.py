"""After exams: every metric is where the docs say, and nothing that an operator can see tells a key or a secret.

CRAWL_EXAMS=20 takes twenty whole exams first; by default one session of each kind is enough to have seen all.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import psycopg
import pytest

from runtime.money import dollars
from tests.integration.stack.student import Student
from tests.support.collector import Collector
from tests.support.metrics_page import Described, api_metrics, worker_metrics
from tests.support.stack import running_stack
from tools.stack.stack import Stack

FLOWER = ("operator", "hunter2-flower")
SECRETS = {
    "FLOWER_BASIC_AUTH": ":".join(FLOWER),
    "API_SERVICE_TOKEN": "hunter2-service-token",
    "ANTHROPIC_API_KEY": "sk-ant-hunter2-model-key",
    "OPENROUTER_API_KEY": "sk-or-hunter2-fallback-key",
}
EXAMS = int(os.environ.get("CRAWL_EXAMS", "1"))

#: What an exam cannot but move. The others stand at the endpoint too, and wait for their event.
MOVED = {
    "tafawoq_http_requests_total",
    "tafawoq_batch_answers_total",
    "tafawoq_batch_wait_seconds_count",
    "tafawoq_spent_today_microdollars",
    "tafawoq_runs_total",
    "tafawoq_messages_total",
    "tafawoq_queue_wait_seconds_count",
    "tafawoq_first_question_seconds_count",
    "tafawoq_questions_accepted_total",
    "tafawoq_attempts_total",
    "tafawoq_tokens_total",
    "tafawoq_cost_microdollars_total",
    "tafawoq_worker_slots",
    "tafawoq_worker_last_heartbeat_timestamp_seconds",
    "tafawoq_sweep_last_pass_timestamp_seconds",
    "gen_ai_client_operation_duration_seconds_count",
    "gen_ai_client_operation_time_to_first_chunk_seconds_count",
    "gen_ai_client_token_usage_count",
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("seen")
    environment = {name: SECRETS[name] for name in SECRETS if name != "ANTHROPIC_API_KEY"}
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with running_stack(
        directory, "--reject-rate", "0.1", speed=60, flower=True, environment=environment
    ) as stack:
        with ThreadPoolExecutor(4) as students:
            list(
                students.map(lambda number: take(stack, whole=EXAMS > 1, number=number), range(max(EXAMS, 2)))
            )
        yield stack


def take(stack: Stack, *, whole: bool, number: int) -> None:
    student = Student(stack.api_url, headers={"Authorization": f"Bearer {SECRETS['API_SERVICE_TOKEN']}"})
    student.begin({"track": ("scientific", "literary")[number % 2]})
    for batch_index in range(1, 10 if whole else 2):
        student.take(batch_index)


def pages(stack: Stack) -> tuple[str, list[str]]:
    api = httpx2.get(f"{stack.api_url}/metrics", timeout=10).text
    return api, [httpx2.get(url, timeout=10).text for url in stack.metrics_urls.values()]


def sums(page: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in re.findall(r"^(\w+)(?:\{.*\})? (\S+)$", page, flags=re.MULTILINE):
        found[name] = found.get(name, 0) + float(value)
    return found


def missing(metrics: list[Described], page: str) -> list[str]:
    return [metric.name for metric in metrics if f"# HELP {metric.name} " not in page]


@pytest.mark.timeout(600)
def test_every_metric_of_the_docs_is_at_its_endpoint_after_an_exam(stack: Stack) -> None:
    api, workers = pages(stack)
    assert missing(api_metrics(), api) == []
    assert len(workers) == 2
    for page in workers:
        assert missing(worker_metrics(), page) == []
    moved = [sums(page) for page in (api, *workers)]
    assert {name for name in MOVED if not any(page.get(name) for page in moved)} == set()


@pytest.mark.timeout(600)
def test_what_the_workers_count_is_what_the_database_holds(stack: Stack) -> None:
    """Threads and several processes: the sums of their pages are exact."""
    _, workers = pages(stack)
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        [[questions]] = connection.execute("SELECT count(*) FROM generation.questions").fetchall()
        [[calls, cost]] = connection.execute(
            "SELECT count(*), sum(cost_microdollars) FROM generation.attempts WHERE closed_at IS NOT NULL"
        ).fetchall()
    reported = [sums(page) for page in workers]

    def counted(name: str) -> float:
        return sum(page.get(name, 0) for page in reported)

    assert counted("tafawoq_questions_accepted_total") == questions > 0
    assert counted("tafawoq_attempts_total") == calls
    assert counted("tafawoq_cost_microdollars_total") == pytest.approx(float(cost))
    assert sums(pages(stack)[0])["tafawoq_spent_today_microdollars"] == pytest.approx(float(cost))


@pytest.mark.timeout(600)
def test_the_operators_page_shows_the_numbers_of_the_ledger(stack: Stack) -> None:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        [[written, spent]] = connection.execute(
            "SELECT sum(accepted), sum(cost_microdollars) FROM generation.attempts"
        ).fetchall()
        [[read, cached]] = connection.execute(
            "SELECT sum(cache_read_tokens), sum(cache_write_5m_tokens + cache_write_1h_tokens) FROM generation.attempts"
        ).fetchall()
        [[first]] = connection.execute(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first_question_at - requested_at)) "
            "FROM generation.batches WHERE batch_index = 0"
        ).fetchall()
    page = operator_page(stack)
    assert f"{written:,} in the last hour" in page
    assert f"<b>{dollars(spent)}</b>" in page
    assert f"{read:,} read, {cached:,} written" in page
    assert f"<p class='headline'>{read / (read + cached):.1%}</p>" in page
    assert f"median {first:.1f} s" in page


def operator_page(stack: Stack) -> str:
    return httpx2.get(f"{stack.api_url}/ops?window=1h", timeout=10).text


def timelines(stack: Stack) -> list[str]:
    links = re.findall(r"/ops/sessions/[0-9a-f-]{36}", operator_page(stack))
    return [httpx2.get(stack.api_url + link, timeout=10).text for link in links]


def flower_tasks(stack: Stack) -> dict[str, Any]:
    tasks: dict[str, Any] = httpx2.get(f"{stack.flower_url}/api/tasks", auth=FLOWER, timeout=10).json()
    return tasks


@pytest.mark.timeout(600)
def test_flower_asks_for_a_password_and_shows_tasks_that_a_person_can_read(stack: Stack) -> None:
    assert httpx2.get(f"{stack.flower_url}/tasks").status_code == 401
    tasks = flower_tasks(stack)
    done = [task for task in tasks.values() if task["state"] == "SUCCESS"]
    assert done
    names = {task["name"] for task in done}
    assert "generation.generate_batch" in names
    assert names <= {"generation.generate_batch", "generation.check_batch"}
    assert all(re.fullmatch(r"session [0-9a-f]{8}, batch \d", task["kwargs"]) for task in done)
    assert any("'outcome': 'ready'" in task["result"] for task in done)
    revoked = httpx2.post(f"{stack.flower_url}/api/task/revoke/{next(iter(tasks))}", auth=FLOWER)
    assert revoked.status_code == 403


@pytest.mark.timeout(600)
def test_the_trace_of_a_batch_goes_from_the_call_to_the_model_and_back(
    stack: Stack, collector: Collector
) -> None:
    runs = [task for task in flower_tasks(stack).values() if task["name"] == "generation.generate_batch"]
    collector.until(lambda: len(collector.named("run batch")) >= len(runs))
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        # The ledger decides: a slot that is rejected twice goes to the fallback, under its own name of the model.
        called = {row[0] for row in connection.execute("SELECT DISTINCT model FROM generation.attempts")}
    for run in collector.named("run batch"):
        of_batch = [span for span in collector.spans if span.trace_id == run.trace_id]
        [call] = [span for span in of_batch if span.span_id == run.parent_id]
        assert (call.service, call.kind, run.service) == ("tafawoq-api", "SERVER", "tafawoq-worker")
        calls = [span for span in of_batch if span.parent_id == run.span_id and span.kind == "CLIENT"]
        assert calls
        assert {call.name for call in calls} <= {f"chat {model}" for model in called}
        assert run.events[-1][0] == "batch-ready"


@pytest.mark.timeout(600)
def test_no_log_event_task_metric_or_span_holds_a_question_a_key_or_a_secret(
    stack: Stack, collector: Collector
) -> None:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        contents = [row[0] for row in connection.execute("SELECT content FROM generation.questions")]
        events = [row[0] for row in connection.execute("SELECT payload FROM generation.events")]
    api, workers = pages(stack)
    seen = {
        "logs": "".join(path.read_text() for path in stack.logs.glob("*.log")),
        "events": json.dumps(events, ensure_ascii=False),
        "tasks": json.dumps(flower_tasks(stack), ensure_ascii=False),
        "metrics": "".join((api, *workers, httpx2.get(f"{stack.flower_url}/metrics").text)),
        "operator": "".join((operator_page(stack), *timelines(stack))),
        "spans": b"".join(collector.bodies).decode("utf-8", "replace"),
    }
    assert "run_ended" in seen["logs"]
    assert "run batch" in seen["spans"]
    texts = {text for content in contents for text in (content["stem"], content["explanation"])}
    texts |= {choice for content in contents for choice in content["choices"] if len(choice) >= 12}
    named = re.compile(r"answerIndex|[\"']explanation|workedSolution|keyIndex|key_index|answer_index")
    for where, reported in seen.items():
        assert not [text for text in texts if text in reported], where
        assert not named.search(reported), where
        assert not [secret for secret in SECRETS.values() if secret in reported], where
        assert "hunter2" not in reported, where
    assert stack.environment["DATABASE_URL"] not in "".join(seen.values())
    sizes = ", ".join(f"{where} {len(reported):,} characters" for where, reported in seen.items())
    sys.stdout.write(
        f"{len(texts)} texts of {len(contents)} questions and {len(SECRETS)} secrets in none of: {sizes}\n"
    )


@pytest.mark.timeout(600)
def test_every_line_about_a_run_names_its_session_batch_and_task(stack: Stack) -> None:
    lines = [
        json.loads(line)
        for name in stack.metrics_urls
        for line in (stack.logs / f"{name}.log").read_text().splitlines()
        if line.startswith("{")
    ]
    of_runs = [line for line in lines if line["event"] in {"run_started", "attempt_ended", "run_ended"}]
    assert of_runs
    for line in of_runs:
        assert line["session_id"], line
        assert line["batch_index"] is not None, line
        assert line["task_id"], line
