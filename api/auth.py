"""Who calls: a student with a Supabase token, or one of our servers that names the student.

Every token, whatever its bytes, yields a user id or 401; 503 only while no signing keys could be fetched.
The configuration, never the token, decides which key verifies which algorithm. Without any configured auth
a development server is on loopback only (the settings check this) and trusts every caller.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import jwt
import structlog

from api.errors import RETRY_AFTER_S, ApiError
from api.signing_keys import NoKeySet, SigningKeys, UnknownKey
from runtime import jwks
from runtime.api_settings import ApiSettings

log = structlog.get_logger(__name__)

#: The user of a call without X-User-Id to a server without auth: the demo's student.
DEMO_USER = UUID("00000000-0000-4000-8000-000000000001")

#: Proxies pass no much longer header line, and a Supabase token has one to two thousand characters.
MAX_TOKEN_CHARS = 8192

_SYMMETRIC = "HS256"
_LEEWAY_S = 10


class BadToken(Exception):
    """The token is not valid. The message is a reason for the log and quotes nothing of the token."""


class Authenticator:
    """Finds the id of the user that a call acts for, from its headers and the configuration."""

    def __init__(self, settings: ApiSettings, signing_keys: SigningKeys | None = None) -> None:
        self._has_no_auth = not settings.has_auth
        self._secret = _revealed(settings.supabase_jwt_secret)
        self._service_token = _revealed(settings.api_service_token)
        self._audience = settings.supabase_jwt_audience
        self._issuer = settings.issuer
        self._allows_anonymous = settings.supabase_allow_anonymous
        self._keys = signing_keys

    async def refresh_keys(self) -> None:
        """Keep the signing keys fresh until cancelled. Returns at once when no signing keys are configured."""
        if self._keys is not None:
            await self._keys.run()

    async def user_of(self, headers: Mapping[str, str]) -> UUID:
        """The user this call acts for. Raises ApiError: `unauthorized`, or `service_unavailable` without any keys."""
        named = headers.get("x-user-id")
        if self._has_no_auth:
            return DEMO_USER if named is None else _user_id(named)
        token = _bearer(headers.get("authorization", ""))
        if self._is_service(token):
            return _user_id(named)
        try:
            return _user_id((await self._claims(token)).get("sub"))
        except NoKeySet as error:
            raise ApiError("service_unavailable", retry_after_s=RETRY_AFTER_S) from error
        except (BadToken, UnknownKey) as error:
            log.info("token_refused", reason=str(error) or type(error).__name__)
            raise ApiError("unauthorized") from error

    def _is_service(self, token: str) -> bool:
        if not self._service_token:
            return False
        return hmac.compare_digest(token.encode(), self._service_token.encode())

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token, once its signature, issuer, audience and times are verified.

        A secret and signing keys may both be configured, while a project moves from one to the other.
        """
        with _as_bad_token():
            header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if self._secret and algorithm == _SYMMETRIC:
            return self._verified(token, self._secret, _SYMMETRIC)
        if self._keys and algorithm in jwks.ALGORITHMS and isinstance(key_id, str):
            key = await self._keys.key(key_id)
            return self._verified(token, key, key.algorithm_name)
        raise BadToken("NoKeyForIt")

    def _verified(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> dict[str, Any]:
        with _as_bad_token():
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "aud", "sub", *(["iss"] if self._issuer else [])]},
            )
        if claims.get("is_anonymous") not in (None, False) and not self._allows_anonymous:
            raise BadToken("AnonymousUser")
        return claims


@contextmanager
def _as_bad_token() -> Iterator[None]:
    """Turns every error of the block into BadToken: there the library reads bytes that a stranger sent."""
    try:
        yield
    except Exception as error:
        raise BadToken(type(error).__name__) from error


def _revealed(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _bearer(authorization: str) -> str:
    """The token. Raises ApiError `unauthorized` when its length or characters are impossible for a token."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN_CHARS or not token.isascii():
        raise ApiError("unauthorized")
    return token


def _user_id(text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise ApiError("unauthorized") from None
