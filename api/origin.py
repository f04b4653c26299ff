"""From where a browser may reach a door that asks nobody for a password.

Without auth whoever reaches the server is trusted, and it is on loopback so that only this machine does. A
page of any site runs on this machine too, in its user's browser: it can send requests here, and with a host
name that it lets point at 127.0.0.1 it could even read the answers. So such a door answers only to loopback
names, and to pages of its own origin or of one that was allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Refusal, answer

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)


class LocalOnly:
    """Refuses, with 403, calls under a foreign host name and from pages of foreign origins."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_local(Headers(scope=scope)):
            refusal = Refusal("forbidden_origin")
            await answer(refusal, scope["state"]["request_id"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_local(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not _LOOPBACK.fullmatch(host):
            return False
        return origin is None or origin in self._origins or origin == f"http://{host}"
