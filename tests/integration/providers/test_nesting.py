"""Providers that nest their JSON without measure: the same errors on every Python, from the first level too many."""

from __future__ import annotations

import json

import pytest

from generation.errors import ProviderUnreachable, StreamCut
from generation.model_call import StreamEvent
from providers.answer_bounds import MAX_NESTING
from providers.billing_reports import BillingReportError, reading_billing_reports
from providers.model_check import check_model, check_openrouter_key
from runtime.settings import BillingReportSettings, ClaudeSettings, OpenRouterSettings
from tests.integration.providers.test_billing_reports import today
from tests.support.providers import ServeClaude, read, text_of
from tests.support.raw_server import STREAMS, Exchange, RawServer, Script

#: Refused by nobody but us; by Python 3.11; by every Python.
DEPTHS = pytest.mark.parametrize("depth", [MAX_NESTING, 3_000, 200_000])


def deep(depth: int) -> str:
    """One deeper than `depth`."""
    return '{"type": "error", "a": ' + "[" * depth + "]" * depth + "}"


def answer(body: str, code: int = 200) -> Script:
    head = f"HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return lambda exchange: exchange.send((head + body).encode())


def with_event(name: str, data: str) -> Script:
    """A recorded reply of ten questions with one event more, after the first text."""
    before, text, after = (STREAMS / "ten_questions.sse").read_text(encoding="utf-8").partition("القط")
    rest_of_text, end, after = after.partition("\n\n")
    whole = before + text + rest_of_text + end + f"event: {name}\ndata: {data}\n\n" + after

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk(whole.encode())
        exchange.send(b"0\r\n\r\n")

    return play


@DEPTHS
@pytest.mark.parametrize("name", ["message_delta", "error", "event_of_tomorrow"])
def test_an_event_that_nests_too_deep_cuts_the_reply_and_the_text_before_it_is_kept(
    claude: ServeClaude, name: str, depth: int
) -> None:
    _, provider = claude(with_event(name, deep(depth)))
    events: list[StreamEvent] = []
    with pytest.raises(StreamCut):
        read(provider, into=events)
    assert text_of(events).endswith("القط")


def test_a_text_may_hold_any_number_of_brackets(claude: ServeClaude) -> None:
    brackets = '[{"' * 1_000
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": brackets}}
    _, provider = claude(with_event("content_block_delta", json.dumps(delta)))
    assert brackets in text_of(read(provider))


@DEPTHS
@pytest.mark.parametrize("code", [400, 529])
def test_an_error_that_nests_too_deep_is_no_answer(claude: ServeClaude, code: int, depth: int) -> None:
    _, provider = claude(answer(deep(depth), code))
    with pytest.raises(ProviderUnreachable):
        read(provider)


@DEPTHS
def test_a_model_or_a_key_that_is_described_too_deep_stops_no_start(claude: ServeClaude, depth: int) -> None:
    server, provider = claude(answer(deep(depth)))
    assert any("could not be asked" in warning for warning in check_model(provider).warnings)
    assert "could not be asked" in key_check(server)


@pytest.mark.parametrize("body", ["", "<p/>", "[]", '{"data": 1}', '{"data": {"limit_remaining": "x"}}'])
def test_a_key_that_is_described_in_no_known_way_stops_no_start(claude: ServeClaude, body: str) -> None:
    server, _ = claude(answer(body))
    assert "could not be asked" in key_check(server)


def key_check(server: RawServer) -> str:
    settings = OpenRouterSettings.model_validate(
        {"openrouter_api_key": "or-key", "openrouter_base_url": server.url}
    )
    found = check_openrouter_key(settings, ClaudeSettings.model_validate({}))
    assert found is not None
    assert found.stop is None
    return " ".join(found.warnings)


@DEPTHS
def test_a_statement_that_nests_too_deep_is_no_statement(claude: ServeClaude, depth: int) -> None:
    server, _ = claude(answer(deep(depth)))
    with (
        reading_billing_reports(
            BillingReportSettings.model_validate({"anthropic_admin_key": "sk-ant-admin-1"}),
            ClaudeSettings.model_validate({"claude_base_url": server.url}),
            OpenRouterSettings(),
        ) as statements,
        pytest.raises(BillingReportError, match="did not answer"),
    ):
        statements["claude"](today(), today())
