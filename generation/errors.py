"""All errors of generation, in one hierarchy.

The docstring of a class is its default message. `code` is stable: logs, the ledger, the API and tests use it.
The context holds ids and numbers only, never question text, an answer or a key.
"""

from __future__ import annotations

from http import HTTPStatus
from inspect import getdoc
from typing import Any, ClassVar

from generation.model import Usage


class GenerationError(Exception):
    """The questions could not be generated."""

    code: ClassVar[str] = "generation_failed"

    def __init__(self, message: str | None = None, **context: Any) -> None:
        self.context = context
        super().__init__(message or getdoc(type(self)) or self.code)


class PlanError(GenerationError):
    """The session cannot be planned as asked."""

    code = "invalid_plan"


class ProviderError(GenerationError):
    """The provider did not write the questions."""

    code = "provider_failed"

    def __init__(
        self,
        message: str | None = None,
        *,
        provider: str,
        request_id: str | None = None,
        status: int | None = None,
        **context: Any,
    ) -> None:
        self.provider = provider
        self.request_id = request_id
        self.status = status  #: of the HTTP response, if there was one
        super().__init__(message, provider=provider, request_id=request_id, status=status, **context)

    @property
    def costs_nothing(self) -> bool:
        """Whether the provider answered with an HTTP error instead of a reply, which it does not bill."""
        return self.status is not None and self.status != HTTPStatus.OK


class ProviderBusy(ProviderError):
    """The provider has no capacity for us right now; ask another provider, or the same one later."""

    code = "provider_busy"

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None, **context: Any
    ) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, retry_after_s=retry_after_s, **context)


class ProviderThrottled(ProviderBusy):
    """Our own share of the provider's rate limits is used up for now; no call was made."""

    code = "provider_throttled"


class CircuitOpen(ProviderError):
    """The provider's circuit breaker opened while the call waited for the rate limiter; no call was made."""

    code = "circuit_open"


class ProviderUnreachable(ProviderError):
    """The provider could not be reached, or the connection broke before it answered."""

    code = "provider_unreachable"


class StreamStalled(ProviderUnreachable):
    """The reply stopped growing: pings may have arrived, but no text."""

    code = "stream_stalled"


class StreamCut(ProviderUnreachable):
    """The reply broke off in the middle; the questions that were complete are kept."""

    code = "stream_cut"


class ProviderRefused(ProviderError):
    """The model declined to write these questions."""

    code = "provider_refused"

    def __init__(self, message: str | None = None, *, usage: Usage | None = None, **context: Any) -> None:
        self.usage = usage  #: a refusal is also billed
        super().__init__(message, **context)


class ProviderMisused(ProviderError):
    """The provider will never accept this request: our request or our settings are wrong."""

    code = "provider_misused"


class ProviderDenied(ProviderError):
    """The provider does not accept our key, or our account may not spend: an operator must act."""

    code = "provider_denied"


class StoreRejected(GenerationError):
    """The store rejected the request in the current state of the session."""

    code = "store_rejected"


class FenceLost(StoreRejected):
    """Another run owns this batch now; this one must stop and write nothing."""

    code = "fence_lost"


class QuestionRepeated(StoreRejected):
    """The session already holds this question; the slot stays open."""

    code = "question_repeated"


class SessionClosed(StoreRejected):
    """The session is cancelled or finished; nothing more is generated for it."""

    code = "session_closed"


class SpendLimitReached(StoreRejected):
    """The spend limit is reached, so nothing new begins."""

    code = "spend_limit_reached"

    def __init__(
        self, message: str | None = None, *, scope: str, retry_after_s: float, **context: Any
    ) -> None:
        self.scope = scope  #: "session", "day", or "user": one user's limit of the day
        self.retry_after_s = retry_after_s
        super().__init__(message, scope=scope, retry_after_s=retry_after_s, **context)


class SessionMissing(StoreRejected):
    """There is no such session for this user."""

    code = "session_not_found"


class BatchNotNext(StoreRejected):
    """Batches are generated in order, and this one is not the next."""

    code = "invalid_batch_index"

    def __init__(self, message: str | None = None, *, expected: int, **context: Any) -> None:
        self.expected = expected
        super().__init__(message, expected=expected, **context)
