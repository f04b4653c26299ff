"""A worker's start, as far as the model is concerned: assembled for real, against the local Claude."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from structlog.testing import capture_logs

from runtime.metrics import Metrics
from runtime.settings import DatabaseSettings, SettingsError
from tools.simulator.running import RunningSimulator
from worker import assembly
from worker.assembly import assemble


@pytest.fixture
def simulator(
    database: DatabaseSettings, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Iterator[RunningSimulator]:
    monkeypatch.chdir(tmp_path)
    with RunningSimulator(today=date(2026, 11, 22)) as simulator:
        for name, value in (
            ("TAFAWOQ_ENV", "development"),
            ("DATABASE_URL", database.database_url),
            ("REDIS_URL", redis_url),
            ("SIMULATOR_URL", simulator.url),
        ):
            monkeypatch.setenv(name, value)
        yield simulator


def warnings(event: str = "model_warning") -> list[str]:
    with capture_logs() as logs:
        assemble(Metrics(CollectorRegistry())).close()
    return [line["text"] for line in logs if line["event"] == event]


def test_the_default_model_starts_without_a_word(simulator: RunningSimulator) -> None:
    assert warnings() == []


def test_the_model_of_the_quickstart_warns_at_start_with_its_last_day(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_MODEL", "claude-sonnet-4-5")
    [warning] = warnings()
    assert "2026-11-30" in warning
    assert "claude-sonnet-5-5" in warning


def test_after_its_last_day_a_worker_does_not_start_with_it(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.config.update({"today": "2026-11-30"})
    monkeypatch.setenv("CLAUDE_MODEL", "claude-sonnet-4-5")
    with pytest.raises(SettingsError, match="retired"):
        warnings()


def test_a_model_nobody_knows_does_not_start(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_MODEL", "claude-sonnet-4-5-20250514")
    with pytest.raises(SettingsError, match="does not exist"):
        warnings()


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-that-never-was"])
def test_a_solver_that_cannot_answer_is_a_warning_and_no_reason_not_to_start(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    simulator.config.update({"today": "2026-11-30"})
    monkeypatch.setenv("SOLVER_MODEL", model)
    [warning] = warnings("solver_warning")
    assert f"SOLVER_MODEL={model}" in warning
    assert warning.endswith("Set SOLVER_MODEL=claude-haiku-5-5.")


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-that-never-was"])
def test_a_light_model_that_cannot_answer_is_a_warning_and_no_reason_not_to_start(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    simulator.config.update({"today": "2026-11-30"})
    monkeypatch.setenv("LIGHT_MODEL", model)
    [warning] = warnings("light_model_warning")
    assert f"LIGHT_MODEL={model}" in warning
    assert warning.endswith("Set LIGHT_MODEL=claude-haiku-5-5.")


def test_a_worker_does_not_start_with_traces_that_nothing_installed_could_send(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "runtime.span_export", None)
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT is set"):
        warnings()


def test_the_default_solver_starts_without_a_word(simulator: RunningSimulator) -> None:
    assert warnings("solver_warning") == []


def test_a_heartbeat_finds_a_connection_while_writes_hold_all_the_others(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "1")
    monkeypatch.setenv("DATABASE_POOL_OVERFLOW", "0")
    assembled = assemble(Metrics(CollectorRegistry()))
    try:
        with assembled.engine.begin() as write, assembled.heartbeat_engine.begin() as heartbeat:
            write.execute(text("SELECT 1"))
            assert heartbeat.execute(text("SELECT 1")).scalar_one() == 1
    finally:
        assembled.close()


@pytest.mark.parametrize("name", ["EXAM_BATCH_SIZE", "SPEND_LIMIT_DAY_USD", "WORKER_SHUTDOWN_GRACE_S"])
def test_a_wrong_setting_stops_the_start_before_anything_is_opened(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def opened(*_: object, **__: object) -> None:
        pytest.fail("something was opened")

    monkeypatch.setenv(name, "-1")
    for opening in ("make_redis", "make_fallback", "make_engine"):
        monkeypatch.setattr(assembly, opening, opened)
    with pytest.raises(SettingsError, match=name):
        warnings()
