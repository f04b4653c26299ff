"""What the providers' traffic tells an operator: log lines, alarms and metrics, named in one place."""

from __future__ import annotations

import structlog

from generation.errors import ProviderDenied, ProviderError, ProviderMisused
from generation.model import Urgency
from runtime.telemetry import Metrics

log = structlog.get_logger(__name__)

#: Nobody but an operator can end these.
_ALARMING = (ProviderDenied, ProviderMisused)


class Signs:
    """Tells everything once. Without metrics there are only log lines."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics

    def source_opened(self, source: str, error: ProviderError) -> None:
        """A source is not asked for a while. An alarm when no waiting cures it."""
        tell = log.error if isinstance(error, _ALARMING) else log.warning
        tell(
            "source_opened",
            source=source,
            because=error.code,
            error_code=error.context.get("error_code"),
            provider_request=error.request_id,
            text=str(error),
        )
        if self._metrics is not None:
            self._metrics.source_openings.labels(source, error.code).inc()

    def source_closed(self, source: str) -> None:
        log.warning("source_closed", source=source)

    def source_resting(self, source: str, is_resting: bool) -> None:
        if self._metrics is not None:
            self._metrics.source_resting.labels(source).set(is_resting)

    def call_waited(self, source: str, urgency: Urgency, waited_s: float) -> None:
        if self._metrics is not None:
            self._metrics.turn_seconds.labels(source, urgency).observe(waited_s)

    def call_refused(self, source: str, urgency: Urgency, retry_after_s: float) -> None:
        log.debug("call_throttled", source=source, urgency=urgency, retry_after_s=round(retry_after_s, 3))
        if self._metrics is not None:
            self._metrics.calls_throttled.labels(source, urgency).inc()

    def limit_seen(self, source: str, kind: str, *, limit: int, remaining: int) -> None:
        if self._metrics is not None:
            self._metrics.limit_remaining.labels(source, kind).set(remaining / limit if limit else 0)

    def prefix_drifted(self, source: str, because: str, prefixes: int) -> None:
        """The shared prefix is not the same for all calls: each pays for writing it. An alarm."""
        log.error("prefix_drifted", source=source, because=because, prefixes=prefixes)
        if self._metrics is not None:
            self._metrics.prefix_drifts.labels(source, because).inc()
