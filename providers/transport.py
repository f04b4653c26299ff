"""One attempt's control over its socket: how long a read may take, and how another thread ends it.

A blocked read cannot look at a stop signal, and a ping every few seconds keeps a read timeout from ever
firing. So the limits live below the HTTP library, at the network backend it reads through: each read gets
the time that is left until text is overdue or the attempt's deadline, and shutting the socket down from
another thread wakes a read, a write and the wait for headers alike, with TLS or without.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

import httpcore2
import httpx2

#: Of one answer, its head included: many times what the longest reply has.
MAX_REPLY_BYTES = 16_000_000


class Overdue(StrEnum):
    """Which of the attempt's own limits ended a read."""

    TEXT = "text"  #: none came for the stall timeout
    DEADLINE = "deadline"  #: the attempt took too long altogether


class Transport:
    """One attempt's limits and its emergency brake. `cut` may come from any thread, at any time."""

    def __init__(
        self,
        *,
        stall_timeout_s: float,
        deadline_s: float,
        gather_s: Callable[[], float] = lambda: 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`gather_s` says before each read how many seconds of text should gather in the socket since the last one."""
        self._clock = clock
        self._gather_s = gather_s
        self._read_at = -math.inf  #: when the last read began
        self._stall_timeout_s = stall_timeout_s
        self._deadline_at = clock() + deadline_s
        self._stalled_at = clock() + stall_timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = threading.Event()
        #: Set when one of our limits, rather than the network, ended a read.
        self.overdue: Overdue | None = None
        self._is_reused = False  #: its connection has carried an earlier attempt
        self._heard_bytes = 0

    @property
    def is_stale(self) -> bool:
        """Whether the request went into a connection that was kept open, and nothing at all came back."""
        return self._is_reused and not self._heard_bytes

    def sends_on(self, *, reused: bool) -> None:
        """The request is about to be written."""
        self._is_reused = reused

    def heard(self, number: int) -> None:
        """So many bytes of the answer came. Raises ReadError when they are too many."""
        self._heard_bytes += number
        if self._heard_bytes > MAX_REPLY_BYTES:
            raise httpcore2.ReadError(f"The reply has more than {MAX_REPLY_BYTES} bytes.")

    def grew(self) -> None:
        """Text came, or we have only now come back to listen: the stall timeout starts again."""
        self._stalled_at = self._clock() + self._stall_timeout_s

    def hurry(self, within_s: float) -> None:
        """What is still to come must come within this time."""
        self._deadline_at = min(self._deadline_at, self._clock() + within_s)
        self._gather_s = lambda: 0.0

    def gather(self) -> None:
        """Return when the next read is due, at once for the first; or when the transport is cut."""
        wait_s = self._read_at + self._gather_s() - self._clock()
        if wait_s > 0:
            self._cut.wait(wait_s)
        self._read_at = self._clock()

    def cut(self) -> None:
        """End what this attempt waits for, and everything that it would wait for. Never blocks or raises."""
        with self._lock:
            self._cut.set()
            if self._socket is not None:
                _shut_down(self._socket)

    @contextlib.contextmanager
    def waiting_on(self, sock: socket.socket) -> Iterator[None]:
        """`cut` shuts this socket down while the block runs, and only then: afterwards the connection may
        belong to another attempt.
        """
        with self._lock:
            if self._cut.is_set():
                raise httpcore2.ReadError("The attempt was stopped.")
            self._socket = sock
        try:
            yield
        finally:
            with self._lock:
                self._socket = None

    @contextlib.contextmanager
    def timeout(self, timeout_s: float | None) -> Iterator[float]:
        """The seconds that one wait may take: the HTTP library's timeout, or less when a limit is nearer.

        Raises ReadTimeout when a limit has passed already. Notes which limit it was.
        """
        limit_s, overdue = self._nearest_limit()
        if timeout_s is not None and timeout_s < limit_s:
            limit_s, overdue = timeout_s, None
        try:
            if limit_s <= 0:
                raise httpcore2.ReadTimeout("The attempt's time is up.")
            yield limit_s
        except httpcore2.TimeoutException:
            self.overdue = overdue
            raise

    def _nearest_limit(self) -> tuple[float, Overdue | None]:
        now = self._clock()
        until_stalled, until_deadline = self._stalled_at - now, self._deadline_at - now
        if until_stalled < until_deadline:
            return until_stalled, Overdue.TEXT
        return until_deadline, Overdue.DEADLINE


def _shut_down(sock: socket.socket) -> None:
    # Not `sock.shutdown`: on a TLS socket that drops the TLS state while the reader is using it.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


_current: ContextVar[Transport | None] = ContextVar("transport", default=None)


@contextlib.contextmanager
def requesting_on(transport: Transport) -> Iterator[None]:
    """Requests that this thread sends while the block runs, and their replies, obey this transport."""
    token = _current.set(transport)
    try:
        yield
    finally:
        _current.reset(token)


def watch_sockets(client: httpx2.Client) -> None:
    """Make every connection of this client obey the transport of the request it carries.

    httpx2 has no public API for a network backend, so this replaces the one inside its transports, also
    those it made for proxies. Raises TypeError when the library has changed so that it can no longer.
    """
    for pool in _pools(client):
        pool._network_backend = _WatchedBackend(pool._network_backend)  # noqa: SLF001  no public API


def _pools(client: httpx2.Client) -> Iterator[httpcore2.ConnectionPool]:
    transports = (client._transport, *client._mounts.values())  # noqa: SLF001  no public API
    for transport in transports:
        if transport is None:
            continue
        pool = getattr(transport, "_pool", None)
        if not isinstance(pool, httpcore2.ConnectionPool):
            raise TypeError(
                f"{type(transport).__name__} has no connection pool whose sockets could be watched."
            )
        yield pool


def retire_connections(client: httpx2.Client) -> None:
    """The next requests of this client go over fresh connections; calls under way keep theirs.

    Where one kept-alive connection was dead, its neighbours are: a proxy or a firewall had forgotten them.
    """
    for pool in _pools(client):
        backend = pool._network_backend  # noqa: SLF001  no public API
        if isinstance(backend, _WatchedBackend):
            backend.retire_idle()


class _WatchedStream(httpcore2.NetworkStream):
    """A connection that obeys the transport of the request it carries now; between requests, nobody's."""

    def __init__(self, stream: httpcore2.NetworkStream, pool: _Connections) -> None:
        self._stream = stream
        self._pool = pool
        self._opened_in = pool.generation
        self._transport: Transport | None = None
        self._has_answered = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._transport is not None:
            self._transport.gather()
        with _waiting(self._transport, self._stream, timeout) as limit_s:
            data = self._stream.read(max_bytes, limit_s)
        if data:
            self._has_answered = True
            if self._transport is not None:
                self._transport.heard(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # A request begins with a write by the thread that sends it: from here on the connection is its own.
        transport = _current.get()
        if transport is not None and transport is not self._transport:
            transport.sends_on(reused=self._has_answered)
        self._transport = transport
        with _waiting(self._transport, self._stream, timeout) as limit_s:
            self._stream.write(buffer, limit_s)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        with _waiting(_current.get(), self._stream, timeout) as limit_s:
            return _WatchedStream(self._stream.start_tls(ssl_context, server_hostname, limit_s), self._pool)

    def get_extra_info(self, info: str) -> Any:
        # The HTTP library asks an idle connection whether it is readable, which means: closed by the server.
        if info == "is_readable" and self._opened_in != self._pool.generation:
            return True
        return self._stream.get_extra_info(info)


class _Connections:
    """What the connections of one pool know of each other: those of an earlier generation are not used again."""

    def __init__(self) -> None:
        self.generation = 0


class _WatchedBackend(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend
        self._connections = _Connections()

    def retire_idle(self) -> None:
        """No connection that is open now carries another request; what it carries now goes on."""
        self._connections.generation += 1

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _WatchedStream(stream, self._connections)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


@contextlib.contextmanager
def _waiting(
    transport: Transport | None, stream: httpcore2.NetworkStream, timeout_s: float | None
) -> Iterator[float | None]:
    if transport is None:
        yield timeout_s
        return
    with transport.timeout(timeout_s) as limit_s, transport.waiting_on(stream.get_extra_info("socket")):
        yield limit_s
