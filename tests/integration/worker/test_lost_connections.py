"""Connections to Redis that are lost in every way there is: a worker heals without a restart, and answers again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.integration.worker.conftest import running_worker
from tests.integration.worker.test_foreign_messages import QUEUE, await_listener, await_output, envelope
from tests.support.tls_front import Authority, TlsFront
from tools.stack.child import Child
from tools.stack.embedded import EmbeddedRedis
from tools.stack.ports import free_port

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


ROUNDS = 3
#: For which a server is not itself.
AWAY_S = 2.0
#: In which a worker answers once Redis is well.
HEALED_WITHIN_S = 20


class SameRedis(EmbeddedRedis):
    """Keeps its address and its password when it is started again."""

    def _prepare(self) -> None:
        if not self.url:
            super()._prepare()


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with SameRedis(port=free_port(), durable=False) as server:
        yield server


@pytest.fixture
def owner(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def worker_here(server: EmbeddedRedis, worker_env: dict[str, str], tmp_path: Path) -> Iterator[Child]:
    env = {**worker_env, "REDIS_URL": server.url}
    with running_worker(tmp_path / "worker.log", env) as child:
        yield child


def command(owner: redis.Redis, *words: str) -> None:
    owner.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's, which is not typed


def kill_pubsub(owner: redis.Redis) -> None:
    owner.client_kill_filter(_type="pubsub")


def kill_normal(owner: redis.Redis) -> None:
    owner.client_kill_filter(_type="normal", skipme=True)


def kill_both(owner: redis.Redis) -> None:
    kill_pubsub(owner)
    kill_normal(owner)


def refuse_new_connections(owner: redis.Redis) -> None:
    """The limit is reached, and those that there were are gone."""
    before = str(owner.config_get("maxclients")["maxclients"])
    owner.config_set("maxclients", "1")
    kill_both(owner)
    time.sleep(AWAY_S)
    owner.config_set("maxclients", before)


def change_the_password_and_back(owner: redis.Redis) -> None:
    secret = owner.config_get("requirepass")["requirepass"]
    command(owner, "ACL", "SETUSER", "default", "resetpass", ">another")
    kill_both(owner)
    time.sleep(AWAY_S)
    command(owner, "ACL", "SETUSER", "default", "resetpass", f">{secret}")


def take_rights_and_give_them_back(owner: redis.Redis) -> None:
    command(owner, "ACL", "SETUSER", "default", "-brpop", "-psubscribe")
    kill_both(owner)
    time.sleep(AWAY_S)
    command(owner, "ACL", "SETUSER", "default", "+brpop", "+psubscribe")


def fail_over_and_back(owner: redis.Redis) -> None:
    owner.replicaof("127.0.0.1", "9")
    owner.client_kill_filter(_type="normal", skipme=True)
    time.sleep(AWAY_S)
    owner.replicaof("NO", "ONE")


def stop_answering(owner: redis.Redis) -> None:
    with suppress(redis.RedisError):
        command(owner, "DEBUG", "SLEEP", str(AWAY_S))


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "lose",
    [
        kill_pubsub,
        kill_normal,
        kill_both,
        refuse_new_connections,
        change_the_password_and_back,
        take_rights_and_give_them_back,
        fail_over_and_back,
        stop_answering,
    ],
)
def test_a_worker_heals(lose: Callable[[redis.Redis], None], worker_here: Child, owner: redis.Redis) -> None:
    for number in range(ROUNDS):
        await_listener(owner)
        lose(owner)
        message = envelope("generation.sweep")
        owner.lpush(QUEUE, json.dumps(message))
        after = f"round {number} of {lose.__name__}"
        await_output(worker_here, message["headers"]["id"], after=after, within_s=HEALED_WITHIN_S)
    await_listener(owner)


@pytest.mark.timeout(180)
def test_a_worker_heals_when_redis_was_started_again(worker_here: Child, server: EmbeddedRedis) -> None:
    for number in range(ROUNDS):
        server.stop()
        time.sleep(AWAY_S)
        server.start()
        with redis.Redis.from_url(server.url) as owner:
            message = envelope("generation.sweep")
            owner.lpush(QUEUE, json.dumps(message))
            after = f"restart {number}"
            await_output(worker_here, message["headers"]["id"], after=after, within_s=HEALED_WITHIN_S)
            await_listener(owner)


@pytest.mark.timeout(240)
def test_a_worker_heals_when_the_certificate_is_renewed_or_was_wrong_for_a_while(
    server: EmbeddedRedis, owner: redis.Redis, worker_env: dict[str, str], tmp_path: Path
) -> None:
    known, unknown = Authority(tmp_path), Authority(tmp_path, "an authority that nobody knows")
    address = urlsplit(server.url)
    assert address.port is not None
    with TlsFront(address.port, known.server_side()).running() as front:
        options = f"ssl_cert_reqs=required&ssl_ca_certs={known.file}"
        env = {**worker_env, "REDIS_URL": f"rediss://:{address.password}@127.0.0.1:{front.port}/0?{options}"}
        with running_worker(tmp_path / "worker.log", env) as worker:
            await_listener(owner)
            front.present(known.server_side())
            takes_a_message(worker, owner, "the renewal")
            front.present(unknown.server_side())
            await_output(
                worker, "CERTIFICATE_VERIFY_FAILED", after="another authority", within_s=HEALED_WITHIN_S
            )
            front.present(known.server_side())
            takes_a_message(worker, owner, "the right certificate was back")


def takes_a_message(worker: Child, client: redis.Redis, after: str) -> None:
    message = envelope("generation.sweep")
    client.lpush(QUEUE, json.dumps(message))
    await_output(worker, message["headers"]["id"], after=after, within_s=HEALED_WITHIN_S)


@pytest.mark.timeout(180)
def test_a_worker_heals_when_another_server_takes_over_the_address(
    server: EmbeddedRedis, worker_env: dict[str, str], tmp_path: Path
) -> None:
    """As after a failover behind one name: the new server has none of the old one's keys."""
    port, secret = urlsplit(server.url).port, urlsplit(server.url).password
    with running_worker(tmp_path / "worker.log", {**worker_env, "REDIS_URL": server.url}) as worker:
        server.stop()
        with (
            EmbeddedRedis(port=port, durable=False) as successor,
            redis.Redis.from_url(successor.url) as client,
        ):
            command(client, "ACL", "SETUSER", "default", "resetpass", f">{secret}")
            takes_a_message(worker, client, "the failover")
