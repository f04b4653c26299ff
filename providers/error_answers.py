"""Which kind of refusal an error answer is: an HTTP error, or an error event in the middle of a stream.

Decided by the answer's codes and types, then by its status. Its wording is looked at last, and only where the
rest says no more than "the request was refused": filters, credit and data policies come as a plain
`invalid_request_error`, `permission_error` or `not_found_error`. The wording is never passed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import anthropic

from generation.error_kinds import ErrorKind
from providers.numbers import whole_number

#: Claude's own codes, `error.details.error_code`.
_BY_CODE: Mapping[str, ErrorKind] = {
    "enforced_spend_limit_reached": ErrorKind.QUOTA,
    "contract_spend_limit_reached": ErrorKind.QUOTA,
    "linked_organization_spend_limit_reached": ErrorKind.QUOTA,
    "linked_organization_billing_unavailable": ErrorKind.CREDIT,
    "organization_on_hold": ErrorKind.POLICY,
}

#: OpenRouter's own types, `error.error_type`, or `error.metadata.error_type`. "unmapped" says nothing.
_BY_GATEWAY_TYPE: Mapping[str, ErrorKind] = {
    "content_policy_violation": ErrorKind.MODERATION,
    "refusal": ErrorKind.REFUSAL,
    "authentication": ErrorKind.KEY,
    "permission_denied": ErrorKind.POLICY,
    "payment_required": ErrorKind.CREDIT,
    "token_limit_exceeded": ErrorKind.CREDIT,
    "rate_limit_exceeded": ErrorKind.BUSY,
    "provider_overloaded": ErrorKind.BUSY,
    "provider_unavailable": ErrorKind.UNREACHABLE,
    "server": ErrorKind.UNREACHABLE,
    "timeout": ErrorKind.UNREACHABLE,
    "not_found": ErrorKind.MODEL,
    "invalid_request": ErrorKind.MISTAKE,
    "invalid_prompt": ErrorKind.MISTAKE,
    "context_length_exceeded": ErrorKind.MISTAKE,
    "max_tokens_exceeded": ErrorKind.MISTAKE,
    "string_too_long": ErrorKind.MISTAKE,
    "payload_too_large": ErrorKind.MISTAKE,
    "precondition_failed": ErrorKind.MISTAKE,
    "unprocessable": ErrorKind.MISTAKE,
}

_BY_TYPE: Mapping[str, ErrorKind] = {
    "overloaded_error": ErrorKind.BUSY,
    "rate_limit_error": ErrorKind.BUSY,
    "conflict_error": ErrorKind.BUSY,
    "api_error": ErrorKind.UNREACHABLE,
    "timeout_error": ErrorKind.UNREACHABLE,
    "authentication_error": ErrorKind.KEY,
    "billing_error": ErrorKind.CREDIT,
    "permission_error": ErrorKind.POLICY,
    "invalid_request_error": ErrorKind.MISTAKE,
    "not_found_error": ErrorKind.MODEL,
    "request_too_large": ErrorKind.MISTAKE,
}

_BY_STATUS: Mapping[int, ErrorKind] = {
    401: ErrorKind.KEY,
    402: ErrorKind.CREDIT,
    403: ErrorKind.POLICY,
    404: ErrorKind.MODEL,
    408: ErrorKind.UNREACHABLE,
    409: ErrorKind.BUSY,
    429: ErrorKind.BUSY,
    499: ErrorKind.UNREACHABLE,
    529: ErrorKind.BUSY,
}

#: Kinds that say no more than "refused" or "failed"; the wording may say why.
_VAGUE = frozenset({ErrorKind.MISTAKE, ErrorKind.POLICY, ErrorKind.MODEL, ErrorKind.UNREACHABLE})

#: In this order: a policy on data is named beside guardrails, a limit beside the word "blocked".
_BY_WORDING = (
    (
        ErrorKind.QUOTA,
        re.compile(r"usage limit|spend(ing)? (limit|cap)|(key|monthly|daily|weekly) limit", re.IGNORECASE),
    ),
    (
        ErrorKind.CREDIT,
        re.compile(
            r"credit balance|insufficient (credit|balance|fund)|(more|purchase) credits", re.IGNORECASE
        ),
    ),
    (
        ErrorKind.POLICY,
        re.compile(
            r"data policy|no (endpoints|allowed providers)|organization (has been|is) ", re.IGNORECASE
        ),
    ),
    (
        ErrorKind.CONTENT_FILTER,
        re.compile(
            r"content[ _-]?(management[ _-]?)?(filter|moderat|polic|safety)|responsible ?ai|moderation|guardrail|prompt injection|jailbreak|flagged"
            r"|safety (system|polic|filter|classifier|reasons|settings)|unsafe|harmful|inappropriate|objectionable"
            r"|(usage|acceptable use)[ _-](polic|guideline)|violat.{0,40}(polic|guideline|terms|usage)"
            r"|(blocked|filtered|declined|rejected|refused).{0,60}(polic|safety|filter|classifier)",
            re.IGNORECASE,
        ),
    ),
)
#: Fields whose texts are wording, names that some gateways alone use among them. A gateway's `metadata.raw` is what
#: the provider behind it said.
_WORDED = ("message", "detail", "type", "code")
_LONGEST_WORDING = 1_000  #: characters looked at, of each text
_LONGEST_NAME = 64  #: of a type or a code
_ERROR_STATUSES = range(400, 600)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """What one error answer says about itself. Of the wording only what it was recognised as is kept elsewhere."""

    status: int  #: HTTP's, or the one that an event in a stream names
    type: str | None
    code: str | None
    gateway_type: str | None
    is_flagged: bool  #: a moderation tells what it flagged
    wording: str

    @classmethod
    def of(cls, error: anthropic.APIStatusError) -> ErrorAnswer:
        """Reads any body: a page of a proxy, a list, an error that is a string, one that is not in an envelope."""
        body = _mapping(error.body)
        inner = body.get("error", body)
        said = _mapping(inner)
        metadata = _mapping(said.get("metadata"))
        wordings = [inner, *(said.get(name) for name in _WORDED), metadata.get("raw")]
        return cls(
            status=_status(error.status_code, said),
            type=_name(said.get("type")),
            code=_name(error.error_code),
            gateway_type=_name(said.get("error_type")) or _name(metadata.get("error_type")),
            is_flagged="flagged_input" in metadata or bool(metadata.get("reasons")),
            wording="\n".join(text[:_LONGEST_WORDING] for text in wordings if isinstance(text, str)),
        )

    @property
    def kind(self) -> ErrorKind:
        kind = self._kind_by_names()
        if self.is_flagged and kind in _VAGUE:
            return ErrorKind.MODERATION
        return self._kind_by_wording(kind) if kind in _VAGUE else kind

    def _kind_by_names(self) -> ErrorKind:
        return (
            _BY_CODE.get(self.code or "")
            or _BY_GATEWAY_TYPE.get(self.gateway_type or "")
            or _BY_TYPE.get(self.type or "")
            or _BY_STATUS.get(self.status)
            or _default(self.status)
        )

    def _kind_by_wording(self, otherwise: ErrorKind) -> ErrorKind:
        return next((kind for kind, words in _BY_WORDING if words.search(self.wording)), otherwise)


def is_error(data: str) -> bool:
    """Whether the data of a stream's event is an error answer, whatever the event is called."""
    if '"error"' not in data:  # in a text it would be escaped
        return False
    try:
        said = _mapping(json.loads(data))
    except ValueError:
        return False
    return said.get("type") == "error" or bool(said.get("error"))


def _status(status: int, said: Mapping[str, Any]) -> int:
    """An error event comes after status 200, and names a status of its own where it has one."""
    named = whole_number(said.get("code"))
    if status != HTTPStatus.OK or named is None or named not in _ERROR_STATUSES:
        return status
    return named


def _default(status: int) -> ErrorKind:
    """From redirects to client errors we asked wrongly; anything else is their trouble."""
    asked_wrongly = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return ErrorKind.MISTAKE if asked_wrongly else ErrorKind.UNREACHABLE


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _LONGEST_NAME else None
