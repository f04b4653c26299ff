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

import httpx2
import pytest

from api.__main__ import main
from runtime.settings import DatabaseSettings
from tools.stack.ports import free_port

_PROJECT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the settings of the test, and a broker address where nothing listens."""
    monkeypatch.chdir(tmp_path)  # so that no .env is read
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")


@pytest.fixture(autouse=True)
def _restored_signal_handler() -> Iterator[None]:
    """Restores the signal handler that main() sets."""
    on_terminate = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, on_terminate)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("API_PORT", "70000"),
        ("REDIS_URL", "http://nowhere"),
        ("PREFETCH_THRESHOLD", "2"),
        ("API_HOST", "0.0.0.0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_in_a_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/db")
    monkeypatch.setenv(name, value)

    assert main() == 2
    output = capsys.readouterr().err
    assert name in output
    assert output.count("\n") == 1


def test_traces_without_an_installed_exporter_prevent_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/db")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "runtime.span_export", None)

    assert main() == 2
    output = capsys.readouterr().err
    assert "pip install tafawoq-worker[tracing]" in output
    assert output.count("\n") == 1


def test_a_port_in_use_is_reported_in_a_sentence(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    with taken_port() as port:
        monkeypatch.setenv("API_PORT", str(port))
        assert main() == 1

    output = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in output
    assert output.count("\n") == 1


def test_an_unreachable_database_is_reported_in_a_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/db")

    assert main() == 1
    output = capsys.readouterr().err
    assert "127.0.0.1:1" in output
    assert "secret" not in output
    assert output.count("\n") == 1


def test_a_database_without_our_tables_is_reported_in_a_sentence(
    empty_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database.database_url)

    assert main() == 1
    output = capsys.readouterr().err
    assert "alembic upgrade head" in output
    assert output.count("\n") == 1


def test_the_process_serves_without_a_broker_and_stops_cleanly_on_a_signal(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": database.database_url, "API_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "api"],
        cwd=_PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _until_answered(f"http://127.0.0.1:{port}/readyz")
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as client:
            created = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"})
            with client.stream("GET", f"/exams/{created.json()['id']}/events") as stream:
                lines = stream.iter_lines()
                next(lines)
                process.send_signal(signal.SIGTERM)
                assert "event: session" in list(lines)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()

    assert created.status_code == 201
    assert process.returncode == 0, output
    assert "Traceback" not in output
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert "message_not_enqueued" in events
    assert events[-1] == "api_stopped"


def _until_answered(url: str) -> None:
    for _ in range(400):
        try:
            httpx2.get(url)
        except httpx2.ConnectError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the process did not answer")
