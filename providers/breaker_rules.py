"""What is known of the providers' health: whom to ask now, and whom not to ask for a while.

A provider rests when it says so, and opens after failures in a row: then it rests longer with every probe
that fails, and after each rest one caller alone may try it. These are the words and the rules;
`providers.circuit_breaker` keeps the state in Redis, for all workers.
"""

from __future__ import annotations

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
    StaleConnection,
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
    #: After each failure, in one process, while Redis is away and nobody counts them. Shorter than what a
    #: student's run waits for its only provider.
    pause_without_redis_s: float = 1.0
    probe_s: float = 10.0  #: then somebody else may probe: the first one may have died


class Kind(StrEnum):
    """What the end of a call says about its provider. The values are the scripts' words."""

    WELL = "well"
    OPEN = "rest"  #: it named a time
    COUNT = "count"
    DENY = "deny"
    MISUSE = "misuse"
    UNSENT = "unsent"  #: it was not asked, so somebody else may try


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Kind
    open_s: float = 0.0


def verdict_on(error: ProviderError | None, rules: BreakerRules) -> Verdict:
    """What this end of a call means for its provider."""
    match error:
        case None | ProviderRefused():  # who declines to write is there, and answers
            return Verdict(Kind.WELL)
        case ProviderThrottled() | CircuitOpen() | StaleConnection():  # says nothing about the provider
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
