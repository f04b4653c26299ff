"""A small HTTP/1.1 server that owns its sockets: it can cut a body at any byte and reset a connection.

Only what local clients need: requests with a content-length, kept-alive connections, chunked responses.
A client that has gone is noticed without a task a stream, because the reader sees its end of file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

MAX_HEAD_BYTES = 64 * 1024
#: By this header an operator's check recognizes the simulator; see providers.model_check.
SERVER = "tafawoq-simulator"

STANDARD = frozenset(HTTPStatus)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  #: names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return cls(status, data, {"content-type": "application/json", **(headers or {})})


class Connection:
    """One client's socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.open = True

    @property
    def gone(self) -> bool:
        """The client has hung up, or we have."""
        return not self.open or self._reader.at_eof() or self._writer.transport.is_closing()

    async def read_request(self) -> Request | None:
        """The next request, or None when the client is done or does not speak HTTP."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.rstrip("\r\n").split("\r\n")
            method, target, _ = line.split(" ", 2)
            pairs = (header.partition(":") for header in rest)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            return None
        path, _, query = target.partition("?")
        return Request(method, unquote(path), dict(parse_qsl(query)), headers, body)

    async def send(self, response: Response) -> None:
        length = {"content-length": str(len(response.body))}
        self._writer.write(_head(response.status, length | response.headers) + response.body)
        await self._drain()

    def start(self, status: int, headers: dict[str, str]) -> None:
        self._writer.write(_head(status, {"transfer-encoding": "chunked"} | headers))

    async def send_chunk(self, data: bytes) -> None:
        """An empty chunk would end the body, so nothing is sent for it."""
        if not data:
            return
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._drain()

    def finish(self) -> None:
        """End the chunked body as it should end."""
        self._writer.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Hang up in the middle: the client has what was sent and misses the end."""
        self.open = False
        self._writer.close()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        self.open = False
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def until_gone(self) -> None:
        """Wait for the client to hang up; what it still sends is ignored."""
        while await self._reader.read(MAX_HEAD_BYTES):
            pass

    async def close(self) -> None:
        self.open = False
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


Handler = Callable[[Request, Connection], Awaitable[Response | None]]


class Listener:
    """An open port and the conversations on it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._conversations: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(
            self._welcome, host, port, limit=MAX_HEAD_BYTES, backlog=1024
        )

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called by asyncio for a new client. The task is ours, so that closing can wait for it."""
        conversation = asyncio.create_task(self._converse(Connection(reader, writer)))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, connection: Connection) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await _talk(self._handler, connection)
        finally:
            await connection.close()


async def _talk(handler: Handler, connection: Connection) -> None:
    while connection.open:
        request = await connection.read_request()
        if request is None:
            return
        response = await handler(request, connection)
        if response is not None and not connection.gone:
            await connection.send(response)
        if request.headers.get("connection", "").lower() == "close":
            return


def _head(status: int, headers: dict[str, str]) -> bytes:
    phrase = HTTPStatus(status).phrase if status in STANDARD else "Unknown"
    named = {"server": SERVER} | headers
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in named.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
