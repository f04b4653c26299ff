"""Who is calling: a student with a Supabase token, or a server of ours that names one.

Every way in ends in a user id or in 401. Which key may verify which algorithm is fixed here, never taken
from the token. With nothing configured the server is on loopback only (the settings see to that), and
whoever reaches it is trusted.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import anyio
import jwt
import structlog

from api.errors import RETRY_AFTER_S, Refusal
from runtime.settings import ApiSettings

log = structlog.get_logger(__name__)

#: Who uses a server without auth that sends no X-User-Id: the demo's student.
DEMO_USER = UUID("00000000-0000-4000-8000-000000000001")

_SECRET_ALGORITHMS = ("HS256",)
_PUBLIC_KEY_ALGORITHMS = ("ES256", "RS256")
_LEEWAY_S = 10
_JWKS_TIMEOUT_S = 5
_JWKS_THREADS = 4

#: How long a key that was rotated in may be unknown; tokens with made-up keys cost one fetch in this time.
NEW_KEY_WITHIN_S = 5.0


class Doorkeeper:
    """Turns the headers of a call into the id of the user it acts for, as configured."""

    def __init__(self, settings: ApiSettings) -> None:
        self._open = not settings.has_auth
        self._secret = _revealed(settings.supabase_jwt_secret)
        self._service_token = _revealed(settings.api_service_token)
        self._audience = settings.supabase_jwt_audience
        self._keys = (
            jwt.PyJWKClient(
                settings.supabase_jwks_url, timeout=_JWKS_TIMEOUT_S, cooldown_duration=NEW_KEY_WITHIN_S
            )
            if settings.supabase_jwks_url
            else None
        )
        self._fetching = anyio.CapacityLimiter(_JWKS_THREADS)

    async def user_of(self, headers: Mapping[str, str]) -> UUID:
        """The user this call acts for. Raises Refusal `unauthorized`."""
        named = headers.get("x-user-id")
        if self._open:
            return DEMO_USER if named is None else _user_id(named)
        token = _bearer(headers.get("authorization", ""))
        if self._is_service(token):
            return _user_id(named)
        try:
            return _user_id((await self._claims(token)).get("sub"))
        except jwt.PyJWKClientConnectionError as error:
            log.error("jwks_unreachable")  # noqa: TRY400 - the trace would say nothing more
            raise Refusal("service_unavailable", retry_after_s=RETRY_AFTER_S) from error
        except jwt.PyJWTError as error:
            log.info("token_refused", reason=type(error).__name__)
            raise Refusal("unauthorized") from error

    def _is_service(self, token: str) -> bool:
        if not self._service_token:
            return False
        return hmac.compare_digest(token.encode(), self._service_token.encode())

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature, audience and times hold.

        Both ways may be configured at once while a project moves from its secret to signing keys.
        """
        algorithm = jwt.get_unverified_header(token).get("alg")
        if self._secret and algorithm in _SECRET_ALGORITHMS:
            return self._decoded(token, self._secret, _SECRET_ALGORITHMS)
        if self._keys and algorithm in _PUBLIC_KEY_ALGORITHMS:
            key = await anyio.to_thread.run_sync(_published_key, self._keys, token, limiter=self._fetching)
            return self._decoded(token, key, _PUBLIC_KEY_ALGORITHMS)
        raise jwt.InvalidAlgorithmError

    def _decoded(self, token: str, key: Any, algorithms: tuple[str, ...]) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=self._audience,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "aud", "sub"]},
        )


def _published_key(keys: jwt.PyJWKClient, token: str) -> Any:
    try:
        return keys.get_signing_key_from_jwt(token).key
    except (ValueError, RecursionError) as error:  # an answer that is no JSON, or deeper than Python reads
        raise jwt.PyJWKClientConnectionError("The signing keys could not be read.") from error


def _revealed(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal("unauthorized")
    return token.strip()


def _user_id(text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise Refusal("unauthorized") from None
