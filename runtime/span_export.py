"""Export of spans to a collector. Needs the extra `tracing`; imported only when an address is set."""

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

#: The time limit of one try to send, by which the end of a process can be delayed.
TIMEOUT_S = 3.0

#: The pause between two tries while the collector is down.
LOOK_AGAIN_S = 10.0


def make_provider(address: str, *, service: str, headers: str, share: float) -> TracerProvider:
    """A provider that collects spans and sends them every few seconds, on its own thread.

    It is not the global provider: libraries would record spans there whose content we have not checked.
    """
    # OpenTelemetry logs several lines for each batch that was not sent; OutageTolerantExporter logs only the first.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(share)),
        resource=Resource.create({"service.name": service}),
        shutdown_on_exit=False,
    )
    sent_with = parse_env_headers(headers, liberal=True)
    exporter = OTLPSpanExporter(address, headers=sent_with, timeout=TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(OutageTolerantExporter(exporter)))
    return provider


class OutageTolerantExporter(SpanExporter):
    """Sends spans. While the collector is down, spans are lost; one log line says so, and one that it is back.

    It tries a collector that is down only every LOOK_AGAIN_S: the end of a process is delayed once, not by each
    batch of spans.
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
