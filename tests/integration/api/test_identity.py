"""Who calls, over a real socket: what a wrong token gets on every route, and keys that change under way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served

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
}


def routes(served: Served) -> list[tuple[str, str]]:
    """Every operation for users, as the door describes itself: a new one cannot be forgotten here."""
    described = httpx2.get(f"{served.url}/openapi.json").json()["paths"]
    return [
        (method, path)
        for path, operations in described.items()
        for method in operations
        if path.startswith("/api/")
    ]


def statuses(served: Served, session_ids: dict[str, str], headers: dict[str, str]) -> dict[str, int]:
    """What each route answers; of a stream, its beginning."""
    answers = {}
    with httpx2.Client(base_url=served.url, headers={**headers, "Prefer": "wait=0"}, timeout=30) as client:
        for method, path in routes(served):
            url = path.replace("{session_id}", session_ids[path.split("/")[2]])
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
def test_a_token_that_does_not_hold_opens_no_route(serve: Serve, sent: str) -> None:
    """D29: a route without a check let anybody spend the key."""
    served = serve(supabase_jwt_secret=SECRET)
    mine = sessions_of(served, bearing(token()))
    answers = statuses(served, mine, bearing(sent))

    assert len(answers) == 18
    assert set(answers.values()) == {401}, answers


def test_a_session_of_another_user_is_404_on_every_route(serve: Serve) -> None:
    served = serve(supabase_jwt_secret=SECRET)
    mine = sessions_of(served, bearing(token()))
    answers = statuses(served, mine, bearing(token(sub=str(uuid4()))))
    of_a_session = {route: status for route, status in answers.items() if "{session_id}" in route}

    assert len(of_a_session) == 14
    assert set(of_a_session.values()) == {404}, of_a_session
    with httpx2.Client(base_url=served.url, headers=bearing(token())) as client:
        assert client.get(f"/api/exams/{mine['exams']}").json()["status"] == "in_progress"


def test_a_key_that_was_rotated_is_fetched_when_it_is_first_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auth.NEW_KEY_WITHIN_S", 0.0)
    old, new = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    with publishing({"old": old}) as (url, publish):
        served = serve(supabase_jwks_url=url)

        def status(key: Any, kid: str) -> int:
            headers = bearing(token(key, "ES256", kid=kid))
            return httpx2.get(f"{served.url}/api/exams", headers=headers).status_code

        assert (status(old, "old"), status(new, "new")) == (200, 401)
        publish({"old": old, "new": new})
        assert (status(old, "old"), status(new, "new")) == (200, 200)
        assert status(new, "old") == 401


@contextmanager
def publishing(keys: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Where a project publishes its keys, and how it publishes others."""
    published: list[bytes] = [key_set(keys)]

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published[-1])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield (
            f"http://127.0.0.1:{server.server_port}/jwks.json",
            lambda keys: published.append(key_set(keys)),
        )
        server.shutdown()
        thread.join()


def key_set(keys: dict[str, Any]) -> bytes:
    jwks = [
        {
            **json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())),
            "kid": kid,
            "use": "sig",
            "alg": "ES256",
        }
        for kid, key in keys.items()
    ]
    return json.dumps({"keys": jwks}).encode()
