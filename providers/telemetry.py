"""What the providers' traffic shows an operator: log lines, alarms and metrics, named in one place."""

from __future__ import annotations

import structlog

from generation.errors import ProviderDenied, ProviderError, ProviderMisused
from generation.model import Urgency
from runtime.metrics import Metrics

log = structlog.get_logger(__name__)

#: Nobody but an operator can end these.
_ALARMING = (ProviderDenied, ProviderMisused)


class ProviderTelemetry:
    """Tells everything once. Without metrics there are only log lines."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics

    def circuit_breaker_opened(self, provider: str, error: ProviderError) -> None:
        """A provider is not asked for a while. An alarm when no waiting cures it."""
        tell = log.error if isinstance(error, _ALARMING) else log.warning
        tell(
            "circuit_breaker_opened",
            provider=provider,
            because=error.code,
            kind=error.kind,
            error_code=error.context.get("error_code"),
            provider_request=error.request_id,
            text=str(error),
        )
        if self._metrics is not None:
            self._metrics.breaker_openings.labels(provider, error.code).inc()

    def circuit_breaker_closed(self, provider: str) -> None:
        log.warning("circuit_breaker_closed", provider=provider)

    def circuit_breaker_open(self, provider: str, is_open: bool) -> None:
        if self._metrics is not None:
            self._metrics.circuit_breaker_open.labels(provider).set(is_open)

    def call_waited(self, provider: str, urgency: Urgency, waited_s: float) -> None:
        if self._metrics is not None:
            self._metrics.rate_limiter_wait_seconds.labels(provider, urgency).observe(waited_s)

    def call_refused(self, provider: str, urgency: Urgency, retry_after_s: float) -> None:
        log.debug("call_throttled", provider=provider, urgency=urgency, retry_after_s=round(retry_after_s, 3))
        if self._metrics is not None:
            self._metrics.calls_throttled.labels(provider, urgency).inc()

    def limit_seen(self, provider: str, kind: str, *, limit: int, remaining: int) -> None:
        if self._metrics is not None:
            self._metrics.limit_remaining.labels(provider, kind).set(remaining / limit)

    def prefix_drifted(self, provider: str, because: str, prefixes: int) -> None:
        """The shared prefix is not the same for all calls: each pays for writing it. An alarm."""
        log.error("prefix_drifted", provider=provider, because=because, prefixes=prefixes)
        if self._metrics is not None:
            self._metrics.prefix_drifts.labels(provider, because).inc()
