"""The check at start, against a Models API on a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from providers.claude import make_claude
from providers.model_check import check_model
from runtime.settings import ClaudeSettings
from tests.support.providers import ServeClaude
from tests.support.raw_server import Exchange, Script, json_reply, status
from tools.stack.ports import free_port


def described(model: str = "claude-sonnet-5-5", **changes: Any) -> Script:
    entry: dict[str, Any] = {
        "id": model,
        "type": "model",
        "display_name": model,
        "created_at": "2026-09-28T00:00:00Z",
        "lifecycle": "active",
    }
    return json_reply(entry | changes)


def thinking(**supported: bool) -> dict[str, Any]:
    types = {name: {"supported": value} for name, value in supported.items()}
    return {"thinking": {"supported": True, "types": types}}


def test_a_model_in_good_health_needs_no_word(claude: ServeClaude) -> None:
    server, provider = claude(described(capabilities=thinking(between_tools=True)))
    check = check_model(provider)
    assert (check.stop, check.warnings) == (None, ())
    assert server.requests[0].path == "/v1/models/claude-sonnet-5-5"


@pytest.mark.parametrize(
    "script",
    [
        status(404, {"type": "not_found_error", "message": "model: claude-sonnet-4-5-20250514"}),
        described(lifecycle="retired"),
    ],
)
def test_a_model_that_is_gone_stops_the_start_and_names_another(claude: ServeClaude, script: Script) -> None:
    _, provider = claude(script, claude_model="claude-sonnet-4-5-20250514")
    check = check_model(provider)
    assert check.stop is not None
    assert "CLAUDE_MODEL" in check.stop
    assert "claude-sonnet-5-5" in check.stop


def test_a_key_that_is_not_accepted_stops_the_start(claude: ServeClaude) -> None:
    _, provider = claude(status(401, {"type": "authentication_error", "message": "m"}))
    stop = check_model(provider).stop
    assert stop is not None
    assert "ANTHROPIC_API_KEY" in stop


def test_a_deprecated_model_is_warned_about_with_the_day_the_api_names(claude: ServeClaude) -> None:
    script = described(
        "claude-sonnet-4-5", lifecycle="deprecated", retires_at="2026-12-24T00:00:00Z", deprecated_at=None
    )
    _, provider = claude(script, claude_model="claude-sonnet-4-5")
    check = check_model(provider)
    assert check.stop is None
    (warning,) = check.warnings
    assert "2026-12-24" in warning
    assert "claude-sonnet-5-5" in warning


def test_a_deprecation_without_a_day_is_warned_about_too(claude: ServeClaude) -> None:
    _, provider = claude(described("claude-sonnet-5", lifecycle="deprecated"), claude_model="claude-sonnet-5")
    (warning,) = check_model(provider).warnings
    assert "will be retired" in warning


def test_the_model_of_the_quickstart_is_warned_about_whatever_the_api_says(claude: ServeClaude) -> None:
    _, provider = claude(described("claude-sonnet-4-5"), claude_model="claude-sonnet-4-5")
    (warning,) = check_model(provider).warnings
    assert "2026-11-30" in warning


def test_a_gateway_without_a_models_api_stops_nothing(claude: ServeClaude) -> None:
    """That a path is not there says nothing about the model."""

    def play(exchange: Exchange) -> None:
        exchange.send(
            b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nnot found"
        )

    _, provider = claude(play)
    check = check_model(provider)
    assert check.stop is None
    assert "could not be asked" in check.warnings[0]


@pytest.mark.parametrize("code", [403, 429, 500, 529])
def test_an_api_that_cannot_answer_stops_nothing_and_the_table_still_warns(
    claude: ServeClaude, code: int
) -> None:
    server, provider = claude(status(code), claude_model="claude-sonnet-4-5")
    check = check_model(provider)
    assert check.stop is None
    assert "could not be asked" in check.warnings[0]
    assert "2026-11-30" in check.warnings[1]
    assert len(server.requests) == 1


def test_an_api_that_is_not_there_stops_nothing() -> None:
    provider = make_claude(
        ClaudeSettings.model_validate({"claude_base_url": f"http://127.0.0.1:{free_port()}"}),
        stall_timeout_s=1,
        deadline_s=1,
    )
    assert check_model(provider).stop is None
    provider.close()


def test_an_answer_that_is_no_json_stops_nothing(claude: ServeClaude) -> None:
    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p/>")

    _, provider = claude(play)
    assert check_model(provider).stop is None


def test_a_model_that_is_not_in_our_table_is_warned_about(claude: ServeClaude) -> None:
    _, provider = claude(described("claude-sonnet-9"), claude_model="claude-sonnet-9")
    (warning,) = check_model(provider).warnings
    assert "models.json" in warning


def test_a_model_that_would_refuse_our_requests_stops_the_start(claude: ServeClaude) -> None:
    _, provider = claude(described(capabilities=thinking(between_tools=False, disabled=True)))
    stop = check_model(provider).stop
    assert stop is not None
    assert "between_tools" in stop
