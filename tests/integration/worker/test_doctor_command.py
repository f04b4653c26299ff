"""`tafawoq-worker doctor` as an operator runs it, with things really broken: it names each, and its remedy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from db.sessions import SessionStore
from generation.model import Track
from generation.plan import plan_exam
from runtime.settings import DatabaseSettings
from tools.simulator.running import RunningSimulator
from tools.stack.child import Child
from tools.stack.processes import PROJECT

NOBODY = "127.0.0.1:1"
KEY = "sk-ant-hunter2"

#: What a machine is like whose clock is wrong, for every Python on it.
FAST_CLOCK = """\
import time
right = time.time
time.time = lambda: right() + 90
"""


@dataclass(frozen=True)
class Found:
    """What one run of the command says."""

    broken: dict[str, tuple[str, str]]  #: what it says and the remedy, by what it is about
    text: str


class Doctor:
    """The command, where everything is well but what a test breaks. Nobody works here: `workers` is always broken."""

    def __init__(self, **environment: str) -> None:
        self.environment = {**os.environ, "TAFAWOQ_ENV": "development", **environment}

    def sees(self, **broken: str) -> Found:
        reported = self._run(["doctor", "--json"], broken)
        assert reported.returncode == 1, reported.stderr
        findings = json.loads(reported.stdout)
        named = {f["about"]: (f["says"], f["remedy"]) for f in findings if f["health"] == "broken"}
        return Found(named, reported.stdout + reported.stderr)

    def tells(self) -> tuple[str, int]:
        """The same for people, and the exit code."""
        reported = self._run(["doctor"], {})
        return reported.stdout, reported.returncode

    def _run(self, arguments: list[str], broken: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "worker.cli", *arguments],
            cwd=PROJECT,
            env=self.environment | broken,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def provider() -> Iterator[RunningSimulator]:
    with RunningSimulator() as simulator:
        yield simulator


@pytest.fixture
def doctor(database: DatabaseSettings, redis_url: str, provider: RunningSimulator) -> Doctor:
    return Doctor(
        DATABASE_URL=database.libpq_url,
        REDIS_URL=redis_url,
        ANTHROPIC_API_KEY=KEY,
        CLAUDE_BASE_URL=provider.url,
    )


NO_WORKER = (
    "no worker answers",
    "Start one: docker compose up -d worker-interactive worker-prefetch. Its log says why it does not start.",
)


def test_no_worker(doctor: Doctor) -> None:
    reported, status = doctor.tells()
    assert f"BROKEN    workers: {NO_WORKER[0]}\n          -> {NO_WORKER[1]}\n" in reported
    assert (reported.count("BROKEN"), status) == (1, 1)
    assert reported.count("ok  ") == 9


def test_the_simulator_is_told_as_the_simulator_and_its_word_on_a_key_is_not_passed_on(
    doctor: Doctor, provider: RunningSimulator
) -> None:
    for keys in ({}, {"ANTHROPIC_API_KEY": "", "CLAUDE_BASE_URL": "", "SIMULATOR_URL": provider.url}):
        fallback = {"OPENROUTER_API_KEY": "sk-or-hunter2", "OPENROUTER_BASE_URL": f"{provider.url}/api"}
        doctor.environment |= keys | fallback
        reported, _ = doctor.tells()
        assert (
            "ok        model claude-sonnet-5-5: the simulator answers, not Claude; no key was checked\n"
            in reported
        )
        assert (
            "ok        OpenRouter's key: the simulator answers, not OpenRouter; no key was checked\n"
            in reported
        )
        assert "accepted" not in reported


def test_neither_a_key_nor_a_simulator(doctor: Doctor) -> None:
    found = doctor.sees(ANTHROPIC_API_KEY="", CLAUDE_BASE_URL="", SIMULATOR_URL=f"http://{NOBODY}")
    assert found.broken["model"] == (
        f"ANTHROPIC_API_KEY is not set, and no simulator answers at http://{NOBODY}",
        "Set the key, or start the simulator (make up, docker compose up) and let SIMULATOR_URL name it.",
    )


@pytest.mark.parametrize("environment", ["development", "production"])
def test_the_apis_container_needs_no_key(doctor: Doctor, environment: str) -> None:
    doctor.environment |= {"ANTHROPIC_API_KEY": "", "CLAUDE_BASE_URL": "", "SIMULATOR_URL": ""}
    doctor.environment |= {"TAFAWOQ_SERVICE": "api", "TAFAWOQ_ENV": environment}
    doctor.environment |= {"API_SERVICE_TOKEN": "a-token-of-the-web-apps-server"}
    reported, _ = doctor.tells()
    assert (
        "ok        model: this container (api) calls no model and needs no key; to check the model, run doctor in a worker"
    ) in reported
    assert reported.count("BROKEN") == 1, "nobody works here"


def test_flowers_container_needs_neither_a_key_nor_a_database(doctor: Doctor) -> None:
    doctor.environment |= {"ANTHROPIC_API_KEY": "", "DATABASE_URL": "", "TAFAWOQ_SERVICE": "flower"}
    reported, _ = doctor.tells()
    assert "ok        Postgres: Flower reads no rows and needs no DATABASE_URL\n" in reported
    assert "ok        model: this container (flower) calls no model and needs no key" in reported
    assert set(doctor.sees().broken) == {"workers"}


def test_a_service_that_there_is_not_is_named(doctor: Doctor) -> None:
    found = doctor.sees(TAFAWOQ_SERVICE="kitchen")
    assert "TAFAWOQ_SERVICE" in found.broken["TAFAWOQ_SERVICE"][1]


def test_no_redis_and_a_wrong_key(doctor: Doctor, provider: RunningSimulator) -> None:
    provider.config.update({"refused_key": KEY})
    found = doctor.sees(REDIS_URL=f"redis://:hunter2@{NOBODY}/0")
    assert found.broken == {
        "Redis": (
            f"it cannot be used ({NOBODY}: Connection refused)",
            "Start it, or correct host and port in REDIS_URL. Nothing is lost: the sweep enqueues the waiting batches.",
        ),
        "workers": NO_WORKER,
        "model claude-sonnet-5-5": ("ANTHROPIC_API_KEY is not accepted", "Set a valid key."),
    }
    assert "hunter2" not in found.text


def test_a_key_of_the_fallback_that_is_revoked_or_spent(doctor: Doctor, provider: RunningSimulator) -> None:
    fallback = {"OPENROUTER_API_KEY": "sk-or-hunter2", "OPENROUTER_BASE_URL": f"{provider.url}/api"}
    assert set(doctor.sees(**fallback).broken) == {"workers"}
    provider.config.update({"openrouter_credit_usd": 0})
    assert doctor.sees(**fallback).broken["OpenRouter's key"] == (
        "OPENROUTER_API_KEY has spent its limit",
        "Raise it, or top up.",
    )
    provider.config.update({"refused_key": "sk-or-hunter2"})
    found = doctor.sees(**fallback)
    assert found.broken["OpenRouter's key"] == ("OPENROUTER_API_KEY is not accepted", "Set a valid key.")
    assert "hunter2" not in found.text


def test_no_postgres_and_a_retired_model(doctor: Doctor, provider: RunningSimulator) -> None:
    provider.config.update({"today": "2026-12-01"})
    found = doctor.sees(DATABASE_URL=f"postgresql://u:hunter2@{NOBODY}/x", CLAUDE_MODEL="claude-sonnet-4-5")
    assert set(found.broken) == {"Postgres", "queue", "workers", "model claude-sonnet-4-5"}
    assert found.broken["Postgres"] == (
        f"{NOBODY} (DATABASE_URL) cannot be used: Connection refused",
        "Start it, or correct host and port in DATABASE_URL.",
    )
    assert found.broken["model claude-sonnet-4-5"] == (
        "CLAUDE_MODEL=claude-sonnet-4-5 is retired",
        "Set CLAUDE_MODEL=claude-sonnet-5-5.",
    )
    assert "hunter2" not in found.text


def test_migrations_missing_and_a_clock_that_is_wrong(
    doctor: Doctor, empty_database: DatabaseSettings, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAST_CLOCK)
    found = doctor.sees(PYTHONPATH=str(tmp_path), DATABASE_URL=empty_database.libpq_url)
    clocks = {"clock against Postgres", "clock against Redis"}
    assert set(found.broken) == {"migrations", "queue", "workers", *clocks}
    assert found.broken["migrations"] == ("our tables are not there", "Run: alembic upgrade head")
    for clock in clocks:
        says, remedy = found.broken[clock]
        assert re.fullmatch(r"-(89|90)\.\d s apart", says)
        assert remedy.startswith("Set the clock of this machine or of the server by NTP")


@pytest.mark.timeout(120)
def test_nothing_and_a_full_queue(doctor: Doctor, worker_process: Child, engine: Engine) -> None:
    """The worker hears no message, and does not sweep for a minute."""
    assert worker_process.is_alive
    reported, status = doctor.tells()
    assert "ok        workers: 1 answer, 4 slots\n" in reported
    assert (reported.count("BROKEN"), status) == (0, 0)
    for seed in range(9):
        SessionStore(engine).create(uuid4(), plan_exam(Track.LITERARY, batch_size=10, seed=seed))
    found = doctor.sees()
    assert set(found.broken) == {"queue"}
    says, remedy = found.broken["queue"]
    assert says.startswith("9 batches are due")
    assert remedy == "Start more workers, or raise WORKER_CONCURRENCY; if they are idle, restart them."
