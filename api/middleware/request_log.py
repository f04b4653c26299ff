"""The middleware around every call: request id, log line, metrics, span, and the answer to an unforeseen error.

It is a plain ASGI middleware, so streams pass through it unchanged. The log line has ids, the route and numbers.
An unforeseen error is logged with its class and where it was raised, without its message, which could quote a row.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import structlog
from opentelemetry.trace import Span, SpanKind
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, answer
from api.metrics import ApiMetrics
from api.openapi import PREFIXES
from runtime.tracing import Tracing, failed, traceparent_of

log = structlog.get_logger("api.middleware.request_log")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "POST"})
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
_OUR_FAULT = 500
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


class RequestLog:
    """Gives every call an id (the caller's, if well-formed) and records how the call ended."""

    def __init__(self, app: ASGIApp, *, metrics: ApiMetrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        call = _Call(scope, send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if self._tracing.is_on and scope["path"] not in _QUIET_ROUTES:
                with self._traced(call, headers.get("traceparent")):
                    await self._recorded(call, receive)
            else:
                scope["state"]["traceparent"] = None
                await self._recorded(call, receive)

    @contextmanager
    def _traced(self, call: _Call, parent: str | None) -> Iterator[None]:
        """A span of the call, in its caller's trace. Health checks and scrapes have none."""
        with self._tracing.span(_method(call.scope), SpanKind.SERVER, parent=parent) as span:
            call.scope["state"]["traceparent"] = traceparent_of(span)
            try:
                yield
            finally:
                _describe(span, call.scope, call.status)

    async def _recorded(self, call: _Call, receive: Receive) -> None:
        """Answer the call; log and count it when it ends, also when it was cut off before an answer (status 0)."""
        try:
            await self._answered(call, receive)
        finally:
            self._record(call)

    async def _answered(self, call: _Call, receive: Receive) -> None:
        try:
            await self._app(call.scope, receive, call.send)
        except Exception as error:  # noqa: BLE001 - the client gets a sentence, not a traceback
            _log_unforeseen(error)
            call.scope["state"]["error_code"] = "internal_error"
            if not call.status:
                await answer(ApiError("internal_error"), call.request_id)(call.scope, receive, call.send)

    def _record(self, call: _Call) -> None:
        route, method = _route(call.scope), _method(call.scope)
        seconds = time.perf_counter() - call.read_at
        self._metrics.answered(method, route, call.status, seconds)
        queued_s = call.turn_at - call.read_at  # waiting for the event loop
        durations = {"ms": round(seconds * 1000), "queued_ms": round(queued_s * 1000)}
        fields = {"method": method, "route": route, "status": call.status, **_ids(call.scope)}
        write = log.debug if route in _QUIET_ROUTES else log.info
        write("request", **fields, **durations)


class _Call:
    """One call: the headers added to its answer, and its status."""

    __slots__ = ("_added_headers", "_send", "read_at", "request_id", "scope", "status", "turn_at")

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.scope = scope
        self.request_id = request_id
        self.status = 0  #: 0: no answer has begun
        self.turn_at = time.perf_counter()
        self.read_at: float = scope["state"].get("read_at", self.turn_at)
        self._send = send
        self._added_headers = [(b"x-request-id", request_id.encode()), _NO_SNIFFING]

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._added_headers]
        await self._send(message)


def _route(scope: Scope) -> str:
    """The route's template, with names in place of ids: the caller cannot choose any part of it."""
    if "route" not in scope:
        return "unmatched"
    prefix = next((each for each in PREFIXES.values() if scope["path"].startswith(each)), "")
    template: str = scope["route"].path  # the router's own path, without the prefix
    return prefix + template


def _method(scope: Scope) -> str:
    """A method that we serve, or `other`: a caller can invent methods, which must not become labels."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _request_id(offered: str) -> str:
    return offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex


def _ids(scope: Scope) -> dict[str, str]:
    """The ids of the user and the session, to find the call in the log."""
    found = {"session_id": _session_id(scope), "user_id": scope["state"].get("user_id")}
    return {name: str(value) for name, value in found.items() if value is not None}


def _session_id(scope: Scope) -> UUID | None:
    """The session id of the address; None for any other text, which must not reach a log or a trace."""
    try:
        return UUID(scope.get("path_params", {})["session_id"])
    except (KeyError, ValueError):
        return None


def _describe(span: Span, scope: Scope, code: int) -> None:
    """Write into the span how the call ended. A call that was cut off has no status."""
    method, route, state = _method(scope), _route(scope), scope["state"]
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route})
    span.set_attribute("tafawoq.request.id", state["request_id"])
    if (session_id := _session_id(scope)) is not None:
        span.set_attribute("tafawoq.session.id", str(session_id))
    if code:
        span.set_attribute("http.response.status_code", code)
    if code >= _OUR_FAULT:
        failed(span, state.get("error_code", str(code)))
    elif "error_code" in state:
        span.set_attribute("error.type", state["error_code"])


def _log_unforeseen(error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "unforeseen_error",
        error=type(error).__name__,
        raised_at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    )
