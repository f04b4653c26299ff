"""A server that was killed is started again in its place: who knew its address need not be told another."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.support.homes import no_home_left
from tools.stack.child import StartFailed
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.embedded_server import EmbeddedServer
from tools.stack.ports import LOOPBACK


def kill(server: EmbeddedServer) -> None:
    server.child.send(signal.SIGKILL)
    server.child.wait(20)


def test_a_killed_postgres_keeps_address_password_and_what_was_committed(tmp_path: Path) -> None:
    with no_home_left(tmp_path / "data"), EmbeddedPostgres(tmp_path / "data") as server:
        url = server.url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        for _ in range(2):
            kill(server)
            server.restart()
            assert server.url == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_a_killed_redis_keeps_address_password_and_what_was_written(tmp_path: Path) -> None:
    with no_home_left(tmp_path / "data"), EmbeddedRedis(tmp_path / "data") as server:
        url = server.url
        with redis.Redis.from_url(url) as client:
            client.set("kept", 7)
        kill(server)
        server.restart()
        assert server.url == url
        with redis.Redis.from_url(url) as client:
            assert client.get("kept") == b"7"


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_a_restart_that_failed_may_be_tried_again(tmp_path: Path, kind: type[EmbeddedServer]) -> None:
    with no_home_left(tmp_path / "data"), kind(tmp_path / "data") as server:
        url = server.url
        port = urlsplit(url).port
        kill(server)
        with socket.create_server((LOOPBACK, port or 0)):
            for _ in range(2):
                with pytest.raises(StartFailed, match=f"cannot listen on port {port}: another program does"):
                    server.restart()
        server.restart()
        assert server.url == url
