"""The doctor names what is broken, and its remedy, for everything that breaks at three in the morning."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine
from typer.testing import CliRunner

from db.engine import make_engine
from db.sessions import SessionStore
from generation.model import Track
from generation.plan import plan_exam
from providers.claude import make_claude
from providers.model_check import check_model
from runtime.redis import make_redis
from runtime.settings import ClaudeSettings, DatabaseSettings, RedisSettings
from tests.support.raw_server import RawServer, Script, json_reply, status
from worker.cli import cli
from worker.commands import queues
from worker.doctor import (
    ActiveWorkers,
    Finding,
    Health,
    examine_postgres,
    examine_queue,
    examine_redis,
    examine_workers,
    head_revision,
    judge_memory,
    judge_model,
    judge_version,
    worst,
)

NOBODY = "127.0.0.1:1"


def one(findings: list[Finding], about: str) -> Finding:
    [found] = [finding for finding in findings if finding.about.startswith(about)]
    return found


def postgres(engine: Engine, **options: object) -> list[Finding]:
    return list(examine_postgres(engine, **options))  # type: ignore[arg-type]  # a clock, where one is given


def test_a_healthy_postgres_and_redis_need_nothing(engine: Engine, redis_url: str) -> None:
    with closing(make_redis(RedisSettings(redis_url=redis_url), timeout_s=1)) as redis:
        findings = [*postgres(engine), *examine_redis(redis)]
    assert {finding.health for finding in findings} == {Health.WELL}
    assert not [finding for finding in findings if finding.remedy]


def test_no_postgres() -> None:
    engine = make_engine(DatabaseSettings(database_url=f"postgresql://u:hunter2@{NOBODY}/x"), "tests")
    [found] = postgres(engine)
    assert (found.health, found.about) == (Health.BROKEN, "Postgres")
    assert "DATABASE_URL" in found.remedy
    assert "hunter2" not in found.says + found.remedy


def test_no_redis() -> None:
    with closing(make_redis(RedisSettings(redis_url=f"redis://:hunter2@{NOBODY}/0"), timeout_s=1)) as redis:
        [found] = examine_redis(redis)
    assert (found.health, found.about) == (Health.BROKEN, "Redis")
    assert "REDIS_URL" in found.remedy
    assert "hunter2" not in found.says + found.remedy


def test_a_redis_that_says_neither_the_time_nor_its_memory(redis_client: Redis, redis_url: str) -> None:
    """An account of ours that may do only what the work needs."""
    redis_client.acl_setuser("modest", enabled=True, nopass=True, commands=["+ping"])
    try:
        modest = re.sub(r"//(.*@)?", "//modest:any@", redis_url)
        with closing(make_redis(RedisSettings(redis_url=modest), timeout_s=1)) as redis:
            findings = list(examine_redis(redis))
    finally:
        redis_client.acl_deluser("modest")
    assert [(finding.health, finding.about) for finding in findings] == [
        (Health.WELL, "Redis"),
        (Health.WELL, "Redis' memory"),
    ]


def test_migrations_missing(empty_database: DatabaseSettings) -> None:
    engine = make_engine(empty_database, "tests")
    found = one(postgres(engine), "migrations")
    engine.dispose()
    assert (found.health, found.remedy) == (Health.BROKEN, "Run: alembic upgrade head")


def test_migrations_behind_and_ahead() -> None:
    assert head_revision() is not None
    assert judge_version("0001", "0002").remedy == "Run: alembic upgrade head"
    assert judge_version("0002", "0001").health is Health.POOR
    assert judge_version("0002", "0002").health is Health.WELL


def test_clock_skew(engine: Engine, redis_url: str) -> None:
    ahead = one(postgres(engine, clock=lambda: time.time() + 90), "clock")
    assert ahead.health is Health.BROKEN
    assert ahead.says.startswith("-90")
    assert "NTP" in ahead.remedy
    with closing(make_redis(RedisSettings(redis_url=redis_url), timeout_s=1)) as redis:
        behind = one(list(examine_redis(redis, clock=lambda: time.time() - 90)), "clock")
    assert behind.says.startswith("+90")


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        (status(401, {"type": "authentication_error", "message": "m"}), "Set a valid key."),
        (status(404, {"type": "not_found_error", "message": "m"}), "Set CLAUDE_MODEL=claude-sonnet-5-5."),
    ],
    ids=["wrong key", "retired model"],
)
def test_a_wrong_key_and_a_retired_model(
    script: Script, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    with RawServer(script).running() as server:
        settings = ClaudeSettings(claude_base_url=server.url, claude_model="claude-sonnet-4-5")
        provider = make_claude(settings, stall_timeout_s=5, deadline_s=5)
        with closing(provider):
            [found] = judge_model(settings.claude_model, check_model(provider))
    assert (found.health, found.remedy) == (Health.BROKEN, remedy)


def test_a_key_that_claude_accepts_is_said_to_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    answer = json_reply({"id": "claude-sonnet-5-5", "type": "model", "lifecycle": "active"})
    with RawServer(answer).running() as server:
        settings = ClaudeSettings(claude_base_url=server.url)
        with closing(make_claude(settings, stall_timeout_s=5, deadline_s=5)) as provider:
            [found] = judge_model(settings.claude_model, check_model(provider))
    assert (found.health, found.says) == (Health.WELL, "the key and the model are accepted")


def test_no_worker_and_a_queue_nobody_listens_to() -> None:
    assert "Start one" in examine_workers(ActiveWorkers((), frozenset(), 0)).remedy
    deaf = examine_workers(ActiveWorkers(("a",), frozenset({"prefetch"}), 4))
    assert deaf.says == "no worker serves interactive"
    assert (
        examine_workers(ActiveWorkers(("a",), frozenset({"interactive", "prefetch"}), 4)).health
        is Health.WELL
    )


def test_a_full_queue(engine: Engine) -> None:
    workers = ActiveWorkers(("a",), frozenset({"interactive", "prefetch"}), slots=1)
    assert examine_queue(engine, workers).health is Health.WELL
    for seed in range(3):
        SessionStore(engine).create(uuid4(), plan_exam(Track.LITERARY, batch_size=10, seed=seed))
    found = examine_queue(engine, workers)
    assert found.health is Health.BROKEN
    assert found.says.startswith("3 batches are due")
    assert "WORKER_CONCURRENCY" in found.remedy


def test_a_redis_that_may_forget_or_is_full() -> None:
    forgets = judge_memory({"maxmemory_policy": "allkeys-lru", "maxmemory": 100, "used_memory": 1})
    assert (forgets.health, forgets.remedy) == (Health.BROKEN, "Set maxmemory-policy noeviction.")
    full = judge_memory({"maxmemory_policy": "noeviction", "maxmemory": 100, "used_memory": 95})
    assert full.health is Health.POOR


def test_the_worst_decides() -> None:
    assert worst([]) is Health.WELL
    poor = Finding("x", Health.POOR, "y", "z")
    assert worst([poor, Finding("x", Health.WELL, "y")]) is Health.POOR


@pytest.fixture
def run(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A command in this process, on the test's database, with no worker."""
    monkeypatch.setenv("DATABASE_URL", database.libpq_url)
    monkeypatch.setattr(queues, "find_workers", lambda _app: ActiveWorkers((), frozenset(), 0))
    return lambda *arguments: CliRunner().invoke(cli, list(arguments))


def test_a_session_is_shown_from_beginning_to_end_and_can_be_closed(
    run: Callable[..., Any], engine: Engine
) -> None:
    plan = plan_exam(Track.LITERARY, batch_size=10, seed=1)
    session_id = str(SessionStore(engine).create(uuid4(), plan).session_id)
    assert json.loads(run("queues", "--json").stdout)["levels"]["queues"]["interactive"]["due"] == 1
    assert "0 workers answer" in run("queues").stdout

    assert run("cancel", session_id).exit_code == 0
    shown = json.loads(run("show", session_id, "--json").stdout)
    assert {moment["what"] for moment in shown["timeline"]} == {"requested", "event session"}
    assert shown["batches"][0]["last_error"] == "cancelled"
    assert "event session" in run("show", session_id).stdout
    assert run("sessions", "--failed").stdout.count(session_id) == 1
    for unknown in ("cancel", "show"):
        assert run(unknown, str(uuid4())).exit_code == 1


def test_a_plan_is_shown_without_any_server_and_without_where_keys_go(run: Callable[..., Any]) -> None:
    done = run("plan", "scientific", "--json")
    assert [batch["size"] for batch in json.loads(done.stdout)["batches"]] == [10] * 5 + [7] + [10] * 3 + [9]
    assert "keyIndex" not in done.stdout
    assert "wantedAnswer" not in done.stdout
    assert "quantitative" in run("plan", "literary").stdout
