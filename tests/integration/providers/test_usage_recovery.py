"""What a reply that broke off has used, found out from who can say, and compared with the bill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from generation.errors import ProviderError
from generation.model_call import Billed, StreamEvent, StreamStarted, Usage, UsageSource
from providers.claude import make_claude
from providers.messages_client import MessagesClient
from providers.openrouter import make_openrouter
from runtime.settings import ClaudeSettings, OpenRouterSettings
from tests.integration.providers.test_with_the_simulator import ask, prompt_for
from tests.support.providers import ServeClaude, text_of
from tests.support.raw_server import Script, json_reply, status
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator

Make = Callable[..., MessagesClient]

STARTED = StreamStarted("claude-sonnet-5-5", "msg_1", "req_1", Usage(input=10, output=1, cache_read=500))


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=500, jitter=0) as simulator:
        yield simulator


@pytest.fixture
def make(simulator: RunningSimulator, cleanup: ExitStack) -> Make:
    def make(route: str, **settings: str) -> MessagesClient:
        claude = ClaudeSettings.model_validate({"claude_base_url": simulator.url} | settings)
        known = {"openrouter_api_key": "or-key", "openrouter_base_url": simulator.openrouter_url}
        openrouter = OpenRouterSettings.model_validate(known)
        limits: dict[str, Any] = {"stall_timeout_s": 0.3, "deadline_s": 20.0}
        provider = (
            make_claude(claude, **limits)
            if route == "claude"
            else make_openrouter(openrouter, claude, **limits)
        )
        assert provider is not None
        cleanup.callback(provider.close)
        return provider

    return make


def broken_off(provider: MessagesClient) -> Billed:
    events: list[StreamEvent] = []
    with pytest.raises(ProviderError):
        ask(provider, prompt_for(4), into=events)
    assert isinstance(events[0], StreamStarted)
    return provider.settle(events[0], text_of(events))


@pytest.mark.parametrize("route", ["claude", "openrouter"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", after_questions=1, after_chars=7),
        Fault("cut", after_questions=0),
        Fault("cut", after_bytes=4000),
        Fault("reset", after_questions=2),
        Fault("no_stop", after_questions=3, after_chars=50),
        Fault("error_event", after_questions=2, after_chars=1),
        Fault("stall", after_questions=1, after_chars=100),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.after_questions}-{fault.after_bytes}",
)
def test_a_reply_that_broke_off_costs_what_the_bill_says(
    make: Make, simulator: RunningSimulator, route: str, fault: Fault
) -> None:
    fault.times = 1
    simulator.faults.append(fault)
    provider = make(route)
    billed = broken_off(provider)
    [entry] = simulator.bill().entries
    assert billed.usage_source is UsageSource.COUNTED
    assert provider.cost_microdollars(provider.model, billed.usage) == entry.cost_microdollars


def test_a_model_that_may_have_thought_unseen_is_an_estimate(make: Make, simulator: RunningSimulator) -> None:
    simulator.faults.append(Fault("cut", after_questions=1))
    billed = broken_off(make("claude", claude_model="claude-opus-5-5"))
    assert billed.usage_source is UsageSource.ESTIMATED


def test_what_a_message_adds_to_its_text_is_not_counted(claude: ServeClaude) -> None:
    """The server says 12 for every text: 11 of them belong to the message, the one that is left to the text."""
    server, provider = claude(json_reply({"input_tokens": 12}))
    billed = provider.settle(STARTED, "نص")
    assert billed == Billed(Usage(input=10, output=1, cache_read=500), UsageSource.COUNTED)
    assert [request.path for request in server.requests] == ["/v1/messages/count_tokens"] * 2
    provider.settle(STARTED, "نص آخر")
    assert len(server.requests) == 3, "what a message adds is measured once"


@pytest.mark.parametrize("script", [status(429), status(500), json_reply({"unheard": "of"})])
def test_what_nobody_can_count_is_estimated_on_the_dear_side(claude: ServeClaude, script: Script) -> None:
    _, provider = claude(script)
    billed = provider.settle(STARTED, "ب" * 100)
    assert billed == Billed(Usage(input=10, output=50, cache_read=500), UsageSource.ESTIMATED)


def test_a_reply_without_a_word_needs_no_counting(claude: ServeClaude) -> None:
    server, provider = claude(status(500))
    assert provider.settle(STARTED, " \n") == Billed(STARTED.usage, UsageSource.COUNTED)
    assert server.requests == []


def test_openrouters_record_is_waited_for_a_moment_and_then_estimated(
    make: Make, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.usage_recovery._LOOKS_AFTER_S", (0.0, 0.01))
    billed = make("openrouter").settle(STARTED, "ب" * 100)
    assert billed.usage_source is UsageSource.ESTIMATED
