from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from runtime.settings import DatabaseSettings
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer

_PROJECT = Path(__file__).parents[3]


def test_the_process_says_that_it_lives_and_can_serve(served: Served) -> None:
    for path in ("/healthz", "/readyz"):
        answer = httpx2.get(served.url + path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_metrics_count_calls_by_route_and_show_no_id(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 0})
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
    assert set(asked["responses"]) == {"200", "202", "400", "401", "404", "409", "422", "503"}
    assert "answerIndex" not in json.dumps(described)


def test_an_unknown_address_and_an_unknown_method_are_answered_in_the_one_shape(served: Served) -> None:
    with httpx2.Client(base_url=served.url) as client:
        missing, wrong = client.get("/api/nothing"), client.delete("/api/exams")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"] or "GET" in wrong.headers["Allow"]
    assert missing.json()["requestId"] == missing.headers["X-Request-Id"]


@pytest.mark.parametrize("sent", ["with spaces", "x" * 65, "a\tb", ""])
def test_a_request_id_that_could_spoil_a_log_is_replaced(student: httpx2.Client, sent: str) -> None:
    answer = student.get("/exams", headers={"X-Request-Id": sent})

    assert len(answer.headers["X-Request-Id"]) == 32


def test_bodies_that_are_too_large_or_no_json_are_refused(student: httpx2.Client) -> None:
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


def test_a_broker_that_hangs_costs_a_caller_little(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("api.door.RING_PATIENCE_S", 0.2)
    served = serve()
    released = threading.Event()
    object.__setattr__(served.app.state.door, "enqueue", lambda *_: released.wait(30))
    try:
        with served.client(uuid4()) as client:
            created = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "respond-async"})
        assert created.status_code == 201
        assert created.elapsed.total_seconds() < 5
        assert len(served.writer.batches.sweep(3600, 10)) == 1
    finally:
        released.set()


# --- the process -----------------------------------------------------------------------------------


def environment(database: DatabaseSettings | None, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    if database is not None:
        kept["DATABASE_URL"] = database.database_url
    return {**kept, "TAFAWOQ_ENV": "development", "REDIS_URL": "redis://127.0.0.1:1/0", **more}


def started(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api"],
        cwd=_PROJECT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def test_a_setting_that_is_missing_or_wrong_is_named_in_a_sentence() -> None:
    missing = started(environment(None))
    wrong = started(environment(None, DATABASE_URL="postgresql://h/d", API_PORT="70000"))

    assert (missing.returncode, wrong.returncode) == (2, 2)
    assert "DATABASE_URL" in missing.stderr
    assert "API_PORT" in wrong.stderr
    assert "Traceback" not in missing.stderr + wrong.stderr


def test_a_port_that_is_taken_is_said_in_a_sentence(database: DatabaseSettings) -> None:
    with taken_port() as port:
        ended = started(environment(database, API_PORT=str(port)))

    assert ended.returncode == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_database_that_is_away_or_empty_is_said_in_a_sentence(empty_database: DatabaseSettings) -> None:
    away = started(environment(None, DATABASE_URL="postgresql://user:secret@127.0.0.1:1/db"))
    empty = started(environment(empty_database))

    assert (away.returncode, empty.returncode) == (1, 1)
    assert "127.0.0.1:1" in away.stderr
    assert "secret" not in away.stderr
    assert "alembic upgrade head" in empty.stderr
    assert "Traceback" not in away.stderr + empty.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_ends_cleanly_on_a_signal(
    database: DatabaseSettings, ending: signal.Signals
) -> None:
    with taken_port() as port:
        pass
    process = subprocess.Popen(
        [sys.executable, "-m", "api"],
        cwd=_PROJECT,
        env=environment(database, API_PORT=str(port), API_DEFAULT_WAIT_S="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _until_answered(f"http://127.0.0.1:{port}/readyz")
        # The broker is away, as nothing listens there: the exam is created all the same.
        created = httpx2.post(f"http://127.0.0.1:{port}/api/exams", json={"track": "literary"}, timeout=30)
        process.send_signal(ending)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()

    assert created.status_code == 201
    assert process.returncode == 0, said
    assert "Traceback" not in said
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert "doorbell_not_rung" in events
    assert events[-1] == "door_closed"


def _until_answered(url: str) -> None:
    for _ in range(200):
        try:
            httpx2.get(url)
        except httpx2.ConnectError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the process did not answer")
