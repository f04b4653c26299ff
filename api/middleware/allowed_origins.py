"""Which pages may call an API process that has no auth.

Such a process trusts every caller. It listens on loopback, or a container publishes it there, so only this
machine reaches it. But pages of any site run on this machine too, in the browser: they can send requests here,
and with a host name that resolves to 127.0.0.1 they could also read the answers (DNS rebinding). So this process
answers only under host names that no stranger controls, and only pages of its own origin or an allowed one.
A proxy on this machine would let the whole network in, so calls that a proxy forwarded are refused, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import ApiError, answer

#: How many host names are cached as ours or foreign; most callers use one.
_CACHED_HOSTS = 256

#: The headers with which proxies, balancers and tunnels say for whom they call.
_FORWARDED = re.compile(
    r"forwarded|via|x-forwarded(-.*)?|x-original-(forwarded-for|host|url)|x-(real|client|cluster-client)-?ip|x-proxyuser-ip|"
    r"true-client-ip|client-ip|forwarded-for|cf-(connecting-ip|ray|visitor)|fly-client-ip|fastly-client-ip|"
    r"x-(envoy-external-address|azure-clientip|appengine-user-ip|amzn-trace-id|arr-log-id|vercel-forwarded-for)|cdn-loop"
)

_HOST = re.compile(r"(?P<name>[^:\[\]]+|\[[^\[\]]+\])(:\d{1,5})?")


class AllowedOrigins:
    """Answers 403 to calls under a foreign host name, from pages of foreign origins, and through a proxy."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str], hosts: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = frozenset({"localhost", *hosts})
        self._is_our_host_cached = lru_cache(_CACHED_HOSTS)(self._is_our_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope)):
            api_error = ApiError("forbidden_origin")
            await answer(api_error, scope["state"]["request_id"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if any(_FORWARDED.fullmatch(name) for name in headers):
            return False
        host, origin = headers.get("host", ""), headers.get("origin")
        if len(headers.getlist("host")) > 1 or not self._is_our_host_cached(host):
            return False
        return origin is None or origin in self._origins or origin == f"http://{host}"

    def _is_our_host(self, host: str) -> bool:
        named = _HOST.fullmatch(host)
        if named is None:
            return False
        name = named["name"].strip("[]").lower()
        return name in self._hosts or _is_address(name)


def _is_address(text: str) -> bool:
    """Whether it is an IP address. A stranger can make a name resolve to this machine, but not an address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
