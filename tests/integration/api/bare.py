"""The server on a real socket, with one paused session and no database, for tests of the socket.

`python -m tests.integration.api.bare` prints its port and serves until it is stopped.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog

from api.app import create_app
from api.server import ApiServer, bound
from db.session_status import SessionStatus
from runtime.api_settings import ApiSettings
from runtime.settings import Environment, PlanSettings, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

_NO_STORE = cast("Any", None)

SESSION = UUID(int=1)
STREAM = f"GET /api/exams/{SESSION}/events?after=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
POST = b"POST /api/exams HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


class _PausedSession:
    """Every session is paused and has exactly one event."""

    def session_status(self, *_: object, **__: object) -> SessionStatus:
        return SessionStatus("paused", 1, None)

    def after(self, *_: object) -> list[object]:
        return []

    def changed(self, _seen: object) -> dict[UUID, int]:
        return {}


def without_auth(**settings: Any) -> ApiSettings:
    return ApiSettings(tafawoq_env=Environment.DEVELOPMENT, **settings)


def bare_app(settings: ApiSettings) -> FastAPI:
    paused = cast("Any", _PausedSession())
    return create_app(
        settings,
        PlanSettings(),
        session_store=paused,
        batch_store=_NO_STORE,
        event_log=paused,
        report_store=_NO_STORE,
        enqueue=_NO_STORE,
        queue_stats=_NO_STORE,
        database_threads=4,
    )


class Bare:
    """A server on a free port of loopback, in a thread."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.server = ApiServer(app)
        self.listener = bound("127.0.0.1", 0)
        self.port: int = self.listener.getsockname()[1]

    def connect(self, timeout_s: float = 30) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def exchange(self, sent: bytes) -> bytes:
        """Everything the server sends until it closes the connection."""
        with self.connect() as connection:
            connection.sendall(sent)
            return everything(connection)

    def cut(self, reason: str) -> float:
        """How many connections were ended for this reason."""
        value = self.app.state.context.metrics.registry.get_sample_value(
            "tafawoq_http_connections_cut_total", {"reason": reason}
        )
        return value or 0.0

    def is_well(self) -> bool:
        return self.exchange(HEALTH + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)


@contextmanager
def serving(app: FastAPI) -> Iterator[Bare]:
    bare = Bare(app)
    thread = threading.Thread(target=bare.server.run, kwargs={"sockets": [bare.listener]}, daemon=True)
    thread.start()
    try:
        yield bare
    finally:
        bare.server.should_exit = True
        thread.join(timeout=30)
        bare.listener.close()
        assert not thread.is_alive(), "the server did not end"


def everything(connection: socket.socket) -> bytes:
    """Everything the server sends until it closes or resets the connection."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionError:
        pass
    return received


def status_of_answer(connection: socket.socket) -> int:
    """Of one whole answer; the connection can be used again."""
    with HTTPResponse(connection) as response:
        response.begin()
        response.read()
        return response.status


def until(reached: Any) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    listener = bound("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    ApiServer(bare_app(load(ApiSettings))).run(sockets=[listener])


if __name__ == "__main__":
    main()
