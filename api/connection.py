"""One connection of the HTTP server: uvicorn's protocol, with a bound on everything a client can send or hold.

What the bounds are and when they are reached is decided in `api.connection_limits`; here bytes are counted and
connections are ended. uvicorn itself knows no limit for a head, a body after its answer, or a client that does
not read (docs/decisions/0019-bounds-of-the-server.md). Of its inner life this uses `cycle`, `pipeline` and
`send_400_response`; tests/integration/api/test_connections.py fails when they change.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.connection_limits import ConnectionClock, ConnectionLimits, ConnectionState, ConnectionTable, Cut
from api.errors import RETRY_AFTER_S, ApiError, answer
from api.metrics import ApiMetrics

#: Read at once. A client that sends its body byte by byte costs a call for each, and others wait for them all.
READ_BYTES = 4_096

#: Looked at in one turn of the loop. Each may be written its last word, and a flood comes to its end all at once.
SWEPT_AT_ONCE = 64

#: Thrown away at once.
_DISCARD_BYTES = 65_536

#: The error that a client gets when its connection is ended, by reason; none where no request was read.
_LAST_WORDS: Mapping[Cut, str] = {
    Cut.HEAD_TIMEOUT: "request_timeout",
    Cut.BODY_TIMEOUT: "request_timeout",
    Cut.MALFORMED: "malformed_request",
    Cut.URL_TOO_LONG: "url_too_long",
    Cut.HEAD_TOO_LARGE: "request_head_too_large",
    Cut.FULL: "service_unavailable",
}


class ServedConnections(ServerState):
    """What all connections of a server share."""

    def __init__(self, limits: ConnectionLimits, max_connections: int, metrics: ApiMetrics) -> None:
        super().__init__()
        self.limits = limits
        self.metrics = metrics
        self.table: ConnectionTable[BoundedProtocol] = ConnectionTable(max_connections)

    def end_overdue(self) -> None:
        """End every connection whose client has had its time, some in each turn of the loop."""
        self._end_some(list(cast("set[BoundedProtocol]", self.connections)))

    def _end_some(self, connections: Sequence[BoundedProtocol]) -> None:
        now = time.perf_counter()
        for connection in connections[:SWEPT_AT_ONCE]:
            connection.end_if_overdue(now)
        if rest := connections[SWEPT_AT_ONCE:]:
            asyncio.get_running_loop().call_soon(self._end_some, rest)


class _TooMuch(Exception):
    """Stops the parser; what was too much is noted in the protocol."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends when its client sends too much, too slowly, or does not read.

    Also tells each call when its bytes were read: its wait for the loop's attention counts as ours.
    """

    server_state: ServedConnections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._socket = transport
        self._limits = self.server_state.limits
        self._clock = ConnectionClock(self._limits, time.perf_counter())
        self._too_much: Cut | None = None
        self._is_deaf = False  #: reads, and does not listen
        self._unfinished_bytes = 0  #: read since the last end of a head or piece of a body
        cast("Any", transport).max_size = READ_BYTES
        super().connection_made(cast("asyncio.Transport", _PoliteTransport(self, transport)))
        self._find_place()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clock.close(time.perf_counter())
        self.server_state.table.remove(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn leaves it running, with all that it holds, after an error
        if (call := self._latest_call) is not None:
            # uvicorn's call and its connection hold each other, and only a full garbage collection would free them.
            call.on_response = _nothing

    def eof_received(self) -> None:
        """The client is done: asyncio closes, as soon as what is written has been sent."""
        self._clock.close(time.perf_counter())
        super().eof_received()

    # --- what comes in

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._clock.read(now, len(data))
        if not self._is_deaf:
            self.app_state["read_at"] = now  # which a request copies that begins with these bytes
            self._unfinished_bytes += len(data)
            super().data_received(data)
            if self._unfinished_bytes > self._limits.max_head_bytes:
                self._refuse(Cut.HEAD_TOO_LARGE)
        if self._clock.has_read_enough:
            self._stop_reading()
        self._settle()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.max_url_bytes:
            self._stop_parser(Cut.URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self._limits.max_headers:
            self._stop_parser(Cut.HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if head_bytes > self._limits.max_head_bytes:
            self._stop_parser(Cut.HEAD_TOO_LARGE)
        if len(self.pipeline) >= self._limits.max_pipelined:
            self._stop_parser(Cut.PIPELINED)
        self._unfinished_bytes = 0
        self._clock.called(time.perf_counter())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        self.cycle.more_body = False  # which uvicorn leaves as it is once the answer is complete
        self._clock.body_ended(time.perf_counter())
        super().on_message_complete()

    def _stop_parser(self, cut: Cut) -> None:
        self._too_much = cut
        raise _TooMuch

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours is another
        """The parser has given up, by itself or because we stopped it."""
        self._refuse(self._too_much or Cut.MALFORMED)

    # --- what goes out

    def on_response_complete(self) -> None:
        self._clock.answered(
            time.perf_counter(),
            calls_left=bool(self.pipeline),
            body_left=self.cycle.more_body and len(self.pipeline) <= 1,
            head_begun=self._unfinished_bytes > 0,
        )
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        self._clock.blocked(time.perf_counter())
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        self._clock.unblocked()
        super().resume_writing()
        self._settle()

    # --- how it ends

    def end_if_overdue(self, now: float) -> None:
        """End the connection when its client has had its time; called again and again."""
        cut = self._clock.overdue(now)
        if cut is None:
            return
        if cut is Cut.SEND_TIMEOUT:
            self._count(cut)
            self._socket.abort()
        elif self._clock.is_ending:
            self._close_now()
        elif cut is Cut.IDLE:
            self.hang_up()
        elif cut is Cut.SILENT:
            self._count(cut)
            self.hang_up()
        else:
            self._refuse(cut)

    def give_way(self) -> None:
        """End at once: somebody else needs the place."""
        self._count(Cut.GAVE_WAY)
        self.server_state.table.remove(self)
        self._socket.abort()

    def hang_up(self) -> None:
        """End the connection. A client that still sends is read for a moment, or a reset would destroy our answer."""
        if self._clock.is_ending:
            return
        call = self._latest_call
        if self._is_deaf or self._unfinished_bytes or (call is not None and call.more_body):
            self._linger()
        else:
            self._close_now()

    @property
    def is_ending(self) -> bool:
        return self._clock.is_ending or self._socket.is_closing()

    @property
    def _latest_call(self) -> RequestResponseCycle | None:
        return self.cycle

    def _refuse(self, cut: Cut) -> None:
        """Read no more from this client. It gets the reason as an error, unless that would tear another answer."""
        if self._is_deaf or self.is_ending:
            return
        self._count(cut)
        self._is_deaf = True
        call = self._latest_call
        if call is None or call.response_complete:
            self._say(cut)
        elif self.pipeline or not call.more_body:
            call.keep_alive = False  # what was asked before is answered, and is the last
            return
        else:
            if not call.response_started:
                self._say(cut)
            call.disconnected = True
            call.message_event.set()
        self._linger()

    def _say(self, cut: Cut) -> None:
        code = _LAST_WORDS.get(cut)
        if code is not None:
            self._socket.write(_last_word(code, self.server_state.default_headers))

    def _linger(self) -> None:
        self._is_deaf = True
        self._clock.linger(time.perf_counter())
        cast("Any", self._socket).max_size = _DISCARD_BYTES
        with contextlib.suppress(OSError):  # the client may be gone
            self._socket.write_eof()
        self._socket.resume_reading()
        self._settle()

    def _stop_reading(self) -> None:
        """More came than we read, so the rest stays where it is, until the connection is closed."""
        if self._clock.is_ending or self._is_deaf:
            self._socket.pause_reading()
        else:
            self._refuse(Cut.UNREAD_BODY)

    def _close_now(self) -> None:
        self._clock.close(time.perf_counter())
        self._socket.close()
        self._settle()

    def _count(self, cut: Cut) -> None:
        self.server_state.metrics.connections_cut.labels(cut).inc()

    # --- its place among the others

    def _find_place(self) -> None:
        table = self.server_state.table
        self._settle()
        if table.is_over:
            other = table.gives_way_to(self)
            if other is None:
                self._refuse(Cut.FULL)
            else:
                other.give_way()

    def _settle(self) -> None:
        """Tell the table how this connection stands."""
        table = self.server_state.table
        if self._clock.is_ending:
            table.put(self, ConnectionState.ENDING)
            if (other := table.overstays()) is not None:
                other.give_way()
        elif not self._clock.waits_for_client:
            table.put(self, ConnectionState.SERVED)
        else:
            table.put(self, ConnectionState.WAITING if self._clock.has_answered else ConnectionState.UNKNOWN)


class _PoliteTransport:
    """uvicorn's view of the socket: it may say at any time that a connection ends, and we decide how."""

    def __init__(self, connection: BoundedProtocol, transport: asyncio.Transport) -> None:
        self._connection = weakref.ref(connection)  # which holds this one
        self.write = transport.write
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.get_extra_info = transport.get_extra_info

    def is_closing(self) -> bool:
        connection = self._connection()
        return connection is None or connection.is_ending

    def close(self) -> None:
        if (connection := self._connection()) is not None:
            connection.hang_up()


def _nothing() -> None:
    """What is told to a connection that is lost."""


def _last_word(code: str, default_headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A whole answer in our error shape, after which the connection ends."""
    request_id = uuid4().hex
    retry_after_s = RETRY_AFTER_S if code == "service_unavailable" else None
    response = answer(ApiError(code, retry_after_s=retry_after_s), request_id)
    status = HTTPStatus(response.status_code)
    headers = [
        *default_headers,
        *response.raw_headers,
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    lines = [b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode())]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
