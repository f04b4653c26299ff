"""What is known of the providers' health: whom to ask now, and whom not to ask for a while.

A provider rests when it says so, and opens after failures in a row: then it rests longer with every probe
that fails, and after each rest one caller alone may try it. `LocalBreaker` is the memory of one process;
`providers.circuit_breaker` keeps the same in Redis for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from generation.errors import (
    CircuitOpen,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
)


class BreakerState(Protocol):
    """Whether a provider may be asked, learned from how calls to it went. Safe to use from many threads."""

    def may_be_asked(self, provider: str) -> bool:
        """Whether to call it now. When the breaker is half open this permits one probe: call it, and note how it went."""

    def is_open(self, provider: str) -> bool:
        """Whether it is left alone just now; for who has picked it, and waited since."""

    def note(self, provider: str, error: ProviderError | None) -> None:
        """A call to `provider` ended; None means that it succeeded."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When the breaker opens, and for how long. Seconds."""

    failures_before_open: int = 3  #: in a row; single breaks are everyday life
    #: In a row, over all batches: one bad request is its own fault, but an account that has reached a spend
    #: limit of its own is answered like this too, and only the row of them tells.
    misuses_before_open: int = 5
    busy_open_s: float = 0.5  #: after an answer that it has no capacity, when it names no time
    first_open_s: float = 2.0  #: doubled with each probe that fails
    longest_open_s: float = 15.0  #: a provider that is back must be found within a minute, its probe included
    longest_asked_open_s: float = 60.0  #: for `retry-after`, which may name hours
    denied_open_s: float = 60.0  #: no waiting cures it, so look again now and then until an operator has
    probe_s: float = 10.0  #: then somebody else may probe: the first one may have died


class Kind(StrEnum):
    """What the end of a call says about its provider. The values are the scripts' words."""

    WELL = "well"
    OPEN = "rest"  #: it named a time
    COUNT = "count"
    DENY = "deny"
    MISUSE = "misuse"
    UNSENT = "unsent"  #: nothing was asked, so somebody else may try


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Kind
    open_s: float = 0.0


def verdict_on(error: ProviderError | None, rules: BreakerRules) -> Verdict:
    """What this end of a call means for its provider."""
    match error:
        case None | ProviderRefused():  # who declines to write is there, and answers
            return Verdict(Kind.WELL)
        case ProviderThrottled() | CircuitOpen():
            return Verdict(Kind.UNSENT)
        case ProviderMisused():
            return Verdict(Kind.MISUSE)
        case ProviderDenied():
            return Verdict(Kind.DENY, rules.denied_open_s)
        case ProviderBusy():
            return _busy(error.retry_after_s, rules)
    return Verdict(Kind.COUNT)


def _busy(asked_s: float | None, rules: BreakerRules) -> Verdict:
    if asked_s is None:
        return Verdict(Kind.COUNT, rules.busy_open_s)
    return Verdict(Kind.OPEN, min(asked_s, rules.longest_asked_open_s))


class Change(StrEnum):
    """What a noted call changed for everybody."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(slots=True)
class _Record:
    streak: int = 0
    misuses: int = 0
    opens: int = 0  #: since its last success
    open_until: float = 0.0
    probe_until: float = 0.0


class LocalBreaker:
    """The memory of one process."""

    def __init__(
        self, rules: BreakerRules | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules = rules or BreakerRules()
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}

    def may_be_asked(self, provider: str) -> bool:
        with self._lock:
            record, now = self._records.get(provider), self._clock()
            if record is None:
                return True
            if record.open_until > now or (record.opens and record.probe_until > now):
                return False
            record.probe_until = now + self._rules.probe_s
            return True

    def is_open(self, provider: str) -> bool:
        with self._lock:
            record = self._records.get(provider)
            return record is not None and record.open_until > self._clock()

    def note(self, provider: str, error: ProviderError | None) -> None:
        self.judge(provider, error)

    def judge(self, provider: str, error: ProviderError | None) -> Change | None:
        """`note`, and what it changed."""
        verdict = verdict_on(error, self._rules)
        with self._lock:
            record, now = self._records.setdefault(provider, _Record()), self._clock()
            record.probe_until = 0.0  # if this was the probe, it has ended
            if verdict.kind is Kind.UNSENT:
                return None
            if verdict.kind is Kind.WELL:
                return self._well(provider, record, now)
            return Change.OPENED if self._opens(record, verdict, now) else None

    def _well(self, provider: str, record: _Record, now: float) -> Change | None:
        if record.open_until > now and record.opens:
            return None  # a call that began before the provider opened says nothing about now
        if record.open_until > now:
            record.streak = record.misuses = 0
            return None
        del self._records[provider]
        return Change.CLOSED if record.opens else None

    def _opens(self, record: _Record, verdict: Verdict, now: float) -> bool:
        rules, is_open = self._rules, record.open_until > now and record.opens > 0
        match verdict.kind:
            case Kind.OPEN:
                # A call that failed late must not shorten the pause that an earlier answer asked for.
                record.open_until = max(record.open_until, now + verdict.open_s)
                return False
            case Kind.DENY:
                is_news = not is_open
                self._open(record, max(record.open_until, now + verdict.open_s), max(record.opens, 1))
                return is_news
            case Kind.MISUSE:
                record.misuses += 1
                if is_open or record.misuses < rules.misuses_before_open:
                    return False
                self._open(record, now + rules.denied_open_s, max(record.opens, 1))
                return True
        record.streak += 1
        record.open_until = max(record.open_until, now + verdict.open_s)
        if is_open or (not record.opens and record.streak < rules.failures_before_open):
            return False
        open_s = min(rules.first_open_s * 2.0 ** min(record.opens, 32), rules.longest_open_s)
        self._open(record, now + open_s, record.opens + 1)
        return True

    def _open(self, record: _Record, until: float, opens: int) -> None:
        record.open_until, record.opens = until, opens
