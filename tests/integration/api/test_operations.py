from __future__ import annotations

import json
import re
import threading
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psycopg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.app import ENQUEUE_THREADS
from runtime.settings import DatabaseSettings
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer


def test_the_process_reports_that_it_runs_and_can_serve(served: Served) -> None:
    for path in ("/healthz", "/readyz"):
        answer = httpx2.get(served.url + path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        head = httpx2.head(served.url + path)  # as some monitors ask
        assert (head.status_code, head.content) == (200, b"")


def test_a_process_whose_database_takes_no_writes_is_not_ready(
    serve: Serve, database: DatabaseSettings
) -> None:
    name = urlsplit(database.libpq_url).path.lstrip("/")
    with psycopg.connect(database.libpq_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    served = serve()

    ready, alive = (httpx2.get(served.url + path) for path in ("/readyz", "/healthz"))

    assert (ready.status_code, ready.json()["code"]) == (503, "service_unavailable")
    assert alive.status_code == 200


def test_metrics_count_calls_by_route_and_show_no_id(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    waited = served.app.state.context.metrics.registry.get_sample_value
    at_once = ("tafawoq_batch_wait_seconds_bucket", {"batch": "first", "le": "0.01"})
    before = waited(*at_once)
    student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 0})
    assert waited(*at_once) == before + 1, "a call that does not wait is counted too"
    student.get("/nothing-here")
    student.request("BREW", "/exams")
    page = httpx2.get(f"{served.url}/metrics").text

    asked = 'method="POST",route="/api/exams/{session_id}/questions",status="200"'
    assert f"tafawoq_http_requests_total{{{asked}}} 1.0" in page
    assert 'tafawoq_batch_answers_total{outcome="cached"} 1.0' in page
    assert 'route="unmatched",status="404"' in page
    assert "BREW" not in page
    assert "nothing-here" not in page
    assert exam_id not in page


def test_no_caller_can_invent_a_route(serve: Serve) -> None:
    """If a stranger could choose a label, each call could make a new histogram until memory runs out."""
    served = serve(api_service_token="the-service-token")
    with httpx2.Client(base_url=served.url, timeout=30) as stranger:
        for named in ("a", "api", "exams", "questions", "{session_id}", "%7B", "a%2Fb", "%0A", "%20"):
            for path in (f"/exams/{named}", f"/practice/{named}/questions", f"/exams/{named}/events"):
                stranger.get(f"/api{path}")
                stranger.post(f"/api{path}")
    page = httpx2.get(f"{served.url}/metrics").text

    assert set(re.findall('requests_total{.*route="([^"]*)"', page)) == {
        "unmatched",
        "/api/exams/{session_id}",
        "/api/exams/{session_id}/events",
        "/api/practice/{session_id}/questions",
    }


def test_metrics_show_a_due_batch_until_it_is_written(served: Served, writer: Writer, exam_id: str) -> None:
    due = 'tafawoq_batches{state="due",urgency="interactive"} 1.0'
    assert due in httpx2.get(f"{served.url}/metrics").text

    writer.finish()
    page = httpx2.get(f"{served.url}/metrics").text
    assert due.replace("1.0", "0.0") in page
    assert 'tafawoq_queue_oldest_seconds{urgency="interactive"} 0.0' in page
    assert "tafawoq_queue_stats_read 1.0" in page


def test_without_postgres_the_page_is_served_without_old_queue_figures(served: Served) -> None:
    assert 'tafawoq_queue_oldest_seconds{urgency="prefetch"}' in httpx2.get(f"{served.url}/metrics").text
    served.app.state.context.metrics.show(None)
    page = served.app.state.context.metrics.page().decode()
    assert "tafawoq_queue_stats_read 0.0" in page
    for name in ("queue_oldest_seconds{", "batches{"):
        assert f"tafawoq_{name}" not in page
    for name in ("batches_deferred_for_providers", "lease_holders", "spent_today_microdollars"):
        assert f"tafawoq_{name} NaN" in page


def test_the_description_is_openapi_3_1_and_names_every_call(served: Served) -> None:
    described = httpx2.get(f"{served.url}/openapi.json").json()

    assert described["openapi"].startswith("3.1")
    for prefix in ("/api/exams", "/api/practice"):
        assert set(described["paths"][prefix]) == {"get", "post"}
        assert set(described["paths"][f"{prefix}/{{session_id}}"]) == {"get"}
        for call in ("questions", "progress", "cancel", "pause", "resume"):
            assert set(described["paths"][f"{prefix}/{{session_id}}/{call}"]) == {"post"}
        assert set(described["paths"][f"{prefix}/{{session_id}}/events"]) == {"get"}
    asked = described["paths"]["/api/exams/{session_id}/questions"]["post"]
    assert set(asked["responses"]) == {
        "200",
        "202",
        "400",
        "401",
        "403",
        "404",
        "408",
        "409",
        "413",
        "422",
        "429",
        "500",
        "503",
    }
    assert "answerIndex" not in json.dumps(described)


def test_an_unknown_address_and_an_unknown_method_have_the_shape_of_all_errors(served: Served) -> None:
    with httpx2.Client(base_url=served.url) as client:
        missing, wrong = client.get("/api/nothing"), client.delete("/api/exams")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"]
    assert missing.json()["requestId"] == missing.headers["X-Request-Id"]


@pytest.mark.parametrize("sent", ["with spaces", "x" * 65, "a\tb", ""])
def test_a_malformed_request_id_is_replaced(student: httpx2.Client, sent: str) -> None:
    answer = student.get("/exams", headers={"X-Request-Id": sent})

    assert len(answer.headers["X-Request-Id"]) == 32


def test_bodies_that_are_too_large_or_not_json_are_rejected(student: httpx2.Client) -> None:
    large = student.post("/exams", json={"track": "x" * 20_000})
    headers = {"Content-Type": "application/json"}
    endless = student.post("/exams", content=(b"x" * 1000 for _ in range(20)), headers=headers)
    broken = student.post("/exams", content=b'{"track": ', headers=headers)
    form = student.post("/exams", data={"track": "scientific"})

    assert [(answer.status_code, answer.json()["code"]) for answer in (large, endless)] == [
        (413, "request_too_large")
    ] * 2
    assert [(answer.status_code, answer.json()["code"]) for answer in (broken, form)] == [
        (422, "invalid_request")
    ] * 2


def test_a_database_that_does_not_answer_in_time_is_service_unavailable(
    served: Served, student: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(served.sessions, "page", exhausted)
    answer = student.get("/exams")

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_broker_that_hangs_blocks_only_a_few_threads(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its callers have continued; without a bound each would leave a blocked thread."""
    monkeypatch.setattr("tasks.enqueue.ENQUEUE_WITHIN_S", 0.05)
    served = serve()
    released, enqueuing = threading.Event(), []

    def hang(*message: object) -> bool:
        enqueuing.append(message)
        return released.wait(30)

    object.__setattr__(served.app.state.context, "enqueue", hang)
    try:
        with served.client(uuid4(), Prefer="respond-async") as client:
            for _ in range(ENQUEUE_THREADS + 2):
                assert client.post("/exams", json={"track": "literary"}).status_code == 201
        assert len(enqueuing) == ENQUEUE_THREADS
    finally:
        released.set()


def test_a_hanging_queue_query_is_made_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus gives up and scrapes again; the hanging query must hold one connection, not all of them."""
    monkeypatch.setattr("api.routes.health.STATS_TIMEOUT_S", 0.05)
    served = serve()
    released, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        released.wait(30)

    object.__setattr__(served.app.state.context, "queue_stats", hang)
    try:
        pages = [httpx2.get(f"{served.url}/metrics").text for _ in range(4)]
    finally:
        released.set()

    assert all("tafawoq_queue_stats_read 0.0" in page for page in pages)
    assert len(asked) == 1


def test_a_broker_that_hangs_delays_a_caller_only_briefly(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.enqueue.ENQUEUE_WITHIN_S", 0.2)
    served = serve()
    released = threading.Event()
    object.__setattr__(served.app.state.context, "enqueue", lambda *_: released.wait(30))
    try:
        with served.client(uuid4()) as client:
            created = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "respond-async"})
        assert created.status_code == 201
        assert created.elapsed.total_seconds() < 5
        assert len(served.writer.batches.sweep(3600, 10)) == 1
    finally:
        released.set()
