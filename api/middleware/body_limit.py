"""Bounds of a request body: its length, its nesting and the time it takes to arrive.

The framework's own limit answers in plain text; ours answers in the shape of all errors.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: A body has a few fields; a longer one is a mistake or an attack.
MAX_BODY_BYTES = 16_384

#: Opening brackets in a body, which bound its nesting: the limit of Python's own decoder differs by version.
#: Our deepest body is an object with a list in it.
MAX_BODY_BRACKETS = 64

_MAX_LENGTH_DIGITS = 20


class BodyLimit:
    """Answers 413 when a body is (or declares to be) too long, 422 when it may nest too deep, 408 when it is late.

    Applies only when the call reads its body. After the answer has begun, such a body counts as a disconnect.
    """

    def __init__(self, app: ASGIApp, *, max_s: float, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_s = max_s
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._max_s
        body = _Body(receive, send, self._max_bytes, until)
        body.is_declared_too_long = _declared_bytes(scope) > self._max_bytes
        await self._app(scope, body.receive, body.send)


class _Body:
    """The body of one call as it arrives, and whether the answer has begun."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int, until: float) -> None:
        self.is_declared_too_long = False
        self._receive = receive
        self._send = send
        self._left = max_bytes
        self._brackets_left = MAX_BODY_BRACKETS
        self._until = until
        self._is_complete = False
        self._is_answered = False

    async def send(self, message: Message) -> None:
        self._is_answered = True
        await self._send(message)

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()  # the disconnect message: a call may wait for it without a limit
        if self.is_declared_too_long:
            return self._rejected(413)
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            return self._rejected(408)
        body = message.get("body", b"")
        self._left -= len(body)
        self._brackets_left -= body.count(b"[") + body.count(b"{")
        if self._left < 0:
            return self._rejected(413)
        if self._brackets_left < 0:
            return self._rejected(422)
        self._is_complete = not message.get("more_body", False)
        return message

    def _rejected(self, status: int) -> Message:
        if self._is_answered:
            return {"type": "http.disconnect"}
        raise HTTPException(status)


def _declared_bytes(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < _MAX_LENGTH_DIGITS else 0
