"""What is known of a reply that we stopped ourselves."""

from __future__ import annotations

import time
from collections.abc import Callable

from generation.cancellation import CancellationSignal, StopReason
from generation.model_call import StreamEvent, StreamStarted, UsageSource
from providers.claude import make_claude
from runtime.settings import ClaudeSettings
from tests.integration.providers.test_with_the_simulator import prompt_for
from tests.support.providers import text_of
from tools.simulator.running import RunningSimulator


def test_a_reply_that_we_stopped_is_counted_as_far_as_it_reached_us() -> None:
    """What was on its way when we hung up is billed and cannot be known: little, and never too much noted."""
    events: list[StreamEvent] = []
    stop = CancellationSignal()
    with RunningSimulator(speed=1) as simulator:  # what is on its way grows with the time we take to hang up
        simulator.config.update({"ttft_s": 0.05})
        settings = ClaudeSettings.model_validate({"claude_base_url": simulator.url})
        provider = make_claude(settings, stall_timeout_s=5, deadline_s=20)
        with provider.stream(prompt_for(10), stop) as stream:
            for event in stream:
                events.append(event)
                if len(events) == 20:
                    stop.set(StopReason.LEASE_LOST)
        assert isinstance(events[0], StreamStarted)
        billed = provider.settle(events[0], text_of(events))
        until(lambda: bool(simulator.bill().entries))
        [entry] = simulator.bill().entries
        provider.close()
    assert (entry.outcome, billed.usage_source) == ("client_gone", UsageSource.COUNTED)
    assert 0 <= entry.tokens.output - billed.usage.output < 200


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
