"""What a provider's error means for the work: whom to ask next, and what rests meanwhile.

One table for all who decide: the run, the circuit breaker, the sentences for an operator.
"""

from __future__ import annotations

from enum import StrEnum


class AskNext(StrEnum):
    """Whom a run asks for the same slots after an error."""

    SAME = "same"  #: the same provider once more, then the next one
    OTHER = "other"  #: the next provider
    NOBODY = "nobody"  #: every provider would answer the same


class Scope(StrEnum):
    """What is paused after an error. Everything beyond it goes on."""

    CALL = "call"  #: nothing but this call
    SLOT = "slot"  #: the slots of this call, at this provider, for this batch
    BATCH = "batch"  #: this batch, whoever is asked
    PROVIDER = "provider"  #: the provider, for every batch, for as long as the circuit breaker says


class ErrorKind(StrEnum):
    """Why a call brought no complete reply."""

    CONTENT_FILTER = "content_filter"  #: the provider's filter blocked what was asked or written
    MODERATION = "moderation"  #: a gateway's moderation or guardrail flagged what was asked
    REFUSAL = "refusal"  #: the model declined
    KEY = "key"  #: our key is not accepted
    CREDIT = "credit"  #: our account has no credit left
    QUOTA = "quota"  #: our account has reached a spend limit
    POLICY = "policy"  #: our key or account may not use this model or route
    MODEL = "model"  #: the provider has no such model
    MISTAKE = "mistake"  #: our request is wrong
    BUSY = "busy"  #: the provider has no capacity for us now
    THROTTLED = "throttled"  #: our own rate limiter did not admit the call
    POOL = "pool"  #: all of our own connections are in use
    CIRCUIT_OPEN = "circuit_open"  #: our own circuit breaker opened meanwhile
    STALE_CONNECTION = "stale_connection"  #: a kept-alive connection was dead when the request used it
    UNREACHABLE = "unreachable"  #: no connection, or an error of the provider's servers
    CUT = "cut"  #: the reply broke off
    STALLED = "stalled"  #: the reply stopped growing

    @property
    def ask_next(self) -> AskNext:
        return _TREATMENT[self][0]

    @property
    def scope(self) -> Scope:
        return _TREATMENT[self][1]


_TREATMENT = {
    ErrorKind.CONTENT_FILTER: (AskNext.OTHER, Scope.SLOT),
    ErrorKind.MODERATION: (AskNext.OTHER, Scope.SLOT),
    ErrorKind.REFUSAL: (AskNext.SAME, Scope.SLOT),
    ErrorKind.KEY: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.CREDIT: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.QUOTA: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.POLICY: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.MODEL: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.MISTAKE: (AskNext.NOBODY, Scope.BATCH),
    ErrorKind.BUSY: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.THROTTLED: (AskNext.OTHER, Scope.CALL),
    ErrorKind.POOL: (AskNext.OTHER, Scope.CALL),
    ErrorKind.CIRCUIT_OPEN: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.STALE_CONNECTION: (AskNext.SAME, Scope.CALL),
    ErrorKind.UNREACHABLE: (AskNext.OTHER, Scope.PROVIDER),
    ErrorKind.CUT: (AskNext.SAME, Scope.CALL),
    ErrorKind.STALLED: (AskNext.SAME, Scope.CALL),
}
