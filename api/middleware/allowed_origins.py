"""From where a browser may reach an API process that asks nobody for a password.

Without auth whoever reaches the server is trusted, and it is on loopback, or published there by a container, so
that only this machine does. A page of any site runs on this machine too, in its user's browser: it can send
requests here, and with a host name that it lets point at 127.0.0.1 it could even read the answers. So such an API process
answers only to names that no stranger can point here, and to pages of its own origin or of one that was allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import ApiError, answer

#: How many host names are remembered as foreign or ours; most callers use one.
_REMEMBERED = 256

_HOST = re.compile(r"(?P<name>[^:\[\]]+|\[[^\[\]]+\])(:\d{1,5})?")


class AllowedOrigins:
    """Refuses, with 403, calls under a foreign host name and from pages of foreign origins."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str], hosts: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = frozenset({"localhost", *hosts})
        self._leads_here = lru_cache(_REMEMBERED)(self._is_our_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope)):
            api_error = ApiError("forbidden_origin")
            await answer(api_error, scope["state"]["request_id"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._leads_here(host):
            return False
        return origin is None or origin in self._origins or origin == f"http://{host}"

    def _is_our_host(self, host: str) -> bool:
        named = _HOST.fullmatch(host)
        if named is None:
            return False
        name = named["name"].strip("[]").lower()
        return name in self._hosts or _is_address(name)


def _is_address(text: str) -> bool:
    """An address leads where it says: unlike a name, nobody can make it lead here."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
