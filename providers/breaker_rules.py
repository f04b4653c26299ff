"""The rules of the circuit breaker: when a provider is left alone, and for how long.

The breaker opens when a provider's latest calls all fail, or too large a share of the calls in a sliding window. After
a pause one caller may probe the provider; each probe that fails doubles the pause. A provider that names a time itself
is left alone for that time. `providers.circuit_breaker` keeps the state in Redis, for all workers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from generation.errors import (
    CircuitOpen,
    EmptyReply,
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
        """Whether the breaker is open now. Takes no probe: for a caller that has waited since it picked the provider."""

    def note(self, provider: str, error: ProviderError | None) -> None:
        """A call to `provider` ended; None means that it succeeded."""

    def serving(self, provider: str) -> AbstractContextManager[Callable[[], object]]:
        """A call to `provider` is under way while the block runs. Call what it gives whenever text of the reply comes."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When the breaker opens, and for how long. Seconds."""

    #: In a row, and at least as many as there are calls under way: then nothing but failures comes.
    failures_before_open: int = 3
    failed_before_open: int = 10  #: within `window_s`, if they are the share that follows
    #: Of the calls that ended within `window_s` or are under way.
    failed_share_before_open: float = 0.5
    window_s: float = 20.0
    unanswered_s: float = 3.0  #: a call is under way for this long while no reply has begun
    sign_s: float = 6.0  #: and for this long after the latest text of its reply
    sign_every_s: float = 2.0  #: the signs of one call are told no more often
    #: In a row, over all batches: one bad request is its own fault, but a setting that the provider refuses is
    #: answered like this too, and only the row of them tells.
    misuses_before_open: int = 5
    empty_sessions_before_open: int = 5  #: that got only empty replies, with no other reply between
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
    EMPTY = "empty"
    UNSENT = "unsent"  #: it was not asked, so somebody else may try


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Kind
    open_s: float = 0.0
    who: str | None = None  #: the session, where one session alone proves nothing


def verdict_on(error: ProviderError | None, rules: BreakerRules) -> Verdict:
    """What this end of a call means for its provider."""
    match error:
        case None | ProviderRefused():  # who declines to write is there, and answers
            return Verdict(Kind.WELL)
        case ProviderThrottled() | CircuitOpen() | StaleConnection():  # says nothing about the provider
            return Verdict(Kind.UNSENT)
        case EmptyReply():
            return Verdict(Kind.EMPTY, who=error.session)
        case ProviderMisused() | ProviderDenied():
            denied = isinstance(error, ProviderDenied)
            return Verdict(Kind.DENY, rules.denied_open_s) if denied else Verdict(Kind.MISUSE)
        case ProviderBusy():
            return _busy(error.retry_after_s, rules)
    return Verdict(Kind.COUNT)


def _busy(asked_s: float | None, rules: BreakerRules) -> Verdict:
    if asked_s is None:
        return Verdict(Kind.COUNT, rules.busy_open_s)
    return Verdict(Kind.OPEN, min(asked_s, rules.longest_asked_open_s))
