"""Every way an API call fails, as one of the domain's errors. What an error answer says is read in
`providers.error_answers`; no wording of a provider is ever passed on.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import anthropic
import httpx2

from generation.error_kinds import ErrorKind
from generation.errors import (
    ConnectionsExhausted,
    ContentFiltered,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderUnreachable,
    StaleConnection,
    StreamCut,
)
from providers.error_answers import ErrorAnswer
from providers.numbers import seconds

_CLASSES: Mapping[ErrorKind, type[ProviderError]] = {
    ErrorKind.CONTENT_FILTER: ContentFiltered,
    ErrorKind.MODERATION: ContentFiltered,
    ErrorKind.REFUSAL: ProviderRefused,
    ErrorKind.KEY: ProviderDenied,
    ErrorKind.CREDIT: ProviderDenied,
    ErrorKind.QUOTA: ProviderDenied,
    ErrorKind.POLICY: ProviderDenied,
    ErrorKind.MODEL: ProviderMisused,
    ErrorKind.MISTAKE: ProviderMisused,
    ErrorKind.BUSY: ProviderBusy,
    ErrorKind.UNREACHABLE: ProviderUnreachable,
}

#: What an operator reads, where the docstring of the class does not say it.
_SENTENCES: Mapping[ErrorKind, str] = {
    ErrorKind.MODERATION: (
        "The moderation in front of the provider flagged what these slots ask for; other slots are not concerned."
    ),
    ErrorKind.KEY: "The provider does not accept our key. Set a valid one.",
    ErrorKind.CREDIT: "Our account at the provider has no credit left. Add credit in its console.",
    ErrorKind.QUOTA: (
        "Our account has reached a spend limit at the provider. Raise it in its console, or wait until its period ends."
    ),
    ErrorKind.POLICY: (
        "The provider knows our key and does not let it use this model or route. Check the account's state, the "
        "key's rights and the data policy in its console."
    ),
    ErrorKind.MODEL: "The provider has no model of this name, or has retired it. Check the model's name.",
    ErrorKind.MISTAKE: (
        "The provider refused the request itself, and would refuse it again. Check the settings of the model; if "
        "they are right, this is a defect of ours: report it with the request id."
    ),
}

#: Before a connection is there, nothing is sent.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.ProxyError)
#: How a connection ends that had died while nobody used it.
_RESETS = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_LONGEST_DATE = 64  #: characters


def as_provider_error(
    error: Exception, *, provider: str, request_id: str | None, started: bool, is_stale: bool = False
) -> ProviderError:
    """What this exception of the SDK, the HTTP library or a decoder means for us.

    `started` says whether the reply had begun: the same broken connection then is a StreamCut, whose
    complete questions are kept, and a ProviderUnreachable otherwise. `is_stale`: the connection had carried
    an earlier call, and no byte of an answer to this one came.
    """
    if isinstance(error, anthropic.APIStatusError):
        return _from_status(error, provider=provider, request_id=request_id)
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
    about: dict[str, Any] = {
        "provider": provider,
        "request_id": request_id,
        "cause": type(error).__name__,
        "was_sent": not isinstance(cause, _NEVER_SENT),
    }
    if isinstance(cause, httpx2.PoolTimeout):
        return ConnectionsExhausted(**about | {"was_sent": False})
    if is_stale and isinstance(cause, _RESETS):
        return StaleConnection(**about)
    return StreamCut(**about) if started else ProviderUnreachable(**about)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How many seconds the provider asks us to wait, or None. Never negative, always finite; not capped.

    Understands `retry-after-ms`, and `retry-after` in seconds or as a date.
    """
    in_ms = seconds(headers.get("retry-after-ms"))
    if in_ms is not None:
        return max(0.0, in_ms / 1000)
    value = headers.get("retry-after")
    in_s = seconds(value)
    if in_s is None:
        in_s = _until(value)
    return None if in_s is None else max(0.0, in_s)


def _from_status(error: anthropic.APIStatusError, *, provider: str, request_id: str | None) -> ProviderError:
    answer = ErrorAnswer.of(error)
    wait_s = retry_after_s(error.response.headers)
    kind = answer.kind
    if wait_s is not None and kind in _MAY_PASS and _may_name_a_time(error.status_code):
        kind = ErrorKind.BUSY
    about: dict[str, Any] = {
        "provider": provider,
        "kind": kind,
        "request_id": error.request_id or request_id,
        "status": error.status_code,
        "error_type": answer.type,
        "error_code": answer.code,
    }
    if kind is ErrorKind.BUSY:
        return ProviderBusy(retry_after_s=wait_s, **about)
    return _CLASSES[kind](_SENTENCES.get(kind), **about)


#: Kinds that an answer with a time makes a wait.
_MAY_PASS = frozenset({ErrorKind.CREDIT, ErrorKind.UNREACHABLE, ErrorKind.BUSY})


def _may_name_a_time(status: int) -> bool:
    """A spent budget that refills by itself is busy, not denied; so is a broken server that says until when."""
    return status == HTTPStatus.PAYMENT_REQUIRED or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _until(http_date: str | None) -> float | None:
    try:
        parsed = email.utils.parsedate_tz((http_date or "")[:_LONGEST_DATE])
        return None if parsed is None else email.utils.mktime_tz(parsed) - time.time()
    except (ValueError, OverflowError, IndexError, TypeError):  # the parser has surprised before
        return None
