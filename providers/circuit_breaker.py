"""The providers' health as all workers know it: what one learns, the next to pick knows.

Kept in Redis, asked at every pick, so that an opening is seen at once and a provider that may be back is
probed by one worker alone. Without Redis each process goes on with its own memory.
"""

from __future__ import annotations

from generation.errors import ProviderError
from providers.breaker_rules import BreakerRules, Change, LocalBreaker, verdict_on
from providers.redis_scripts import RedisScripts, in_ms, nobody_answers
from providers.telemetry import ProviderTelemetry

#: A provider that nobody has called for this long counts as healthy.
_FORGOTTEN_AFTER_S = 600

_CHANGES = {1: Change.OPENED, 2: Change.CLOSED}


class CircuitBreaker:
    """Implements SourceHealth for all processes on one Redis."""

    def __init__(
        self,
        scripts: RedisScripts | None,
        *,
        rules: BreakerRules | None = None,
        telemetry: ProviderTelemetry | None = None,
    ) -> None:
        self._rules = rules or BreakerRules()
        self._telemetry = telemetry or ProviderTelemetry()
        self._local = LocalBreaker(self._rules)
        self._ask = scripts.script("breaker_ask") if scripts else nobody_answers
        self._open = scripts.script("breaker_is_open") if scripts else nobody_answers
        self._note = scripts.script("breaker_note") if scripts else nobody_answers

    def may_be_asked(self, provider: str) -> bool:
        answer = self._ask([_key(provider)], in_ms(self._rules.probe_s))
        # The own memory is asked only when it is needed: asking takes its probe.
        allowed = self._local.may_be_asked(provider) if answer is None else bool(answer)
        self._telemetry.circuit_breaker_open(provider, not allowed)
        return allowed

    def is_open(self, provider: str) -> bool:
        answer = self._open([_key(provider)])
        return self._local.is_open(provider) if answer is None else bool(answer)

    def note(self, provider: str, error: ProviderError | None) -> None:
        verdict = verdict_on(error, self._rules)
        change = self._local.judge(provider, error)
        rules = self._rules
        answer = self._note(
            [_key(provider)],
            verdict.kind,
            in_ms(verdict.open_s),
            rules.failures_before_open,
            rules.misuses_before_open,
            in_ms(rules.first_open_s),
            in_ms(rules.longest_open_s),
            in_ms(rules.denied_open_s),
            in_ms(_FORGOTTEN_AFTER_S),
        )
        if answer is not None:
            change = _CHANGES.get(int(answer))
        self._tell(provider, change, error)

    def _tell(self, provider: str, change: Change | None, error: ProviderError | None) -> None:
        if change is Change.OPENED and error is not None:
            self._telemetry.circuit_breaker_opened(provider, error)
        elif change is Change.CLOSED:
            self._telemetry.circuit_breaker_closed(provider)


def _key(provider: str) -> str:
    return f"breaker:{provider}"
