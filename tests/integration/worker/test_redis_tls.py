"""Redis over TLS: the queue, our own clients and Flower verify the same server with the same authorities."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from celery import Celery
from flower.utils.broker import Broker
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from api.rate_limits import Kind, Rate, SharedLimits
from api.waiting_calls import SharedWaitingCalls
from runtime.redis import make_redis
from runtime.settings import RedisSettings
from tests.support.self_signed import self_signed
from worker.app import configuration


@dataclass
class Front:
    """TLS before a Redis, with a certificate that nobody vouches for. Keeps what clients sent after the handshake."""

    url: str
    ca_file: str
    received: list[bytes] = field(default_factory=list)


@pytest.fixture
def front(redis_url: str, tmp_path: Path) -> Iterator[Front]:
    context, _ = self_signed(tmp_path)
    behind = urlsplit(redis_url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        login = behind.netloc.rpartition("@")[0]
        port = listener.getsockname()[1]
        front = Front(f"rediss://{login}@127.0.0.1:{port}{behind.path}", str(tmp_path / "server.pem"))
        there = (behind.hostname or "", behind.port or 0)
        threading.Thread(target=_accept, args=(listener, context, there, front), daemon=True).start()
        yield front
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, there: tuple[str, int], front: Front) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context, there, front), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, there: tuple[str, int], front: Front) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(client, server_side=True) as encrypted,
        socket.create_connection(there) as redis,
    ):
        threading.Thread(target=_pipe, args=(redis, encrypted, []), daemon=True).start()
        _pipe(encrypted, redis, front.received)


def _pipe(source: socket.socket, target: socket.socket, kept: list[bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            kept.append(data)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def queue(monkeypatch: pytest.MonkeyPatch, url: str, ca_file: str = "") -> Celery:
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("REDIS_CA_FILE", ca_file)
    app = Celery("test", amqp="worker.broker:GuardedAMQP", set_as_current=False)
    app.conf.update(configuration())
    return app


def connect(app: Celery) -> None:
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
        connection.default_channel.client.ping()


def counted(settings: RedisSettings, capacity: int) -> float:
    async def take() -> float:
        limits = SharedLimits(settings, {Kind.CALLS: Rate(capacity, 3600)}, timeout_s=5)
        user = uuid4()
        waits = [await limits.take(user, Kind.CALLS) for _ in range(capacity + 1)]
        await limits.close()
        return waits[-1]

    return asyncio.run(take())


def other_tab_may_wait(settings: RedisSettings) -> bool:
    async def enter() -> bool:
        calls, session_id = SharedWaitingCalls(settings, timeout_s=5), uuid4()
        async with calls.entered(session_id, 0), calls.entered(session_id, 0) as other_tab:
            pass
        await calls.close()
        return other_tab

    return asyncio.run(enter())


def test_a_certificate_that_nobody_vouches_for_is_refused_by_all_before_the_password(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RedisSettings(redis_url=front.url)

    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(queue(monkeypatch, front.url))
    with closing(make_redis(settings, timeout_s=5)) as client, pytest.raises(RedisError, match="VERIFY"):
        client.ping()
    assert counted(settings, 1) == 0  # without Redis all calls are allowed
    assert other_tab_may_wait(settings)
    assert front.received == []


def test_with_the_authority_as_a_setting_all_connect(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = RedisSettings(redis_url=front.url, redis_ca_file=front.ca_file)
    app = queue(monkeypatch, front.url, front.ca_file)

    connect(app)
    with closing(make_redis(settings, timeout_s=5)) as client:
        assert client.ping()
    assert counted(settings, 1) > 0
    assert not other_tab_may_wait(settings)
    flower = Broker(app.connection().as_uri(include_password=True), broker_use_ssl=app.conf.broker_use_ssl)
    assert asyncio.run(flower.queues(["interactive"])) == [{"name": "interactive", "messages": 0}]


def test_verification_is_switched_off_in_so_many_words_for_all(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{front.url}?ssl_cert_reqs=none"

    connect(queue(monkeypatch, url))
    with closing(make_redis(RedisSettings(redis_url=url), timeout_s=5)) as client:
        assert client.ping()
