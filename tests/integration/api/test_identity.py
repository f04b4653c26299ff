"""Authentication over a real socket: invalid tokens on every route, and signing keys that change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served
from tests.support.published_keys import published
from tests.support.raw_server import Exchange, RawServer, Script

SECRET = "a-secret-of-more-than-thirty-two-bytes"
USER = str(uuid4())
BODIES: dict[str, dict[str, Any]] = {
    "/api/exams": {"track": "literary"},
    "/api/practice": {
        "section": "verbal",
        "categories": ["analogy"],
        "difficulty": "easy",
        "questionCount": 5,
    },
    "questions": {"batchIndex": 0},
    "progress": {"questionIndex": 0},
    "reports": {"reason": "other"},
}


def routes(served: Served) -> list[tuple[str, str]]:
    """Every operation for users, from the OpenAPI description, so that a new one is always tested."""
    described = httpx2.get(f"{served.url}/openapi.json").json()["paths"]
    return [
        (method, path)
        for path, operations in described.items()
        for method in operations
        if path.startswith("/api/")
    ]


def statuses(served: Served, session_ids: dict[str, str], headers: dict[str, str]) -> dict[str, int]:
    """The status of each route; of a stream only the beginning is read."""
    answers = {}
    with httpx2.Client(base_url=served.url, headers={**headers, "Prefer": "wait=0"}, timeout=30) as client:
        for method, path in routes(served):
            url = path.replace("{session_id}", session_ids[path.split("/")[2]]).replace("{position}", "0")
            body = BODIES.get(path) or BODIES.get(path.rpartition("/")[2])
            with client.stream(method, url, json=body if method == "post" else None) as answer:
                answers[f"{method} {path}"] = answer.status_code
    return answers


def token(key: Any = SECRET, algorithm: str = "HS256", *, kid: str | None = None, **changes: Any) -> str:
    claims = {"sub": USER, "aud": "authenticated", "exp": int(time.time()) + 600, **changes}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


def bearing(sent: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {sent}"}


def sessions_of(served: Served, headers: dict[str, str]) -> dict[str, str]:
    with httpx2.Client(base_url=served.url, headers={**headers, "Prefer": "wait=0"}, timeout=30) as client:
        return {
            kind: client.post(f"/api/{kind}", json=BODIES[f"/api/{kind}"]).json()["id"]
            for kind in ("exams", "practice")
        }


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(token(aud="anon"), id="wrong audience"),
        pytest.param(jwt.encode({"sub": USER, "aud": "authenticated"}, "", "none"), id="algorithm none"),
        pytest.param(token(key="another-secret-of-thirty-two-bytes"), id="another key"),
    ],
)
def test_an_invalid_token_is_401_on_every_route(serve: Serve, sent: str) -> None:
    """D29: in the original a route without a check let everybody spend money with the API key."""
    served = serve(supabase_jwt_secret=SECRET)
    mine = sessions_of(served, bearing(token()))
    answers = statuses(served, mine, bearing(sent))

    assert len(answers) == 20
    assert set(answers.values()) == {401}, answers


def test_a_session_of_another_user_is_404_on_every_route(serve: Serve) -> None:
    served = serve(supabase_jwt_secret=SECRET)
    mine = sessions_of(served, bearing(token()))
    answers = statuses(served, mine, bearing(token(sub=str(uuid4()))))
    of_a_session = {route: status for route, status in answers.items() if "{session_id}" in route}

    assert len(of_a_session) == 16
    assert set(of_a_session.values()) == {404}, of_a_session
    with httpx2.Client(base_url=served.url, headers=bearing(token())) as client:
        assert client.get(f"/api/exams/{mine['exams']}").json()["status"] == "in_progress"


def status(served: Served, sent: str) -> int:
    return httpx2.get(f"{served.url}/api/exams", headers=bearing(sent), timeout=30).status_code


def student(key: Any, kid: str) -> str:
    return token(key, "ES256", kid=kid)


def test_a_rotated_key_is_fetched_when_it_is_first_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.signing_keys.EARLY_FETCH_PERIOD_S", 0.0)
    old, new = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    with RawServer(publishing({"old": old})).running() as endpoint:
        served = serve(supabase_jwks_url=endpoint.url)
        assert (status(served, student(old, "old")), status(served, student(new, "new"))) == (200, 401)
        endpoint.script = publishing({"old": old, "new": new})
        assert (status(served, student(old, "old")), status(served, student(new, "new"))) == (200, 200)
        assert status(served, student(new, "old")) == 401


def test_students_with_a_known_key_do_not_wait_for_an_endpoint_that_hangs(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, one stranger's made-up key delayed every student."""
    monkeypatch.setattr("api.signing_keys.EARLY_FETCH_PERIOD_S", 0.0)
    key = ec.generate_private_key(ec.SECP256R1())
    with RawServer(publishing({"current": key})).running() as endpoint:
        served = serve(supabase_jwks_url=endpoint.url)
        assert status(served, student(key, "current")) == 200
        assert endpoint.left.wait(10)
        endpoint.left.clear()
        is_hanging = threading.Event()
        endpoint.script = hanging(is_hanging)
        stranger = threading.Thread(target=status, args=(served, student(key, "made-up")))
        stranger.start()
        assert is_hanging.wait(10)
        assert stranger.is_alive()
        assert [status(served, student(key, "current")) for _ in range(5)] == [200] * 5
        assert not endpoint.left.is_set(), "the fetch had ended before the students called"
        stranger.join()


def test_a_web_page_instead_of_keys_is_503_at_the_start_and_ignored_later(serve: Serve) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with RawServer(web_page).running() as endpoint:
        served = serve(supabase_jwks_url=endpoint.url)
        assert status(served, student(key, "current")) == 503
        endpoint.script = publishing({"current": key})
        until(lambda: status(served, student(key, "current")) == 200)
        endpoint.script = web_page
        fetches = endpoint.connections
        assert [status(served, student(key, f"made-up-{number}")) for number in range(30)] == [401] * 30
        assert status(served, student(key, "current")) == 200
        assert endpoint.connections - fetches <= 1
        page = httpx2.get(f"{served.url}/metrics").text
        assert 'tafawoq_jwks_fetches_total{outcome="unusable"}' in page
        assert 'tafawoq_jwks_fetches_total{outcome="fetched"}' in page


def publishing(keys: dict[str, Any]) -> Script:
    """An endpoint that publishes these keys."""
    return answering(published(keys))


def answering(body: bytes) -> Script:
    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    return play


web_page = answering(b"<!doctype html><title>Welcome</title>")


def hanging(began: threading.Event) -> Script:
    def play(exchange: Exchange) -> None:
        began.set()
        exchange.wait_until_left()

    return play


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("twice", ["X-User-Id", "Authorization"])
def test_a_call_with_two_identities_is_nobodys(serve: Serve, twice: str) -> None:
    """A proxy that adds its header to the client's own would otherwise let the client choose whom it acts for."""
    token = "the-service-token-of-this-test"
    served = serve(api_service_token=token)
    once = {"X-User-Id": str(uuid4()), "Authorization": f"Bearer {token}"}
    with served.client(uuid4()) as client:
        address = f"{client.base_url}".removesuffix("/") + "/exams"
    with httpx2.Client() as anybody:
        assert anybody.get(address, headers=once).status_code == 200
        doubled = [*once.items(), (twice, once[twice])]
        assert anybody.get(address, headers=doubled).status_code == 401
