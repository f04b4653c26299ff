"""Servers that can be killed and come back at the same address with what they had written."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.embedded_server import EmbeddedServer
from tools.stack.ports import free_port

_ENDS_WITHIN_S = 20


class _SameRedis(EmbeddedRedis):
    """Keeps the password of the server whose place it takes."""

    password = ""

    def _prepare(self) -> None:
        super()._prepare()
        self._password = self.password or self._password
        self.password = self._password


class Restartable:
    """One address; behind it one server after another, on the same data."""

    def __init__(self, make: Callable[[int], EmbeddedServer]) -> None:
        self._make = make
        self._port = free_port()
        self._server = make(self._port)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def kill(self, number: signal.Signals, *, away_s: float) -> None:
        """End it without warning, leave it away for a while, and start it again."""
        self.end(number)
        time.sleep(away_s)
        self.succeed()

    def end(self, number: signal.Signals) -> None:
        """End it without warning."""
        pid = self._server.child.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        _await_end(pid)

    def succeed(self) -> None:
        """Start another one in the place of the one that ended."""
        self._server.stop()
        successor = self._make(self._port)
        if isinstance(successor, _SameRedis) and isinstance(self._server, _SameRedis):
            successor.password = self._server.password
        successor.start()
        self._server = successor


def postgres(directory: Path) -> Restartable:
    data, log = directory / "postgres", directory / "logs" / "postgres.log"
    return Restartable(lambda port: EmbeddedPostgres(data, port=port, log=log))


def redis(directory: Path) -> Restartable:
    data, log = directory / "redis", directory / "logs" / "redis.log"
    return Restartable(lambda port: _SameRedis(data, port=port, log=log))


def _await_end(pid: int) -> None:
    """Until the process is gone or a zombie that its starter will reap."""
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
