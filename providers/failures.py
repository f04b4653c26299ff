"""Every way an API call fails, as one of the domain's errors. Decided by error code, type and status:
the wording of a message may change any day, so it is never looked at, and never passed on.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import anthropic

from generation.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderUnreachable,
    StreamCut,
)

#: 429s that no waiting cures: the account may not spend.
_SPEND_LIMITS = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})

_BY_TYPE: Mapping[str, type[ProviderError]] = {
    "overloaded_error": ProviderBusy,
    "rate_limit_error": ProviderBusy,
    "conflict_error": ProviderBusy,
    "api_error": ProviderUnreachable,
    "timeout_error": ProviderUnreachable,
    "authentication_error": ProviderDenied,
    "billing_error": ProviderDenied,
    "permission_error": ProviderDenied,
    "invalid_request_error": ProviderMisused,
    "not_found_error": ProviderMisused,
    "request_too_large": ProviderMisused,
}

_BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: ProviderDenied,
    402: ProviderDenied,
    403: ProviderDenied,
    408: ProviderUnreachable,
    409: ProviderBusy,
    429: ProviderBusy,
    499: ProviderUnreachable,
    529: ProviderBusy,
}

_SENTENCES: Mapping[type[ProviderError], str] = {
    ProviderMisused: (
        "The provider refused the request itself. Check the model's name and the request; an account that has "
        "reached a spend limit of its own gets the same answer."
    ),
    ProviderDenied: "The provider does not accept our key, or our account may not spend. Check both in its console.",
}


def as_provider_error(
    error: Exception, *, provider: str, request_id: str | None, started: bool
) -> ProviderError:
    """What this exception of the SDK, the HTTP library or a decoder means for us.

    `started` says whether the reply had begun: the same broken connection then is a StreamCut, whose
    complete questions are kept, and a ProviderUnreachable otherwise.
    """
    if isinstance(error, anthropic.APIStatusError):
        return _from_status(error, provider=provider, request_id=request_id)
    kind = StreamCut if started else ProviderUnreachable
    return kind(provider=provider, request_id=request_id, cause=type(error).__name__)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How many seconds the provider asks us to wait, or None. Never negative, always finite; not capped.

    Understands `retry-after-ms`, and `retry-after` in seconds or as a date.
    """
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return max(0.0, in_ms / 1000)
    value = headers.get("retry-after")
    in_s = _number(value)
    if in_s is None:
        in_s = _until(value)
    return None if in_s is None else max(0.0, in_s)


def _from_status(error: anthropic.APIStatusError, *, provider: str, request_id: str | None) -> ProviderError:
    wait_s = retry_after_s(error.response.headers)
    kind = _kind(error, wait_s)
    about: dict[str, Any] = {
        "provider": provider,
        "request_id": error.request_id or request_id,
        "status": error.status_code,
        "error_type": error.type,
        "error_code": error.error_code,
    }
    if kind is ProviderBusy:
        return ProviderBusy(retry_after_s=wait_s, **about)
    return kind(_SENTENCES.get(kind), **about)


def _kind(error: anthropic.APIStatusError, wait_s: float | None) -> type[ProviderError]:
    if error.error_code in _SPEND_LIMITS:
        return ProviderDenied
    if wait_s is not None and _may_name_a_time(error.status_code):
        return ProviderBusy
    return _BY_TYPE.get(str(error.type)) or _BY_STATUS.get(error.status_code) or _default(error.status_code)


def _may_name_a_time(status: int) -> bool:
    """A spent budget that refills by itself is busy, not denied; so is a broken server that says until when."""
    return status == HTTPStatus.PAYMENT_REQUIRED or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _default(status: int) -> type[ProviderError]:
    """From redirects to client errors we asked wrongly; anything else is their trouble."""
    asked_wrongly = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return ProviderMisused if asked_wrongly else ProviderUnreachable


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(http_date: str | None) -> float | None:
    parsed = email.utils.parsedate_tz(http_date or "")
    if parsed is None:
        return None
    try:
        return email.utils.mktime_tz(parsed) - time.time()
    except (ValueError, OverflowError):
        return None
