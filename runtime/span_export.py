"""How spans leave the process. Its packages are the extra `tracing`: imported only where an address is set."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.re import parse_env_headers

log = structlog.get_logger(__name__)

#: One try to send, and what it may cost a process that ends.
TIMEOUT_S = 3.0

#: How long a collector that is away is left alone.
LOOK_AGAIN_S = 10.0


def make_provider(address: str, *, service: str, headers: str, share: float) -> TracerProvider:
    """Collects spans and sends them there every few seconds, on a thread of its own.

    It is not made the global one: what libraries would tell of their own accord, we have not read.
    """
    # It tells each batch that was not sent, in several lines; Outlet tells the first.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(share)),
        resource=Resource.create({"service.name": service}),
        shutdown_on_exit=False,
    )
    sent_with = parse_env_headers(headers, liberal=True)
    exporter = OTLPSpanExporter(address, headers=sent_with, timeout=TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(Outlet(exporter)))
    return provider


class Outlet(SpanExporter):
    """Hands spans on. While the collector is away spans are lost. Losing and finding it are logged once each.

    It is looked for now and then only: so a process that ends loses seconds to it once, and not for each batch.
    """

    def __init__(self, exporter: SpanExporter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._away_until: float | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._away_until is not None and self._clock() < self._away_until:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if self._away_until is None:
                log.warning("traces_not_sent")
            self._away_until = self._clock() + LOOK_AGAIN_S
        elif self._away_until is not None:
            log.info("traces_sent_again")
            self._away_until = None
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
