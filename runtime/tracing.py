"""Traces: the spans of this process, sent to a collector.

Off unless an address is set: then no span is recorded or sent. A trace passes from process to process as text,
W3C's `traceparent`. A span holds ids and numbers, like a log line; never question text, an answer or a user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import Field

from runtime.setting_values import HttpUrl, OptionalSecret
from runtime.settings import SettingsError, SettingsSlice

_W3C = TraceContextTextMapPropagator()


class TracingSettings(SettingsSlice):
    """Where traces are sent, by OpenTelemetry's own names; without an address no trace is made."""

    otel_exporter_otlp_endpoint: HttpUrl | None = None  # a collector
    otel_exporter_otlp_traces_endpoint: HttpUrl | None = None  # its complete address for traces
    #: name=value, separated by commas.
    otel_exporter_otlp_headers: OptionalSecret = None
    #: The share of recorded traces among those that begin here; for other traces the caller decides.
    otel_traces_sampler_arg: float = Field(1, ge=0, le=1)

    @property
    def address(self) -> str | None:
        collector = self.otel_exporter_otlp_endpoint
        return self.otel_exporter_otlp_traces_endpoint or (collector and f"{collector.rstrip('/')}/v1/traces")


class Tracing:
    """The spans of one process; without a tracer, tracing is off. Safe to use from any thread."""

    def __init__(self, tracer: Tracer | None = None, *, close: Callable[[], None] | None = None) -> None:
        self._tracer = tracer
        self._close = close

    @property
    def is_on(self) -> bool:
        return self._tracer is not None

    def begin(
        self, name: str, kind: SpanKind, *, parent: str | Span | None = None, start_ns: int | None = None
    ) -> Span:
        """A span that the caller must end. Without `parent`, a span or a traceparent, it begins a new trace.

        `start_ns`: nanoseconds since the epoch; now by default.
        """
        if self._tracer is None:
            return INVALID_SPAN
        return self._tracer.start_span(name, _context(parent), kind, start_time=start_ns)

    @contextmanager
    def span(self, name: str, kind: SpanKind, *, parent: str | None = None) -> Iterator[Span]:
        """A span for the time of the block; log lines in the block carry its trace id."""
        span = self.begin(name, kind, parent=parent)
        if not span.get_span_context().is_valid:
            yield span
            return
        trace_id = format_trace_id(span.get_span_context().trace_id)
        try:
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                yield span
        except Exception as error:
            failed(span, type(error).__name__)
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send the remaining spans; takes seconds at most."""
        if self._close is not None:
            self._close()


def start_tracing(settings: TracingSettings, *, service: str) -> Tracing:
    """The traces of this process, with `service` as its name. Call it once, after a fork: it starts a thread.

    Raises SettingsError when an address is set and the packages that send traces are not installed.
    """
    if settings.address is None:
        return Tracing()
    try:
        from runtime.span_export import make_provider  # its packages are an extra
    except ModuleNotFoundError as err:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages that send traces are not installed. "
            "Install it with `pip install tafawoq-worker[tracing]`, or unset the variable."
        ) from err
    headers = settings.otel_exporter_otlp_headers
    provider = make_provider(
        settings.address,
        service=service,
        headers=headers.get_secret_value() if headers else "",
        share=settings.otel_traces_sampler_arg,
    )
    return Tracing(provider.get_tracer("tafawoq"), close=provider.shutdown)


def traceparent_of(span: Span) -> str | None:
    """The text by which another process continues the span's trace; None when there is no trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(span))
    return carrier.get("traceparent")


def failed(span: Span, code: str) -> None:
    """Mark the span as failed with this code."""
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR))


def _context(parent: str | Span | None) -> Context:
    """Never the thread's own context: a span that a library left there must not become a parent."""
    if isinstance(parent, Span):
        return set_span_in_context(parent, Context())
    return _W3C.extract({"traceparent": parent} if parent else {}, Context())
