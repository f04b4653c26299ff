"""What happens around every call: its id, its log line, its metrics, and the answer of last resort.

A plain ASGI middleware, so that streams pass through it untouched. The log line has ids, the route and
numbers; an unforeseen error is logged by its class and where it was raised, without its message, which
could quote a row.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Refusal, answer
from api.metrics import DoorMetrics
from api.openapi import PREFIXES

log = structlog.get_logger("api.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "POST"})
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


class Access:
    """Gives every call an id (the caller's own, if it is sane), and writes down how the call went."""

    def __init__(self, app: ASGIApp, *, metrics: DoorMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        status: list[int] = []

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id), self._noting(scope, status):
            try:
                await self._app(scope, receive, stamped)
            except Exception as error:  # noqa: BLE001 - the last resort: a sentence, not a traceback
                _log_unforeseen(error)
                if not status:
                    await answer(Refusal("internal_error"), request_id)(scope, receive, stamped)

    @contextmanager
    def _noting(self, scope: Scope, status: list[int]) -> Iterator[None]:
        """Log and count the call when it ends, also when it was cut off (status 0)."""
        turn_at = time.perf_counter()
        read_at = scope["state"].get("read_at", turn_at)
        try:
            yield
        finally:
            seconds = time.perf_counter() - read_at
            route, method = _route(scope), _method(scope)
            code = status[0] if status else 0
            self._metrics.requests.labels(method, route, str(code)).inc()
            self._metrics.seconds.labels(method, route).observe(seconds)
            note = log.debug if route in _QUIET_ROUTES else log.info
            note(
                "request",
                method=method,
                route=route,
                status=code,
                ms=round(seconds * 1000),
                queued_ms=round((turn_at - read_at) * 1000),  # behind other calls, before anything was done
                **_ids(scope),
            )


def _route(scope: Scope) -> str:
    """The route's template, with names for its ids: nothing of it is the caller's to choose."""
    if "route" not in scope:
        return "unmatched"
    prefix = next((each for each in PREFIXES.values() if scope["path"].startswith(each)), "")
    template: str = scope["route"].path  # as its router has it, without the prefix
    return prefix + template


def _method(scope: Scope) -> str:
    """A caller can invent methods; only those that we serve become labels."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _request_id(offered: str) -> str:
    return offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex


def _ids(scope: Scope) -> dict[str, Any]:
    """The ids that help to find the call again: whose it was and about which session."""
    found = {
        "session_id": scope.get("path_params", {}).get("session_id"),
        "user_id": scope["state"].get("user_id"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _log_unforeseen(error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "unforeseen_error",
        error=type(error).__name__,
        raised_at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    )
