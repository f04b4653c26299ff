"""The accounts of ops/redis/accounts.sh on a real Redis: what each part needs it may, and nothing that another does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
import redis
from celery import Celery
from redis.exceptions import NoPermissionError

from api.rate_limits import Kind, Rate, SharedLimits
from api.waiting_calls import SharedWaitingCalls
from generation.model import Urgency
from runtime.settings import RedisSettings
from tasks.enqueue import enqueue_batch
from tests.integration.worker.conftest import running_worker
from tests.integration.worker.test_foreign_messages import QUEUE, envelope
from tools.stack.child import Child, launch
from tools.stack.embedded import EmbeddedRedis
from tools.stack.ports import free_port
from tools.stack.processes import PROJECT, flower

PASSWORDS = {
    "REDIS_API_PASSWORD": "of-the-api",
    "REDIS_WORKER_PASSWORD": "of-the-workers",
    "REDIS_FLOWER_PASSWORD": "of-flower",
}
#: A password of each, and by whose it is told from another's in what is shown.
ACCOUNTS = {"tafawoq_api": "of-the-api", "tafawoq_worker": "of-the-workers", "tafawoq_flower": "of-flower"}


def rules() -> list[list[str]]:
    """As Redis is given them, without the account that administers in this test."""
    script = ["sh", str(PROJECT / "ops" / "redis" / "accounts.sh")]
    printed = subprocess.run(script, env=PASSWORDS, capture_output=True, text=True, check=True).stdout
    return [line.split()[1:] for line in printed.splitlines() if line.startswith("user tafawoq_")]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with EmbeddedRedis(durable=False) as server:
        with redis.Redis.from_url(server.url) as owner:
            for name, *rule in rules():
                owner.execute_command("ACL", "SETUSER", name, *rule)
        yield server.url


@pytest.fixture
def owner(server: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server) as client:
        client.flushdb()
        client.acl_log_reset()
        yield client


def address(server: str, account: str) -> str:
    found = urlsplit(server)
    return f"redis://{account}:{ACCOUNTS[account]}@{found.hostname}:{found.port}/0"


@pytest.fixture
def as_account(server: str) -> Iterator[Callable[[str], redis.Redis]]:
    clients: list[redis.Redis] = []

    def client(account: str) -> redis.Redis:
        clients.append(redis.Redis.from_url(address(server, account)))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


def refused(owner: redis.Redis) -> list[tuple[str, str, str]]:
    """What Redis has refused to whom. Libraries introduce themselves (CLIENT), and do without."""
    entries: list[dict[str, Any]] = owner.acl_log()
    found = [(each["username"], each["reason"], each["object"]) for each in entries]
    return [each for each in found if each[2] not in {"client", "client|setinfo"}]


def test_the_api_enqueues_and_counts_with_its_account(server: str, owner: redis.Redis) -> None:
    url = address(server, "tafawoq_api")
    sender = Celery("sender", broker=url, amqp="worker.broker:GuardedAMQP", set_as_current=False)
    sender.conf.broker_transport_options = {"global_keyprefix": "tafawoq:", "client_name": "tafawoq"}
    sender.conf.task_send_sent_event = True
    for urgency in Urgency:
        assert enqueue_batch(uuid4(), 0, urgency, through=sender), refused(owner)
    sender.pool.force_close_all()
    assert owner.llen("tafawoq:interactive") == owner.llen("tafawoq:prefetch") == 1

    async def count() -> float:
        limits = SharedLimits(RedisSettings(redis_url=url), dict.fromkeys(Kind, Rate(1, 60)))
        user, kind = uuid4(), next(iter(Kind))
        await limits.take(user, kind)
        waits = await limits.take(user, kind)
        await limits.close()
        waiting = SharedWaitingCalls(RedisSettings(redis_url=url))
        async with waiting.entered(user, 0) as first, waiting.entered(user, 0) as second:
            assert (first, second) == (True, False)
        await waiting.close()
        return waits

    assert asyncio.run(count()) > 0
    assert refused(owner) == []


@pytest.mark.timeout(180)
def test_a_worker_and_flower_do_all_they_do_with_theirs(
    server: str, owner: redis.Redis, worker_env: dict[str, str], tmp_path: Path
) -> None:
    """A message is answered, and Flower's page of the worker holds what it asked for, without a password."""
    env = {**worker_env, "REDIS_URL": address(server, "tafawoq_worker")}
    flower_env = {
        **worker_env,
        "REDIS_URL": address(server, "tafawoq_flower"),
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    port = free_port()
    with running_worker(tmp_path / "worker.log", env) as worker:
        page = launch("flower", flower(port=port), log=tmp_path / "flower.log", env=flower_env, cwd=PROJECT)
        try:
            shown = workers_of_flower(f"http://127.0.0.1:{port}", page)
            message = envelope("generation.sweep")
            owner.lpush(QUEUE, json.dumps(message))
            task = f"http://127.0.0.1:{port}/api/task/info/{message['headers']['id']}"
            until(lambda: httpx2.get(task).status_code == 200, "Flower hears no events")
        finally:
            page.stop(grace_s=5)
        assert not [line for line in worker.output().splitlines() if "command_refused" in line]
    for asked in (
        "stats",
        "active_queues",
        "registered",
        "conf",
        "active",
        "reserved",
        "scheduled",
        "revoked",
    ):
        assert asked in shown, f"Flower was not answered {asked}"
    text = json.dumps(shown)
    assert not [password for password in ACCOUNTS.values() if password in text]
    assert not refused(owner), refused(owner)


def workers_of_flower(url: str, page: Child) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def answered() -> bool:
        assert page.is_alive, page.last_words()
        try:
            asked = httpx2.get(f"{url}/api/workers", params={"refresh": "1"}, timeout=20)
            name = next(iter(asked.json()))
            httpx2.get(f"{url}/worker/{name}", timeout=20)
            found.update(httpx2.get(f"{url}/api/workers", timeout=20).json()[name])
        except (httpx2.HTTPError, StopIteration, ValueError):
            return False
        return "revoked" in found

    until(answered, "Flower shows no worker")
    return found


def until(happened: Callable[[], bool], what: str, *, within_s: float = 60) -> None:
    """Look again and again, also while a page does not listen yet."""
    deadline = time.monotonic() + within_s
    while True:
        with suppress(httpx2.TransportError):
            if happened():
                return
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


FORBIDDEN = (
    *(("tafawoq_api", command) for command in (
        ("RPOP", "tafawoq:interactive"),
        ("BRPOP", "tafawoq:interactive", "1"),
        ("DEL", "tafawoq:interactive"),
        ("LPUSH", "tafawoq:unacked", "x"),
        ("HGETALL", "tafawoq:unacked"),
        ("GET", "tafawoq:batch:x"),
        ("PUBLISH", "tafawoq:/0.celery.pidbox", "x"),
        ("EVAL", "return redis.call('RPOP', KEYS[1])", "1", "tafawoq:rate:x"),
        ("SUBSCRIBE", "tafawoq:/0.celeryev/*"),
    )),
    *(("tafawoq_flower", command) for command in (
        ("LPUSH", "tafawoq:interactive", "x"),
        ("RPUSH", "tafawoq:x.reply.celery.pidbox", "x"),
        ("BRPOP", "tafawoq:interactive", "1"),
        ("DEL", "tafawoq:interactive"),
        ("HGETALL", "tafawoq:unacked"),
        ("GET", "tafawoq:rate:x"),
        ("EVAL", "return redis.call('DEL', KEYS[1])", "1", "tafawoq:prefetch"),
    )),
    *(("tafawoq_worker", command) for command in (("LPUSH", "another", "x"), ("PUBLISH", "another", "x"))),
    *((account, command) for account in ACCOUNTS for command in (
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "appendonly", "no"),
        ("CONFIG", "GET", "requirepass"),
        ("ACL", "LIST"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("CLIENT", "LIST"),
        ("SHUTDOWN", "NOSAVE"),
        ("DEBUG", "SLEEP", "1"),
        ("REPLICAOF", "127.0.0.1", "9"),
        ("MONITOR",),
        ("SWAPDB", "0", "1"),
    )),
)  # fmt: skip


@pytest.mark.parametrize(
    ("account", "command"), FORBIDDEN, ids=lambda value: value[0] if isinstance(value, tuple) else value
)
def test_an_account_may_not(
    account: str, command: tuple[str, ...], as_account: Callable[[str], redis.Redis], owner: redis.Redis
) -> None:
    with pytest.raises(
        (NoPermissionError, redis.ResponseError), match=r"(?i)permission|can.t (access|run)|not allowed"
    ):
        as_account(account).execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py has no types
    assert owner.ping()
