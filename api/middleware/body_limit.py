"""No body longer or deeper than we read, or longer on its way: the framework's own limit answers in plain text,
ours in the one shape.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Bodies are a few fields; anything longer is a mistake or an attack.
MAX_BODY_BYTES = 16_384

#: Objects and lists that a body may begin, so that it nests no deeper: Python's decoder has a limit of its own,
#: another in each version. Our deepest body is an object with a list in it.
MAX_BODY_BRACKETS = 64

_SANE_DIGITS = 20


class BodyLimit:
    """Ends a call with 413 as soon as its body is, or says that it will be, too long; with 422 when it could nest
    too deep; with 408 when it is late.

    Only a call that reads its body. Once its answer has begun, such a body is the same as a client that has gone.
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
        body.is_hopeless = _declared(scope) > self._max_bytes
        await self._app(scope, body.receive, body.send)


class _Body:
    """The body of one call on its way in, and whether its answer has begun."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int, until: float) -> None:
        self.is_hopeless = False
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
            return await self._receive()  # the client's leaving, for which a call waits as long as it likes
        if self.is_hopeless:
            return self._refused(413)
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            return self._refused(408)
        body = message.get("body", b"")
        self._left -= len(body)
        self._brackets_left -= body.count(b"[") + body.count(b"{")
        if self._left < 0:
            return self._refused(413)
        if self._brackets_left < 0:
            return self._refused(422)
        self._is_complete = not message.get("more_body", False)
        return message

    def _refused(self, status: int) -> Message:
        if self._is_answered:
            return {"type": "http.disconnect"}
        raise HTTPException(status)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < _SANE_DIGITS else 0
