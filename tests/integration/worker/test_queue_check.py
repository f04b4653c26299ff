"""A Redis that answers and cannot serve the queue is named as such, in a sentence with what to do."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from runtime.redis import make_redis
from runtime.settings import RedisSettings
from tests.integration.worker.conftest import running_worker, starting_worker
from tests.integration.worker.test_foreign_messages import QUEUE, await_output, envelope
from tools.stack.embedded import EmbeddedRedis
from worker.queue_check import QueueProblem, problem_of_enqueueing, problem_of_queue

PREFIX = "tafawoq:"
SLOTS = 16_384


class ClusterRedis(EmbeddedRedis):
    """A cluster of one server, which holds all slots."""

    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), "--cluster-enabled", "yes"]


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(durable=False) as server:
        yield server


def asked(url: str) -> QueueProblem | None:
    with closing(make_redis(RedisSettings(redis_url=url), timeout_s=2)) as client:
        return problem_of_queue(client, PREFIX)


def test_a_redis_that_serves_has_no_problem_and_keeps_nothing_of_the_trial(server: EmbeddedRedis) -> None:
    assert asked(server.url) is None
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 0


def test_a_redis_that_is_away_is_told_by_others() -> None:
    assert asked("redis://127.0.0.1:9/0") is None


@pytest.mark.parametrize("all_slots", [True, False])
def test_a_cluster_is_named(all_slots: bool) -> None:
    with ClusterRedis(durable=False) as server:
        if all_slots:
            with redis.Redis.from_url(server.url) as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
        problem = asked(server.url)
    assert problem is not None
    assert "Redis Cluster" in str(problem)
    assert "REDIS_URL" in problem.remedy


def test_a_replica_is_named(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", "9")
    problem = asked(server.url)
    assert problem is not None
    assert "replica" in problem.says


@pytest.mark.parametrize("right", ["brpop", "lpush", "exists", "psubscribe"])
def test_a_right_that_is_missing_is_named(right: str, server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "default", f"-{right}")
    problem = asked(server.url)
    assert problem is not None
    assert right in problem.says
    assert "ops/redis/accounts.sh" in problem.remedy


def asked_by_the_api(url: str) -> QueueProblem | None:
    with closing(make_redis(RedisSettings(redis_url=url), timeout_s=2)) as client:
        return problem_of_enqueueing(client, PREFIX, ("interactive", "prefetch"))


def test_an_api_has_no_problem_with_a_redis_that_serves_or_is_away(server: EmbeddedRedis) -> None:
    assert asked_by_the_api(server.url) is None
    assert asked_by_the_api("redis://127.0.0.1:9/0") is None
    with redis.Redis.from_url(server.url) as client:
        assert not client.exists(f"{PREFIX}interactive", f"{PREFIX}prefetch")


@pytest.mark.parametrize("all_slots", [True, False])
def test_an_api_names_a_cluster(all_slots: bool) -> None:
    with ClusterRedis(durable=False) as server:
        if all_slots:
            with redis.Redis.from_url(server.url) as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
        assert "Redis Cluster" in str(asked_by_the_api(server.url))


def test_an_api_names_a_replica_and_a_missing_right(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-llen")
        assert "tafawoq_api" in str(asked_by_the_api(server.url))
        client.execute_command("ACL", "SETUSER", "default", "+llen")
        client.replicaof("127.0.0.1", "9")
    assert "replica" in str(asked_by_the_api(server.url))


@pytest.mark.timeout(120)
def test_a_worker_says_so_once_waits_and_takes_messages_when_it_is_put_right(
    server: EmbeddedRedis, worker_env: dict[str, str], tmp_path: Path
) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-psubscribe")
        env = {**worker_env, "REDIS_URL": server.url}
        with running_worker(tmp_path / "worker.log", env) as worker:
            await_output(worker, "queue_unusable", after="the refusal")
            lines_before = worker.output().count("\n")
            await_checks(client, 3)
            assert worker.output().count("\n") <= lines_before + 1, (
                "what Celery writes about the first failure"
            )
            assert worker.output().count("queue_unusable") == 1
            client.execute_command("ACL", "SETUSER", "default", "+psubscribe")
            await_output(worker, "queue_usable", after="the right was given")
            message = envelope("generation.sweep")
            client.lpush(QUEUE, json.dumps(message))
            await_output(worker, message["headers"]["id"], after="the worker went on")


@pytest.mark.timeout(120)
def test_a_worker_that_waits_for_a_usable_queue_ends_when_it_is_told(
    worker_env: dict[str, str], tmp_path: Path
) -> None:
    with ClusterRedis(durable=False) as server:
        env = {**worker_env, "REDIS_URL": server.url}
        with starting_worker(tmp_path / "worker.log", env) as worker:
            await_output(worker, "queue_unusable", after="its start", within_s=60)
            worker.send(signal.SIGTERM)
            assert worker.wait(15) == 0


def await_checks(client: redis.Redis, number: int) -> None:
    """Until the worker has looked so many times more."""
    wanted = _checks(client) + number
    deadline = time.monotonic() + 60
    while _checks(client) < wanted:
        assert time.monotonic() < deadline, "the worker does not look any more"
        time.sleep(0.1)


def _checks(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_psubscribe", {}).get("rejected_calls", 0))
