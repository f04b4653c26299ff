"""What goes over the wire, byte for byte: addresses, keys, headers and bodies."""

from __future__ import annotations

from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from generation.model_call import Usage
from providers.claude import make_claude
from runtime.settings import ClaudeSettings
from tests.support.providers import ServeClaude, ServeOpenRouter, read
from tests.support.raw_server import recorded

REPLY = recorded("cache_written.sse")
MODELS = ["claude-sonnet-5-5", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-9"]


def test_claude_is_asked_with_its_key_for_a_stream(claude: ServeClaude) -> None:
    server, provider = claude(REPLY, anthropic_api_key="a-secret-key")
    read(provider)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["authorization"] == "Bearer a-secret-key"
    assert "x-api-key" not in request.headers
    assert request.body["model"] == "claude-sonnet-5-5"
    assert request.body["stream"] is True
    assert request.body["system"][1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "anthropic-beta" not in request.headers


def test_the_simulator_is_asked_with_a_key_that_is_none(claude: ServeClaude) -> None:
    server, provider = claude(REPLY)
    read(provider)
    assert server.requests[0].headers["authorization"] == "Bearer simulator"


def test_the_second_call_names_the_first_so_that_a_miss_can_be_explained(claude: ServeClaude) -> None:
    server, provider = claude(REPLY)
    read(provider)
    read(provider)
    named = [request.body["diagnostics"]["previous_message_id"] for request in server.requests]
    assert named == [None, "msg_written"]


@pytest.mark.parametrize("model", MODELS)
def test_no_model_however_old_makes_the_sdk_warn(claude: ServeClaude, model: str) -> None:
    """Warnings are errors here: the SDK's own for a deprecated model would break every call."""
    server, provider = claude(REPLY, claude_model=model)
    read(provider)
    assert server.requests[0].body["model"] == model


def test_the_life_of_the_cache_is_the_settings(claude: ServeClaude) -> None:
    server, provider = claude(REPLY, claude_cache_ttl="5m", claude_effort="high")
    read(provider)
    body = server.requests[0].body
    assert body["system"][1]["cache_control"]["ttl"] == "5m"
    assert body["output_config"] == {"effort": "high"}


def test_variables_of_the_sdk_change_nothing(claude: ServeClaude, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Spy: 1\nAuthorization: Bearer stolen")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another-token")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-environments-key")
    with capture_logs() as reported:
        server, provider = claude(REPLY, anthropic_api_key="our-key")
    read(provider)
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer our-key"
    assert "x-spy" not in headers
    assert "ANTHROPIC_CUSTOM_HEADERS" in {line["variable"] for line in reported}
    assert not any(secret in repr(reported) for secret in ("stolen", "another-token", "our-key"))


def test_the_sdks_variables_are_left_for_others(claude: ServeClaude, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Spy: 1")
    claude(REPLY)
    assert os.environ["ANTHROPIC_CUSTOM_HEADERS"] == "X-Spy: 1"


def test_a_proxy_does_not_stand_between_us_and_this_machine(
    claude: ServeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server, provider = claude(REPLY)
    read(provider)
    assert len(server.requests) == 1


def test_a_far_address_is_reached_through_the_proxy_and_still_watched(
    claude: ServeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = claude(REPLY)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    settings = ClaudeSettings.model_validate({"claude_base_url": "http://api.far.example"})
    provider = make_claude(settings, stall_timeout_s=5, deadline_s=5)
    read(provider)
    provider.close()
    assert server.requests[0].path == "http://api.far.example/v1/messages"


def test_openrouter_is_asked_over_the_same_wire_and_pinned(openrouter: ServeOpenRouter) -> None:
    server, provider = openrouter(recorded("done_with_event_name.sse"))
    read(provider)
    (request,) = server.requests
    assert request.path == "/v1/messages"
    assert request.headers["authorization"] == "Bearer or-key"
    assert request.body["model"] == "anthropic/claude-sonnet-5.5"
    assert request.body["thinking"] == {"type": "between_tools"}
    assert request.body["provider"] == {
        "only": ["anthropic"],
        "require_parameters": True,
        "data_collection": "deny",
    }
    assert "diagnostics" not in request.body


def test_claudes_key_does_not_reach_openrouter(
    openrouter: ServeOpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "claudes-key")
    server, provider = openrouter(REPLY)
    read(provider)
    assert "claudes-key" not in str(server.requests[0].headers)


def test_a_call_costs_what_the_model_that_answered_costs(openrouter: ServeOpenRouter) -> None:
    _, provider = openrouter(recorded("done_with_event_name.sse"))
    started = read(provider)[0]
    usage = Usage(input=1_000_000)
    assert provider.cost_microdollars(started.model, usage) == Decimal(3_000_000)  # type: ignore[union-attr]  # the first event is the start
    assert provider.cost_microdollars(provider.model, usage) == Decimal(2_000_000)
