"""Every status of the API's table, through the real SDK, as the domain's errors."""

from __future__ import annotations

from email.utils import formatdate
from time import time

import pytest

from generation.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderUnreachable,
    StreamCut,
)
from providers.claude import make_claude
from runtime.settings import ClaudeSettings
from tests.support.providers import ServeClaude, ServeOpenRouter, read
from tests.support.raw_server import Exchange, Script, status
from tools.stack.ports import free_port

TABLE: list[tuple[int, str | None, type[ProviderError]]] = [
    (400, "invalid_request_error", ProviderMisused),
    (401, "authentication_error", ProviderDenied),
    (402, "billing_error", ProviderDenied),
    (403, "permission_error", ProviderDenied),
    (404, "not_found_error", ProviderMisused),
    (408, None, ProviderUnreachable),
    (409, "conflict_error", ProviderBusy),
    (413, "request_too_large", ProviderMisused),
    (422, None, ProviderMisused),
    (429, "rate_limit_error", ProviderBusy),
    (499, None, ProviderUnreachable),
    (500, "api_error", ProviderUnreachable),
    (503, None, ProviderUnreachable),
    (504, "timeout_error", ProviderUnreachable),
    (529, "overloaded_error", ProviderBusy),
]


@pytest.mark.parametrize(("code", "error_type", "expected"), TABLE)
def test_each_status_has_its_meaning_and_is_asked_once(
    claude: ServeClaude, code: int, error_type: str | None, expected: type[ProviderError]
) -> None:
    server, provider = claude(status(code, {"type": error_type, "message": "m"} if error_type else None))
    with pytest.raises(ProviderError) as caught:
        read(provider)
    assert type(caught.value) is expected
    assert len(server.requests) == 1
    assert (caught.value.provider, caught.value.request_id) == ("claude", "req_failed")
    assert caught.value.status == code
    assert caught.value.context["error_type"] == error_type


@pytest.mark.parametrize(("code", "expected"), [(code, kind) for code, _, kind in TABLE])
def test_a_status_without_a_body_of_the_api_means_the_same(
    claude: ServeClaude, code: int, expected: type[ProviderError]
) -> None:
    """A proxy's own page, say."""

    def play(exchange: Exchange) -> None:
        page = b"<html>no</html>"
        head = f"HTTP/1.1 {code} X\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n\r\n"
        exchange.send(head.encode() + page)

    _, provider = claude(play)
    with pytest.raises(expected):
        read(provider)


@pytest.mark.parametrize("error_code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_a_spend_limit_is_denied_although_it_comes_as_a_429(claude: ServeClaude, error_code: str) -> None:
    error = {"type": "rate_limit_error", "message": "m", "details": {"error_code": error_code}}
    _, provider = claude(status(429, error))
    with pytest.raises(ProviderDenied) as caught:
        read(provider)
    assert caught.value.context["error_code"] == error_code


def test_growing_too_fast_is_busy_for_as_long_as_it_says(claude: ServeClaude) -> None:
    error = {"type": "rate_limit_error", "message": "m", "details": {"error_code": "ramp_limit_exceeded"}}
    _, provider = claude(status(429, error, retry_after="7"))
    with pytest.raises(ProviderBusy) as caught:
        read(provider)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"retry_after": "12"}, 12),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": "-3"}, 0),
        ({"retry_after": formatdate(time() - 3600, usegmt=True)}, 0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_understood(
    claude: ServeClaude, headers: dict[str, str], expected_s: float | None
) -> None:
    _, provider = claude(status(429, {"type": "rate_limit_error", "message": "m"}, **headers))
    with pytest.raises(ProviderBusy) as caught:
        read(provider)
    assert caught.value.retry_after_s == expected_s


def test_a_wait_until_a_date_is_counted_from_now(claude: ServeClaude) -> None:
    until = formatdate(time() + 100, usegmt=True)
    _, provider = claude(status(529, {"type": "overloaded_error", "message": "m"}, retry_after=until))
    with pytest.raises(ProviderBusy) as caught:
        read(provider)
    assert caught.value.retry_after_s == pytest.approx(100, abs=5)


@pytest.mark.parametrize("code", [402, 503])
def test_a_budget_or_a_server_that_says_when_it_is_back_is_busy(
    openrouter: ServeOpenRouter, code: int
) -> None:
    _, provider = openrouter(status(code, {"type": "billing_error", "message": "m"}, retry_after="3"))
    with pytest.raises(ProviderBusy) as caught:
        read(provider)
    assert (caught.value.provider, caught.value.retry_after_s) == ("openrouter", 3)


def test_the_wording_of_an_error_means_nothing_and_is_not_passed_on(claude: ServeClaude) -> None:
    wording = "overloaded rate limit socket 500 capacity"
    _, provider = claude(status(400, {"type": "invalid_request_error", "message": wording}))
    with pytest.raises(ProviderMisused) as caught:
        read(provider)
    assert wording not in str(caught.value)
    assert wording not in str(caught.value.context)


def test_a_redirect_is_not_followed(claude: ServeClaude) -> None:
    server, provider = claude(status(307, location="/elsewhere"))
    with pytest.raises(ProviderMisused):
        read(provider)
    assert [request.path for request in server.requests] == ["/v1/messages"]


@pytest.mark.parametrize(
    ("error_type", "expected"),
    [
        ("overloaded_error", ProviderBusy),
        ("rate_limit_error", ProviderBusy),
        ("api_error", ProviderUnreachable),
        ("timeout_error", ProviderUnreachable),
        ("authentication_error", ProviderDenied),
        ("billing_error", ProviderDenied),
        ("permission_error", ProviderDenied),
        ("invalid_request_error", ProviderMisused),
        ("an_error_of_tomorrow", ProviderUnreachable),
    ],
)
def test_an_error_event_after_status_200_is_judged_by_its_type(
    claude: ServeClaude, error_type: str, expected: type[ProviderError]
) -> None:
    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        event = f'{{"type":"error","error":{{"type":"{error_type}","message":"m"}}}}'
        exchange.send_chunk(f"event: error\ndata: {event}\n\n".encode())
        exchange.send(b"0\r\n\r\n")

    _, provider = claude(play)
    with pytest.raises(ProviderError) as caught:
        read(provider)
    assert type(caught.value) is expected


def test_an_error_event_that_is_no_json_is_still_an_error(claude: ServeClaude) -> None:
    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk(b"event: error\ndata: upstream broke\n\n")
        exchange.send(b"0\r\n\r\n")

    _, provider = claude(play)
    with pytest.raises(ProviderUnreachable):
        read(provider)


def hang_up(exchange: Exchange) -> None:
    exchange.connection.close()


def talk_nonsense(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH\r\n\r\n")
    exchange.connection.close()


def break_off_an_error(exchange: Exchange) -> None:
    exchange.send(b'HTTP/1.1 500 X\r\ncontent-length: 100\r\n\r\n{"type"')
    exchange.connection.close()


@pytest.mark.parametrize("script", [hang_up, talk_nonsense, break_off_an_error])
def test_a_broken_connection_before_the_reply_is_unreachable(claude: ServeClaude, script: Script) -> None:
    server, provider = claude(script)
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert not isinstance(caught.value, StreamCut)
    assert len(server.requests) == 1


def test_an_address_where_nobody_listens_is_unreachable() -> None:
    settings = ClaudeSettings.model_validate({"claude_base_url": f"http://127.0.0.1:{free_port()}"})
    provider = make_claude(settings, stall_timeout_s=1, deadline_s=1)
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert caught.value.context["cause"] == "APIConnectionError"
    provider.close()


def test_a_source_that_was_closed_is_unreachable(claude: ServeClaude) -> None:
    _, provider = claude(hang_up)
    provider.close()
    with pytest.raises(ProviderUnreachable):
        read(provider)
