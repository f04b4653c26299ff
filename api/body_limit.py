"""No body longer or deeper than we read: the framework's own limit answers in plain text, ours in the one shape."""

from __future__ import annotations

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
    """Ends a call with 413 as soon as its body is, or says that it will be, too long; with 422 when it could
    nest too deep.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, self._max_bytes, _declared(scope)), send)


class _Counted:
    """A receive that fails, only for a route that reads its body, when there is or will be too much."""

    def __init__(self, receive: Receive, max_bytes: int, declared: int) -> None:
        self._receive = receive
        self._left = max_bytes
        self._brackets_left = MAX_BODY_BRACKETS
        self._is_hopeless = declared > max_bytes

    async def __call__(self) -> Message:
        if self._is_hopeless:
            raise HTTPException(413)
        message = await self._receive()
        body = message.get("body", b"")
        self._left -= len(body)
        self._brackets_left -= body.count(b"[") + body.count(b"{")
        if self._left < 0:
            raise HTTPException(413)
        if self._brackets_left < 0:
            raise HTTPException(422)
        return message


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < _SANE_DIGITS else 0
