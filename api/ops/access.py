"""Who may open `/ops`: everybody who reaches a development server, else only who has the operator token."""

from __future__ import annotations

import base64
import binascii
import hmac

from fastapi import Request

from api.auth import MAX_TOKEN_CHARS
from api.errors import ApiError
from runtime.api_settings import ApiSettings


class TokenNeeded(Exception):
    """The page has a token, and this call does not have it."""


def require_operator(request: Request, settings: ApiSettings) -> None:
    """Raises ApiError `not_found` where the page is switched off, and TokenNeeded without the right token.

    A browser asks a person for the token (Basic, any name, the token as password); programs send it as Bearer.
    """
    token = settings.api_operator_token
    if token is None:
        if settings.is_production:
            raise ApiError("not_found")
        return
    given = _given(request.headers.get("authorization", ""))
    # Compared as bytes, and always: the time tells nothing about how much of a guess is right.
    if not hmac.compare_digest(given, token.get_secret_value().encode()):
        raise TokenNeeded


def _given(authorization: str) -> bytes:
    """The token that was sent; empty when none was, or nothing that can be one."""
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if len(value) > MAX_TOKEN_CHARS or not value.isascii():
        return b""
    if scheme.lower() == "bearer":
        return value.encode()
    return _password(value) if scheme.lower() == "basic" else b""


def _password(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
