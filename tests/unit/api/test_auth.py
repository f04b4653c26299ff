from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from api.auth import DEMO_USER, MAX_TOKEN_CHARS, Authenticator
from api.errors import ApiError
from api.metrics import ApiMetrics
from api.signing_keys import SigningKeys
from runtime.api_settings import ApiSettings
from runtime.jwks import FetchOutcome, KeySet, KeySetUnavailable, read_key_set
from runtime.settings import Environment
from tests.support.published_keys import PrivateKey, published

SECRET = "a-secret-of-more-than-thirty-two-bytes"
SERVICE = "the-service-token"
USER = uuid4()


def configured(**settings: Any) -> Authenticator:
    return Authenticator(ApiSettings(**({"tafawoq_env": Environment.DEVELOPMENT} | settings)))


def user_of(authenticator: Authenticator, headers: Mapping[str, str]) -> UUID:
    return asyncio.run(authenticator.user_of(headers))


def error_code(authenticator: Authenticator, headers: Mapping[str, str]) -> str:
    with pytest.raises(ApiError) as api_error:
        user_of(authenticator, headers)
    return api_error.value.code


def claims(**changes: Any) -> dict[str, Any]:
    """A student's claims; a change to None removes one."""
    whole = {"sub": str(USER), "aud": "authenticated", "exp": int(time.time()) + 60} | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", *, kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **headers}


def test_the_token_names_the_student() -> None:
    assert user_of(configured(supabase_jwt_secret=SECRET), bearing(signed())) == USER
    assert user_of(configured(supabase_jwt_secret=SECRET), {"authorization": f"bearer {signed()}"}) == USER


def test_a_student_cannot_name_another_user() -> None:
    token = bearing(signed(), **{"x-user-id": str(uuid4())})

    assert user_of(configured(supabase_jwt_secret=SECRET, api_service_token=SERVICE), token) == USER


def test_a_clock_that_is_a_few_seconds_off_is_tolerated() -> None:
    assert user_of(configured(supabase_jwt_secret=SECRET), bearing(signed(exp=int(time.time()) - 5))) == USER


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(signed(key="another-secret-of-thirty-two-bytes"), id="another key"),
        pytest.param(signed(exp=int(time.time()) - 60), id="expired"),
        pytest.param(signed(nbf=int(time.time()) + 3600), id="not yet valid"),
        pytest.param(signed(aud="anon"), id="wrong audience"),
        pytest.param(signed(aud=None), id="no audience"),
        pytest.param(signed(exp=None), id="no expiry"),
        pytest.param(signed(sub=None), id="no subject"),
        pytest.param(signed(sub="somebody"), id="subject is no id"),
        pytest.param(jwt.encode(claims(), "", "none"), id="algorithm none"),
        pytest.param(signed(algorithm="HS512", key=SECRET * 2), id="another algorithm"),
        pytest.param(signed()[:-4] + "AAAA", id="changed signature"),
        pytest.param("not.a.token", id="no token"),
        pytest.param("", id="empty"),
        pytest.param("سر", id="not even ASCII"),
        pytest.param("\udcff", id="not even text"),
        pytest.param(signed(padding="a" * MAX_TOKEN_CHARS), id="too long"),
    ],
)
def test_an_invalid_token_is_rejected(token: str) -> None:
    assert (
        error_code(configured(supabase_jwt_secret=SECRET, api_service_token=SERVICE), bearing(token))
        == "unauthorized"
    )


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", f"Token {SERVICE}", SERVICE])
def test_a_call_without_a_bearer_token_is_rejected(header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}

    assert (
        error_code(configured(api_service_token=SERVICE), headers | {"x-user-id": str(USER)})
        == "unauthorized"
    )


def test_the_service_token_acts_for_the_named_user() -> None:
    assert (
        user_of(configured(api_service_token=SERVICE), bearing(SERVICE, **{"x-user-id": str(USER)})) == USER
    )


@pytest.mark.parametrize("named", [{}, {"x-user-id": ""}, {"x-user-id": "somebody"}])
def test_the_service_token_needs_a_user(named: dict[str, str]) -> None:
    assert error_code(configured(api_service_token=SERVICE), bearing(SERVICE, **named)) == "unauthorized"


def test_almost_the_service_token_is_rejected() -> None:
    for token in (SERVICE[:-1], SERVICE + "x", SERVICE.upper()):
        assert error_code(configured(api_service_token=SERVICE), bearing(token, **{"x-user-id": str(USER)}))


def test_without_auth_the_header_names_the_user_or_it_is_the_demo_user() -> None:
    assert user_of(configured(), {"x-user-id": str(USER)}) == USER
    assert user_of(configured(), {}) == DEMO_USER
    assert error_code(configured(), {"x-user-id": "somebody"}) == "unauthorized"


# --- signing keys ----------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EDWARDS_KEY = ed25519.Ed25519PrivateKey.generate()
PUBLISHED: dict[str, PrivateKey] = {"current": KEY, "rsa": RSA_KEY, "edwards": EDWARDS_KEY}


def with_keys(*, fails: bool = False, **settings: Any) -> Authenticator:
    """An authenticator that has just fetched PUBLISHED, or failed to."""

    async def fetch() -> KeySet:
        if fails:
            raise KeySetUnavailable(FetchOutcome.STATUS, "it answers 404")
        return read_key_set(published(PUBLISHED))

    keys = SigningKeys(fetch, refresh_s=300, max_age_s=3600, metrics=ApiMetrics(), clock=lambda: 0.0)
    asyncio.run(keys.refresh())
    environment = Environment.DEVELOPMENT  # where a secret may be short
    return Authenticator(
        ApiSettings(tafawoq_env=environment, **({"supabase_jwks_url": "http://127.0.0.1:1/"} | settings)),
        keys,
    )


def signed_with_the_published_key_as_secret() -> str:
    """A token that a confused verifier would accept. Made by hand, because the library refuses to make it."""
    published = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "current"}, claims())
    text = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    return (text + b"." + base64url_encode(hmac.digest(published, text, "sha256"))).decode()


@pytest.mark.parametrize(("kid", "algorithm"), [("current", "ES256"), ("rsa", "RS256"), ("edwards", "EdDSA")])
def test_a_token_signed_with_a_published_key_is_good(kid: str, algorithm: str) -> None:
    assert user_of(with_keys(), bearing(signed(PUBLISHED[kid], algorithm, kid=kid))) == USER


def test_both_kinds_of_token_are_valid_while_a_project_moves_from_one_to_the_other() -> None:
    both = with_keys(supabase_jwt_secret=SECRET)

    assert user_of(both, bearing(signed(KEY, "ES256", kid="current"))) == USER
    assert user_of(both, bearing(signed())) == USER


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_key_that_is_unpublished_or_for_another_algorithm_is_rejected(secret: str | None) -> None:
    tokens = [
        signed(OTHER_KEY, "ES256", kid="current"),
        signed(KEY, "ES256", kid="unknown"),
        signed(KEY, "ES256", kid="rsa"),
        signed(RSA_KEY, "RS512", kid="rsa"),
        signed(RSA_KEY, "PS256", kid="rsa"),
        signed(KEY, "ES256"),
        signed(KEY, "ES256", kid="current", aud="anon"),
        signed_with_the_published_key_as_secret(),
        jwt.encode(claims(), "", "none", headers={"kid": "current"}),
    ]
    authenticator = with_keys(supabase_jwt_secret=secret)

    assert {error_code(authenticator, bearing(token)) for token in tokens} == {"unauthorized"}


def test_keys_that_cannot_be_fetched_are_503_and_not_401() -> None:
    token = signed(KEY, "ES256", kid="current")

    assert error_code(with_keys(fails=True), bearing(token)) == "service_unavailable"


# --- tokens of any content ---------------------------------------------------------------------

TEXT = st.text("aA._-=0 \x00س\ud800", max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES256", "RS256", "EdDSA", "HS256", "none", "ES512", ""]) | JSON,
        "kid": st.sampled_from(["current", "rsa", "edwards", "", "unknown"]) | JSON,
        "b64": st.booleans() | JSON,
        "crit": st.just(["b64"]) | JSON,
        "jwk": JSON,
        "jku": st.just("file:///etc/passwd"),
        "typ": JSON,
    },
)
CLAIMS = st.fixed_dictionaries(
    {
        "sub": st.just(str(USER)) | JSON,
        "aud": st.sampled_from(["authenticated", ["authenticated"]]) | JSON,
        "exp": st.sampled_from([int(time.time()) + 3600, float("nan"), float("inf"), "4102444800"]) | JSON,
    },
    optional={
        "nbf": JSON,
        "iat": JSON,
        "iss": JSON,
        "jti": JSON,
    },
)
DEEP = b"[" * 3000


def part(value: Any) -> bytes:
    return base64url_encode(value if isinstance(value, bytes) else json.dumps(value).encode())


@st.composite
def validly_signed(draw: st.DrawFn) -> str:
    """A token with a valid signature and any claims."""
    kid, algorithm = draw(st.sampled_from([("current", "ES256"), ("edwards", "EdDSA")]))
    text = part({"alg": algorithm, "kid": kid}) + b"." + part(draw(CLAIMS | JSON | st.just(DEEP)))
    method = jwt.get_algorithm_by_name(algorithm)
    return (text + b"." + base64url_encode(method.sign(text, PUBLISHED[kid]))).decode()


LOOSE = st.tuples(HEADERS | JSON | st.just(DEEP), CLAIMS | JSON | st.just(DEEP), st.binary(max_size=64)).map(
    lambda parts: b".".join(map(part, parts)).decode()
)


@settings(deadline=timedelta(seconds=2))
@given(validly_signed() | LOOSE | TEXT | st.binary(max_size=64).map(lambda sent: sent.decode("latin-1")))
@example("." * MAX_TOKEN_CHARS)
@example("eyJ" * 2730 + "..")
@example(signed_with_the_published_key_as_secret())
def test_any_token_is_either_served_or_rejected(token: str) -> None:
    try:
        served = user_of(with_keys(supabase_jwt_secret=SECRET, api_service_token=SERVICE), bearing(token))
    except ApiError as api_error:
        answer: object = api_error.code
    else:
        answer = served
    assert answer in {"unauthorized", USER}


@given(validly_signed())
def test_only_valid_claims_are_served(token: str) -> None:
    try:
        served = user_of(with_keys(), bearing(token))
    except ApiError:
        return
    decoded = jwt.decode(token, options={"verify_signature": False})
    assert str(served) == decoded["sub"]
    assert "authenticated" in decoded["aud"]
    assert int(decoded["exp"]) > time.time() - 60


PROJECT = "https://project.example/auth/v1"


@pytest.mark.parametrize(
    ("issuer", "error"),
    [
        (PROJECT, None),
        ("https://another.example/auth/v1", "unauthorized"),
        (f"{PROJECT}/", "unauthorized"),
        (None, "unauthorized"),
    ],
)
@pytest.mark.parametrize(
    "settings",
    [{"supabase_jwt_issuer": PROJECT}, {"supabase_jwks_url": f"{PROJECT}/.well-known/jwks.json"}],
)
def test_a_token_is_from_our_project(settings: dict[str, str], issuer: str | None, error: str | None) -> None:
    authenticator = configured(supabase_jwt_secret=SECRET, **settings)

    if error is None:
        assert user_of(authenticator, bearing(signed(iss=issuer))) == USER
    else:
        assert error_code(authenticator, bearing(signed(iss=issuer))) == error


@pytest.mark.parametrize(
    "settings",
    [
        {"supabase_jwks_url": f"{PROJECT}/.well-known/jwks.json", "supabase_jwt_issuer": "off"},
        {"supabase_jwks_url": "https://another.example/keys"},
        {},
    ],
)
def test_an_issuer_that_nobody_named_is_not_checked(settings: dict[str, str]) -> None:
    authenticator = configured(supabase_jwt_secret=SECRET, **settings)

    assert user_of(authenticator, bearing(signed(iss="https://another.example"))) == USER


@pytest.mark.parametrize("claim", [True, "true", 1, "false", 0.5, []])
def test_an_anonymous_user_is_let_in_by_the_setting_only(claim: object) -> None:
    token = bearing(signed(is_anonymous=claim))

    assert error_code(configured(supabase_jwt_secret=SECRET), token) == "unauthorized"
    assert user_of(configured(supabase_jwt_secret=SECRET, supabase_allow_anonymous=True), token) == USER


def test_a_user_who_is_not_anonymous_needs_no_setting() -> None:
    assert user_of(configured(supabase_jwt_secret=SECRET), bearing(signed(is_anonymous=False))) == USER
