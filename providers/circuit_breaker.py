"""The circuit breakers of the providers, shared by all workers.

Every pick asks Redis, so that all workers see an opening at once, and one worker alone probes a provider that may be
back. Without Redis nobody counts failures: each process pauses after every one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from generation.errors import ProviderError
from providers.breaker_rules import BreakerRules, Kind, Verdict, verdict_on
from providers.redis_scripts import RedisScripts, in_ms, script_or_none
from providers.telemetry import ProviderTelemetry

#: A provider that nobody has called for this long counts as healthy.
_FORGOTTEN_AFTER_S = 600

#: The script's keys after the first, in its order.
_SETS = ("under_way", "well", "failed", "empty")
_PAUSED_FOR = frozenset({Kind.COUNT, Kind.OPEN, Kind.DENY})

#: The script's answers.
_OPENED, _CLOSED = 1, 2


class CircuitBreaker:
    """Implements BreakerState for all processes on one Redis."""

    def __init__(
        self,
        scripts: RedisScripts | None = None,
        *,
        rules: BreakerRules | None = None,
        telemetry: ProviderTelemetry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules or BreakerRules()
        self._telemetry = telemetry or ProviderTelemetry()
        self._pauses = _Pauses(self._rules.pause_without_redis_s, clock)
        self._ask = script_or_none(scripts, "breaker_ask")
        self._open = script_or_none(scripts, "breaker_is_open")
        self._note = script_or_none(scripts, "breaker_note")
        self._serves = script_or_none(scripts, "breaker_serves")
        self._clock = clock

    def may_be_asked(self, provider: str) -> bool:
        answer = self._ask([_key(provider)], in_ms(self._rules.probe_s))
        allowed = not self._pauses.holds(provider) if answer is None else bool(answer)
        self._telemetry.circuit_breaker_open(provider, not allowed)
        return allowed

    def is_open(self, provider: str) -> bool:
        answer = self._open([_key(provider)])
        return self._pauses.holds(provider) if answer is None else bool(answer)

    def note(self, provider: str, error: ProviderError | None) -> None:
        verdict = verdict_on(error, self._rules)
        self._pauses.note(provider, verdict)
        rules = self._rules
        answer = self._note(
            [_key(provider), *(_calls(which, provider) for which in _SETS)],
            verdict.kind,
            in_ms(verdict.open_s),
            rules.failures_before_open,
            rules.misuses_before_open,
            in_ms(rules.first_open_s),
            in_ms(rules.longest_open_s),
            in_ms(rules.denied_open_s),
            in_ms(_FORGOTTEN_AFTER_S),
            verdict.who or uuid4().hex,
            in_ms(rules.window_s),
            rules.failed_before_open,
            rules.failed_share_before_open,
            rules.empty_sessions_before_open,
        )
        if answer == _OPENED and error is not None:
            self._telemetry.circuit_breaker_opened(provider, error)
        elif answer == _CLOSED:
            self._telemetry.circuit_breaker_closed(provider)

    @contextmanager
    def serving(self, provider: str) -> Iterator[Callable[[], None]]:
        call, rules = uuid4().hex, self._rules
        told_at = self._clock()

        def tell(counts_s: float) -> None:
            self._serves([_calls("under_way", provider)], call, in_ms(counts_s), in_ms(rules.sign_s))

        def sign() -> None:
            nonlocal told_at
            if self._clock() - told_at >= rules.sign_every_s:
                told_at = self._clock()
                tell(rules.sign_s)

        tell(rules.unanswered_s)
        try:
            yield sign
        finally:
            tell(0)


class _Pauses:
    """For one process while Redis is away: until when to leave each provider alone, without counts and probes."""

    def __init__(self, shortest_s: float, clock: Callable[[], float]) -> None:
        self._shortest_s = shortest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def note(self, provider: str, verdict: Verdict) -> None:
        if verdict.kind not in _PAUSED_FOR:
            return
        until = self._clock() + (verdict.open_s or self._shortest_s)
        with self._lock:  # a call that failed late must not shorten the time that an answer asked for
            self._until[provider] = max(until, self._until.get(provider, until))

    def holds(self, provider: str) -> bool:
        return self._until.get(provider, float("-inf")) > self._clock()


def _key(provider: str) -> str:
    return f"breaker:{provider}"


def _calls(which: str, provider: str) -> str:
    return f"calls_{which}:{provider}"
