"""Pages of other sites, in the browser of a developer that runs the API without auth."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served

APP = "http://127.0.0.1:3000"
SERVICE = {"Authorization": "Bearer the-service-token", "X-User-Id": "00000000-0000-4000-8000-00000000000a"}


def get(served: Served, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{served.url}/api/exams", headers=headers)


#: A container listens on all its addresses and is published on loopback.
IN_A_CONTAINER = {
    "api_host": "0.0.0.0",
    "api_insecure_no_auth": True,
    "api_trusted_hosts": "api,api.internal",
}


@pytest.mark.parametrize("settings", [{}, IN_A_CONTAINER], ids=["loopback", "container"])
@pytest.mark.parametrize(
    "host", ["rebound.example", "127.0.0.1.nip.io:8000", "localhost.evil.example", "", "["]
)
def test_a_foreign_host_name_that_resolves_to_this_machine_is_rejected(
    serve: Serve, settings: dict[str, Any], host: str
) -> None:
    """DNS rebinding: the page's own name resolves to 127.0.0.1, so the browser sees the same origin."""
    rejected = get(serve(**settings), Host=host)

    assert rejected.status_code == 403
    assert rejected.json()["code"] == "forbidden_origin"
    assert rejected.headers["X-Request-Id"] == rejected.json()["requestId"]


@pytest.mark.parametrize(
    "host", ["localhost", "Localhost:8000", "127.0.0.1:9", "[::1]:8000", "172.18.0.5:8000", "[fd00::2]"]
)
def test_localhost_and_ip_addresses_are_served(serve: Serve, host: str) -> None:
    """Probes and Prometheus call a container by its address, which no page can use as its own origin."""
    assert get(serve(), Host=host).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Client-IP",
    ],
)
def test_without_auth_a_call_that_a_proxy_forwarded_is_rejected(serve: Serve, header: str) -> None:
    """nginx's default names the process by its own address, so the host name says nothing."""
    served = serve()
    rejected = httpx2.post(
        f"{served.url}/api/exams", json={"track": "literary"}, headers={header: "203.0.113.7"}
    )

    assert rejected.status_code == 403
    assert rejected.json()["code"] == "forbidden_origin"
    assert served.writer.messages.empty()


def test_with_auth_a_proxy_may_stand_before_the_api(serve: Serve) -> None:
    served = serve(api_service_token="the-service-token")

    assert get(served, **{"X-Forwarded-For": "203.0.113.7", "Via": "1.1 proxy"}, **SERVICE).status_code == 200


@pytest.mark.parametrize("host", ["api:8000", "api.internal", "API"])
def test_a_trusted_name_is_served(serve: Serve, host: str) -> None:
    assert get(serve(**IN_A_CONTAINER), Host=host).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_can_change_nothing(serve: Serve, origin: str) -> None:
    """A simple POST needs no preflight: without this check any page could cancel an exam."""
    served = serve()
    rejected = httpx2.post(f"{served.url}/api/exams", json={"track": "literary"}, headers={"Origin": origin})

    assert rejected.status_code == 403
    assert served.writer.messages.empty()


def test_a_page_of_its_own_origin_is_served(serve: Serve) -> None:
    served = serve()

    assert get(served, Origin=served.url).status_code == 200


def test_with_auth_any_host_name_is_served(serve: Serve) -> None:
    served = serve(api_service_token="the-service-token")

    assert get(served, Host="api.tafawoq.example", **SERVICE).status_code == 200


def test_a_page_of_an_allowed_origin_may_call_and_read_the_headers_it_needs(serve: Serve) -> None:
    served = serve(api_cors_origins=APP)
    asked = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, prefer",
    }
    allowed = httpx2.options(f"{served.url}/api/exams", headers=asked)
    answered = get(served, Origin=APP)

    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == APP
    assert {"authorization", "last-event-id", "prefer", "idempotency-key"} <= {
        name.strip().lower() for name in allowed.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert answered.headers["Access-Control-Allow-Origin"] == APP
    assert "Retry-After" in answered.headers["Access-Control-Expose-Headers"]


def test_errors_can_be_read_by_an_allowed_page_too(serve: Serve) -> None:
    served = serve(api_cors_origins=APP, api_service_token="the-service-token")
    rejected = get(served, Origin=APP)

    assert (rejected.status_code, rejected.headers["Access-Control-Allow-Origin"]) == (401, APP)


def test_no_other_page_may_call(serve: Serve) -> None:
    served = serve(api_cors_origins=APP, api_service_token="the-service-token")
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    assert httpx2.options(f"{served.url}/api/exams", headers=asked).status_code == 400
    assert "Access-Control-Allow-Origin" not in get(served, Origin="https://evil.example", **SERVICE).headers


def test_a_stranger_learns_nothing_about_their_body(serve: Serve) -> None:
    """Authentication comes before anything else of a call is read."""
    served = serve(api_service_token="the-service-token")
    bad = httpx2.post(f"{served.url}/api/exams", content=b"{", headers={"Content-Type": "application/json"})
    long = httpx2.post(f"{served.url}/api/exams/not-an-id/progress", content=b"x" * 100_000)

    assert (bad.status_code, long.status_code) == (401, 401)
