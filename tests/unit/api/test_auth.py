from __future__ import annotations

import asyncio
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from api.auth import DEMO_USER, Doorkeeper
from api.errors import Refusal
from runtime.settings import ApiSettings

SECRET = "a-secret-of-more-than-thirty-two-bytes"
SERVICE = "the-service-token"
USER = uuid4()


def keeper(**settings: Any) -> Doorkeeper:
    return Doorkeeper(ApiSettings(**settings))


def admitted(doorkeeper: Doorkeeper, headers: Mapping[str, str]) -> UUID:
    return asyncio.run(doorkeeper.user_of(headers))


def refused(doorkeeper: Doorkeeper, headers: Mapping[str, str]) -> str:
    with pytest.raises(Refusal) as refusal:
        admitted(doorkeeper, headers)
    return refusal.value.code


def claims(**changes: Any) -> dict[str, Any]:
    """A student's claims; None takes one away."""
    whole = {"sub": str(USER), "aud": "authenticated", "exp": int(time.time()) + 60} | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", *, kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **headers}


def test_a_student_is_who_his_token_says() -> None:
    assert admitted(keeper(supabase_jwt_secret=SECRET), bearing(signed())) == USER
    assert admitted(keeper(supabase_jwt_secret=SECRET), {"authorization": f"bearer {signed()}"}) == USER


def test_a_student_cannot_name_another_user() -> None:
    token = bearing(signed(), **{"x-user-id": str(uuid4())})

    assert admitted(keeper(supabase_jwt_secret=SECRET, api_service_token=SERVICE), token) == USER


def test_a_clock_that_is_a_little_off_is_forgiven() -> None:
    assert admitted(keeper(supabase_jwt_secret=SECRET), bearing(signed(exp=int(time.time()) - 5))) == USER


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
    ],
)
def test_a_token_that_does_not_hold_is_refused(token: str) -> None:
    assert (
        refused(keeper(supabase_jwt_secret=SECRET, api_service_token=SERVICE), bearing(token))
        == "unauthorized"
    )


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", f"Token {SERVICE}", SERVICE])
def test_a_call_without_a_bearer_token_is_refused(header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}

    assert refused(keeper(api_service_token=SERVICE), headers | {"x-user-id": str(USER)}) == "unauthorized"


def test_a_server_of_ours_names_the_user_it_acts_for() -> None:
    assert admitted(keeper(api_service_token=SERVICE), bearing(SERVICE, **{"x-user-id": str(USER)})) == USER


@pytest.mark.parametrize("named", [{}, {"x-user-id": ""}, {"x-user-id": "somebody"}])
def test_a_server_of_ours_must_name_somebody(named: dict[str, str]) -> None:
    assert refused(keeper(api_service_token=SERVICE), bearing(SERVICE, **named)) == "unauthorized"


def test_nearly_the_service_token_is_not_the_service_token() -> None:
    for token in (SERVICE[:-1], SERVICE + "x", SERVICE.upper()):
        assert refused(keeper(api_service_token=SERVICE), bearing(token, **{"x-user-id": str(USER)}))


def test_without_auth_the_header_names_the_user_or_it_is_the_demo_user() -> None:
    assert admitted(keeper(), {"x-user-id": str(USER)}) == USER
    assert admitted(keeper(), {}) == DEMO_USER
    assert refused(keeper(), {"x-user-id": "somebody"}) == "unauthorized"


# --- signing keys ----------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def jwks_url() -> Iterator[str]:
    """Where a project publishes the public half of KEY."""
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
    with publishing({"keys": [{**jwk, "kid": "current", "use": "sig", "alg": "ES256"}]}) as url:
        yield url


@contextmanager
def publishing(body: Any) -> Iterator[str]:
    published = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()
        thread.join()


def signed_with_the_published_key_as_secret() -> str:
    """What a mixed-up verifier would accept; made by hand, because the library refuses to make it."""
    published = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "current"}, claims())
    text = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    return (text + b"." + base64url_encode(hmac.digest(published, text, "sha256"))).decode()


def test_a_token_signed_with_a_published_key_is_good(jwks_url: str) -> None:
    token = signed(KEY, "ES256", kid="current")

    assert admitted(keeper(supabase_jwks_url=jwks_url), bearing(token)) == USER


def test_both_kinds_of_token_hold_while_a_project_moves_from_one_to_the_other(jwks_url: str) -> None:
    both = keeper(supabase_jwks_url=jwks_url, supabase_jwt_secret=SECRET)

    assert admitted(both, bearing(signed(KEY, "ES256", kid="current"))) == USER
    assert admitted(both, bearing(signed())) == USER


def test_a_key_that_is_not_published_or_not_used_for_this_is_refused(jwks_url: str) -> None:
    tokens = [
        signed(OTHER_KEY, "ES256", kid="current"),
        signed(KEY, "ES256", kid="unknown"),
        signed(KEY, "ES256"),
        signed(KEY, "ES256", kid="current", aud="anon"),
        signed_with_the_published_key_as_secret(),
        jwt.encode(claims(), "", "none", headers={"kid": "current"}),
    ]
    doorkeeper = keeper(supabase_jwks_url=jwks_url)

    assert {refused(doorkeeper, bearing(token)) for token in tokens} == {"unauthorized"}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>not now</html>", b"\xff\xfe", b'{"keys": ' + b"[" * 200_000],
    ids=["nothing", "a page", "no text", "too deep"],
)
def test_keys_that_cannot_be_read_are_our_trouble_and_not_the_students(body: bytes) -> None:
    with publishing(body) as url:
        unreadable = keeper(supabase_jwks_url=url)
        assert refused(unreadable, bearing(signed(KEY, "ES256", kid="current"))) == "service_unavailable"


@pytest.mark.parametrize("depth", [100, 3_000, 20_000])
def test_a_token_that_nests_without_measure_is_refused(depth: int) -> None:
    header = b'{"alg": "HS256", "x": ' + b"[" * depth + b"]" * depth + b"}"
    signed_part, signature = signed().split(".", maxsplit=1)[1].rsplit(".", maxsplit=1)
    token = f"{base64url_encode(header).decode()}.{signed_part}.{signature}"
    assert refused(keeper(supabase_jwt_secret=SECRET), bearing(token)) == "unauthorized"


def test_keys_that_cannot_be_fetched_are_our_trouble_and_not_the_students() -> None:
    away = keeper(supabase_jwks_url="http://127.0.0.1:1/jwks.json")

    assert refused(away, bearing(signed(KEY, "ES256", kid="current"))) == "service_unavailable"
