"""A server that speaks bytes rather than HTTP: it answers a request exactly as a test tells it to.

Recorded streams, cuts, silence and pings need control over every byte on the socket, which no HTTP framework
gives. Each connection runs the test's script in a thread of its own.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

STREAMS = Path(__file__).parents[1] / "fixtures" / "sse"

#: How long a script waits for its client before it gives up; no passing test waits that long.
TIMEOUT_S = 10


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  #: names in lower case
    body: Any


class Exchange:
    """One request, and the hand that writes the answer."""

    def __init__(self, request: Request, connection: socket.socket, left: threading.Event) -> None:
        self.request = request
        self.connection = connection
        self.left = left  #: set when the client has closed the connection

    def send(self, data: bytes) -> None:
        with suppress(OSError):  # the client may have gone, which is what some tests are about
            self.connection.sendall(data)

    def begin_stream(self) -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_recorded\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )

    def send_chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def wait_until_left(self) -> bool:
        """Read until the client closes; whether it did."""
        with suppress(OSError):
            self.connection.settimeout(TIMEOUT_S)
            while self.connection.recv(4096):
                pass
            self.left.set()
        return self.left.is_set()


Script = Callable[[Exchange], None]


def recorded(name: str, *, complete: bool = True) -> Script:
    """Play a recorded stream; `complete=False` drops the connection where the recording ends."""

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk((STREAMS / name).read_bytes())
        if complete:
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.connection.shutdown(socket.SHUT_RDWR)

    return play


def status(code: int, error: Mapping[str, Any] | None = None, **headers: str) -> Script:
    """Answer with a status, an error body of the API's shape and these headers (`_` for `-`)."""

    def play(exchange: Exchange) -> None:
        body = json.dumps({"type": "error", "error": error or {}, "request_id": "req_in_body"}).encode()
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        exchange.send(
            f"HTTP/1.1 {code} Status\r\ncontent-type: application/json\r\nrequest-id: req_failed\r\n{named}"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )

    return play


def json_reply(value: Mapping[str, Any]) -> Script:
    def play(exchange: Exchange) -> None:
        body = json.dumps(value).encode()
        exchange.send(
            f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )

    return play


class RawServer:
    """Plays `script` for every request. `requests` holds what was asked, `left` is set when a client hangs up."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        self.left = threading.Event()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def running(self) -> Iterator[RawServer]:
        self._in_thread(self._accept)
        try:
            yield self
        finally:
            self._close(self._listener)
            for connection in list(self._open):
                self._close(connection)
            for thread in list(self._threads):
                thread.join(TIMEOUT_S)

    def _in_thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._in_thread(partial(self._serve, connection))

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):  # either side may hang up at any point
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                while (request := _read_request(connection)) is not None:
                    self.requests.append(request)
                    self.script(Exchange(request, connection, self.left))
            self.left.set()

    @staticmethod
    def _close(sock: socket.socket) -> None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        sock.close()


def _read_request(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            return None
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Request(method, path, headers, json.loads(body) if body else None)
