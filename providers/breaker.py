"""The sources' health as all workers know it: what one learns, the next to pick knows.

Kept in Redis, asked at every pick, so that an opening is seen at once and a source that may be back is
probed by one worker alone. Without Redis each process goes on with its own memory.
"""

from __future__ import annotations

from generation.errors import ProviderError
from providers.health import Change, LocalHealth, RestRules, verdict_on
from providers.shared import Shared, in_ms, nobody_answers
from providers.signs import Signs

#: A source that nobody has called for this long is taken for well.
_FORGOTTEN_AFTER_S = 600

_CHANGES = {1: Change.OPENED, 2: Change.CLOSED}


class SharedBreaker:
    """Implements SourceHealth for all processes on one Redis."""

    def __init__(
        self, shared: Shared | None, *, rules: RestRules | None = None, signs: Signs | None = None
    ) -> None:
        self._rules = rules or RestRules()
        self._signs = signs or Signs()
        self._local = LocalHealth(self._rules)
        self._ask = shared.script("breaker_ask") if shared else nobody_answers
        self._resting = shared.script("breaker_resting") if shared else nobody_answers
        self._note = shared.script("breaker_note") if shared else nobody_answers

    def may_be_asked(self, source: str) -> bool:
        answer = self._ask([_key(source)], in_ms(self._rules.probe_s))
        # The own memory is asked only when it is needed: asking takes its probe.
        allowed = self._local.may_be_asked(source) if answer is None else bool(answer)
        self._signs.source_resting(source, not allowed)
        return allowed

    def is_resting(self, source: str) -> bool:
        answer = self._resting([_key(source)])
        return self._local.is_resting(source) if answer is None else bool(answer)

    def note(self, source: str, error: ProviderError | None) -> None:
        verdict = verdict_on(error, self._rules)
        change = self._local.judge(source, error)
        rules = self._rules
        answer = self._note(
            [_key(source)],
            verdict.kind,
            in_ms(verdict.rest_s),
            rules.failures_before_rest,
            rules.misuses_before_rest,
            in_ms(rules.first_rest_s),
            in_ms(rules.longest_rest_s),
            in_ms(rules.denied_rest_s),
            in_ms(_FORGOTTEN_AFTER_S),
        )
        if answer is not None:
            change = _CHANGES.get(int(answer))
        self._tell(source, change, error)

    def _tell(self, source: str, change: Change | None, error: ProviderError | None) -> None:
        if change is Change.OPENED and error is not None:
            self._signs.source_opened(source, error)
        elif change is Change.CLOSED:
            self._signs.source_closed(source)


def _key(source: str) -> str:
    return f"breaker:{source}"
