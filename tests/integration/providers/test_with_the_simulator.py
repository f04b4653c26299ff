"""The sources against the local Claude, which refuses, counts and bills as the real one does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from importlib import resources

import pytest

from generation.cancellation import CancellationSignal, StopReason
from generation.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderRefused,
    ProviderUnreachable,
    StreamCut,
    StreamStalled,
)
from generation.model_call import Prompt, StreamEnded, StreamEvent, StreamStarted, SystemBlock, Usage
from providers.claude import make_claude
from providers.messages_client import MessagesClient
from providers.model_check import check_model
from providers.openrouter import make_openrouter
from providers.profiles import known_profiles
from runtime.settings import ClaudeSettings, OpenRouterSettings
from tests.support.promptness import in_the_quickest_of_three, require_within
from tests.support.providers import end_of, text_of
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator

#: Long enough that every model caches it.
RULES = "\n".join(f"القاعدة {number}: لكل سؤال مفتاح واحد بين أربعة خيارات مختلفة." for number in range(700))


def prompt_for(slots: int = 3, rules: str = RULES) -> Prompt:
    wanted = [
        {
            "slot": slot,
            "type": "mcq",
            "section": "quantitative",
            "topic": "algebra",
            "subtopic": "معادلات",
            "difficulty": "easy",
            "angle": "السوق",
        }
        for slot in range(slots)
    ]
    lines = "\n".join(json.dumps(slot, ensure_ascii=False) for slot in wanted)
    return Prompt((SystemBlock(rules, cached=True),), f"اكتب:\n{lines}", max_tokens=8000)


def ask(
    provider: MessagesClient,
    prompt: Prompt | None = None,
    *,
    stop: CancellationSignal | None = None,
    into: list[StreamEvent] | None = None,
) -> list[StreamEvent]:
    events: list[StreamEvent] = [] if into is None else into
    with provider.stream(prompt or prompt_for(), stop or CancellationSignal()) as stream:
        events.extend(stream)
    return events


def cost_of(provider: MessagesClient, events: list[StreamEvent]) -> Decimal:
    started = events[0]
    assert isinstance(started, StreamStarted)
    return provider.cost_microdollars(started.model, end_of(events).usage)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=100, jitter=0) as simulator:
        yield simulator


@pytest.fixture
def make(simulator: RunningSimulator, cleanup: ExitStack) -> Callable[..., MessagesClient]:
    def make(*, stall_timeout_s: float = 5, **settings: str) -> MessagesClient:
        provider = make_claude(
            ClaudeSettings.model_validate({"claude_base_url": simulator.url} | settings),
            stall_timeout_s=stall_timeout_s,
            deadline_s=20,
        )
        cleanup.callback(provider.close)
        return provider

    return make


Make = Callable[..., MessagesClient]


def test_questions_come_in_the_order_they_were_asked_for(make: Make) -> None:
    events = ask(make(), prompt_for(slots=5))
    lines = [json.loads(line) for line in text_of(events).splitlines() if line.strip()]
    assert [line["slot"] for line in lines] == [0, 1, 2, 3, 4]


def test_the_first_call_writes_the_prefix_and_the_next_one_reads_it(make: Make) -> None:
    provider = make()
    first, second = end_of(ask(provider)).usage, end_of(ask(provider)).usage
    assert (first.cache_read, first.cache_write_5m) == (0, 0)
    assert first.cache_write_1h > 4096
    assert (second.cache_read, second.cache_written) == (first.cache_write_1h, 0)


def test_a_prefix_asked_for_five_minutes_is_billed_as_one(make: Make) -> None:
    usage = end_of(ask(make(claude_cache_ttl="5m"))).usage
    assert usage.cache_write_1h == 0
    assert usage.cache_write_5m > 4096


@pytest.mark.parametrize("effort", ["low", "high"])
@pytest.mark.parametrize("model", [profile.name for profile in known_profiles()])
def test_every_model_takes_our_request_and_bills_what_we_counted(
    make: Make, simulator: RunningSimulator, model: str, effort: str
) -> None:
    provider = make(claude_model=model, claude_effort=effort)
    costs = [cost_of(provider, ask(provider)) for _ in range(2)]
    assert [entry.cost_microdollars for entry in simulator.bill().entries] == costs
    assert costs[1] < costs[0]


def test_the_ledger_adds_up_to_the_bill(make: Make, simulator: RunningSimulator) -> None:
    provider = make()
    with ThreadPoolExecutor(8) as lanes:
        replies = list(lanes.map(lambda slots: ask(provider, prompt_for(slots)), [1, 2, 3, 4, 5, 6, 7, 8]))
    assert sum(cost_of(provider, reply) for reply in replies) == simulator.bill().total_microdollars


def test_our_price_list_is_the_simulators() -> None:
    text = resources.files("tools.simulator").joinpath("prices.json").read_text(encoding="utf-8")
    theirs = json.loads(text)["models"]
    renamed = {
        "input": "input",
        "output": "output",
        "write_5m": "cache_write_5m",
        "write_1h": "cache_write_1h",
        "read": "cache_read",
    }
    for profile in known_profiles():
        row = theirs[profile.name]
        rates, long_prompt = profile.prices.rates, profile.prices.long_prompt
        assert {ours: Decimal(row[their]) for their, ours in renamed.items()} == vars_of(rates)
        assert (long_prompt is None) == ("above" not in row)
        if long_prompt is not None:
            above = row["above"]
            assert above["prompt_tokens"] == long_prompt.above_tokens
            assert {ours: Decimal(above[their]) for their, ours in renamed.items()} == vars_of(
                long_prompt.rates
            )


def vars_of(rates: object) -> dict[str, Decimal]:
    return {name: value for name, value in vars(rates).items() if isinstance(value, Decimal)}


@in_the_quickest_of_three
def test_a_stop_signal_ends_a_running_stream_at_once_and_the_bill_with_it(
    make: Make, simulator: RunningSimulator
) -> None:
    simulator.config.update({"speed": 1, "ttft_s": 0.05})
    provider, stop, began = make(), CancellationSignal(), threading.Event()
    moments: list[float] = []

    def set_it() -> None:
        began.wait()
        time.sleep(0.3)
        moments.append(time.monotonic())
        stop.set(StopReason.LEASE_LOST)

    thread = threading.Thread(target=set_it)
    thread.start()
    with provider.stream(prompt_for(10), stop) as stream:
        for event in stream:
            began.set()
            assert not isinstance(event, StreamEnded)
    require_within(0.2, since=moments[0])
    thread.join()
    _until(lambda: simulator.open_streams == 0 and bool(simulator.bill().entries))
    assert {entry.outcome for entry in simulator.bill().entries} == {"client_gone"}


def _until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stalled_stream_is_given_up_and_keeps_its_questions(
    make: Make, simulator: RunningSimulator
) -> None:
    simulator.config.update({"ping_s": 2})
    simulator.faults.append(Fault("stall", after_questions=2))
    events: list[StreamEvent] = []
    began = time.monotonic()
    with pytest.raises(StreamStalled):
        ask(make(stall_timeout_s=0.5), into=events)
    assert time.monotonic() - began >= 0.5
    assert len(text_of(events).splitlines()) == 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("overloaded"), ProviderBusy),
        (Fault("rate_limit", retry_after=3), ProviderBusy),
        (Fault("http", status=500, error_type="api_error"), ProviderUnreachable),
        (Fault("http", status=401, error_type="authentication_error"), ProviderDenied),
        (Fault("reset_early"), ProviderUnreachable),
        (Fault("error_event", after_questions=1), ProviderBusy),
        (Fault("cut", after_questions=1, after_chars=9), StreamCut),
        (Fault("reset", after_questions=1), StreamCut),
        (Fault("no_stop", after_questions=1), StreamCut),
        (Fault("refusal", after_questions=1), ProviderRefused),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_each_fault_is_told_as_what_it_is(
    make: Make, simulator: RunningSimulator, fault: Fault, expected: type[ProviderError]
) -> None:
    simulator.faults.append(fault)
    with pytest.raises(expected):
        ask(make())
    assert len(simulator.requests) == 1


def test_a_refusal_is_billed_as_it_says(make: Make, simulator: RunningSimulator) -> None:
    simulator.faults.append(Fault("refusal", after_questions=1))
    provider = make()
    with pytest.raises(ProviderRefused) as caught:
        ask(provider)
    usage = caught.value.usage
    assert isinstance(usage, Usage)
    assert provider.cost_microdollars(provider.model, usage) == simulator.bill().total_microdollars


def test_a_reply_that_ran_out_of_tokens_ends_normally_and_is_billed(
    make: Make, simulator: RunningSimulator
) -> None:
    simulator.faults.append(Fault("max_tokens", after_questions=2))
    provider = make()
    events = ask(provider)
    assert end_of(events).stop_reason == "max_tokens"
    assert cost_of(provider, events) == simulator.bill().total_microdollars


def test_too_many_requests_say_when_to_come_back(make: Make, simulator: RunningSimulator) -> None:
    simulator.config.update({"rpm": 1})
    provider = make()
    ask(provider)
    with pytest.raises(ProviderBusy) as caught:
        ask(provider)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("enforced", ProviderDenied), ("contract", ProviderDenied), ("own", ProviderDenied)],
)
def test_a_spent_budget_is_no_matter_of_waiting(
    make: Make, simulator: RunningSimulator, kind: str, expected: type[ProviderError]
) -> None:
    simulator.config.update({"spend_limit_usd": Decimal(0), "spend_limit_kind": kind})
    with pytest.raises(expected):
        ask(make())


@pytest.mark.parametrize("done", [True, False])
def test_the_fallback_writes_the_same_questions_and_is_billed_alike(
    simulator: RunningSimulator, cleanup: ExitStack, done: bool
) -> None:
    simulator.config.update({"openrouter_done": done})
    provider = make_openrouter(
        OpenRouterSettings.model_validate(
            {"openrouter_api_key": "or-key", "openrouter_base_url": simulator.openrouter_url}
        ),
        ClaudeSettings.model_validate({}),
        stall_timeout_s=5,
        deadline_s=10,
    )
    assert provider is not None
    cleanup.callback(provider.close)
    events = ask(provider)
    assert len(text_of(events).splitlines()) == 3
    assert cost_of(provider, events) == simulator.bill().of_route("openrouter")


@pytest.mark.parametrize(
    ("model", "stops", "says"),
    [
        ("claude-sonnet-5-5", False, None),
        ("claude-sonnet-4-5", False, "2026-11-30"),
        ("claude-sonnet-4-5-20250514", True, "does not exist"),
        ("claude-sonnet-4-20250514", True, "retired"),
    ],
)
def test_the_check_at_start_knows_the_catalogue(
    make: Make, simulator: RunningSimulator, model: str, stops: bool, says: str | None
) -> None:
    check = check_model(make(claude_model=model))
    assert (check.stop is not None) is stops
    said = " ".join(filter(None, [check.stop, *check.warnings]))
    assert said == "" if says is None else says in said


def test_many_streams_share_one_client(make: Make, simulator: RunningSimulator) -> None:
    provider = make()
    ask(provider)
    with ThreadPoolExecutor(40) as threads:
        replies = list(threads.map(lambda _: ask(provider), range(80)))
    assert all(end_of(reply).stop_reason == "end_turn" for reply in replies)
    assert all(end_of(reply).usage.cache_read > 0 for reply in replies)
