"""All errors of generation, in one hierarchy.

The docstring of a class is its default message. `code` is stable: logs, the ledger, the API and tests use it.
The context holds ids and numbers only, never question text, an answer or a key.
"""

from __future__ import annotations

from http import HTTPStatus
from inspect import getdoc
from typing import Any, ClassVar

from generation.error_kinds import AskNext, ErrorKind, Scope
from generation.model_call import Usage


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
    default_kind: ClassVar[ErrorKind] = ErrorKind.UNREACHABLE

    def __init__(
        self,
        message: str | None = None,
        *,
        provider: str,
        kind: ErrorKind | None = None,
        request_id: str | None = None,
        status: int | None = None,
        was_sent: bool = True,
        **context: Any,
    ) -> None:
        self.provider = provider
        self.kind = kind or self.default_kind
        self.request_id = request_id
        self.status = status  #: of the HTTP response, if there was one
        self.was_sent = was_sent  #: False: no byte of the request has left us
        super().__init__(
            message, provider=provider, kind=self.kind, request_id=request_id, status=status, **context
        )

    @property
    def ask_next(self) -> AskNext:
        """Whom to ask for the same slots now."""
        return self.kind.ask_next

    @property
    def scope(self) -> Scope:
        """What is not asked for again until a pause is over."""
        return self.kind.scope

    @property
    def costs_nothing(self) -> bool:
        """Whether there is surely nothing to pay: an HTTP error instead of a reply, or no request at all."""
        return not self.was_sent or (self.status is not None and self.status != HTTPStatus.OK)


class ProviderBusy(ProviderError):
    """The provider has no capacity for us right now; ask another provider, or the same one later."""

    code = "provider_busy"
    default_kind = ErrorKind.BUSY

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None, **context: Any
    ) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, retry_after_s=retry_after_s, **context)


class ProviderThrottled(ProviderBusy):
    """Our own share of the provider's rate limits is used up for now; no call was made."""

    code = "provider_throttled"
    default_kind = ErrorKind.THROTTLED


class ConnectionsExhausted(ProviderThrottled):
    """All connections that this process may open to the provider are in use; no call was made."""

    code = "connections_exhausted"
    default_kind = ErrorKind.POOL


class CircuitOpen(ProviderError):
    """The provider's circuit breaker opened while the call waited for the rate limiter; no call was made."""

    code = "circuit_open"
    default_kind = ErrorKind.CIRCUIT_OPEN


class ProviderUnreachable(ProviderError):
    """The provider could not be reached, or the connection broke before it answered."""

    code = "provider_unreachable"


class StaleConnection(ProviderUnreachable):
    """A connection that was kept open had died; the request was lost with it, before any byte of a reply."""

    code = "stale_connection"
    default_kind = ErrorKind.STALE_CONNECTION


class StreamStalled(ProviderUnreachable):
    """The reply stopped growing: pings may have arrived, but no text."""

    code = "stream_stalled"
    default_kind = ErrorKind.STALLED


class StreamCut(ProviderUnreachable):
    """The reply broke off in the middle; the questions that were complete are kept."""

    code = "stream_cut"
    default_kind = ErrorKind.CUT


class ProviderRefused(ProviderError):
    """The model declined to write these questions."""

    code = "provider_refused"
    default_kind = ErrorKind.REFUSAL

    def __init__(self, message: str | None = None, *, usage: Usage | None = None, **context: Any) -> None:
        self.usage = usage  #: a refusal is also billed
        super().__init__(message, **context)


class ContentFiltered(ProviderRefused):
    """A filter of the provider blocked what these slots ask for; other slots are not concerned."""

    code = "content_filtered"
    default_kind = ErrorKind.CONTENT_FILTER


class EmptyReply(ProviderError):
    """The reply ended well and held no question, not even a rejected one. Only the circuit breaker is told of it."""

    code = "empty_reply"
    default_kind = ErrorKind.CUT

    def __init__(self, message: str | None = None, *, session: str, **context: Any) -> None:
        self.session = session  #: one session's empty replies are its own affair
        super().__init__(message, session=session, **context)


class ProviderMisused(ProviderError):
    """The provider will never accept this request: our request or our settings are wrong."""

    code = "provider_misused"
    default_kind = ErrorKind.MISTAKE


class ProviderDenied(ProviderError):
    """The provider does not accept our key, or our account may not spend: an operator must act."""

    code = "provider_denied"
    default_kind = ErrorKind.KEY


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
