"""Runs against the local Claude and the local OpenRouter, at list prices: vain replies, and one filtered slot of ten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from generation.budget import CACHES, Budget
from generation.cancellation import CancellationSignal
from generation.model import Claim, Urgency
from generation.prompts.blocks import system_blocks
from generation.run_batch import READY, SLOTS_LEFT_OPEN, RunLimits, run_batch
from generation.run_events import SlotDeviated
from generation.verdicts import Purpose
from providers.fallback import OrderedFallback, make_fallback
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings
from tests.support.scripted import MemoryLedger, MemoryStore, RunEvents
from tests.unit.generation.test_run_batch import make_claim
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator

LANES = ThreadPoolExecutor(10)
LIMITS = GenerationSettings()
FILTER = "Output blocked by content filtering policy"
STUCK = 4


@pytest.fixture
def claude() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=100) as simulator:
        yield simulator


@pytest.fixture
def openrouter() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=100) as simulator:
        yield simulator


@pytest.fixture
def providers(claude: RunningSimulator, openrouter: RunningSimulator) -> Iterator[OrderedFallback]:
    chain = make_fallback(
        ClaudeSettings(anthropic_api_key="sk-ant-x", claude_base_url=claude.url),
        OpenRouterSettings(openrouter_api_key="sk-or-x", openrouter_base_url=openrouter.openrouter_url),
        LIMITS,
        traffic=TrafficSettings(),
    )
    yield chain
    chain.close()


class Bench:
    def __init__(self, providers: OrderedFallback, claim: Claim) -> None:
        self.providers, self.claim = providers, claim
        self.store, self.ledger, self.run_events = MemoryStore(), MemoryLedger(), RunEvents()

    def run(self) -> str:
        return run_batch(
            self.claim,
            providers=self.providers,
            store=self.store,
            ledger=self.ledger,
            observer=self.run_events,
            stop=CancellationSignal(),
            limits=RunLimits(LIMITS.generation_max_rounds_per_run, LIMITS.generation_lanes),
            lanes=LANES,
        ).outcome

    @property
    def microdollars(self) -> Decimal:
        return sum((attempt.cost_microdollars for attempt in self.ledger.attempts.values()), Decimal(0))

    def calls_to(self, name: str) -> int:
        """Without the answer check's."""
        written = [attempt for attempt in self.ledger.attempts.values() if attempt.purpose is Purpose.WRITE]
        return sum(attempt.provider == name for attempt in written)

    def allowed(self) -> Decimal:
        lanes = 10 if self.claim.urgency is Urgency.INTERACTIVE else 1
        budget = Budget(Decimal(3), 10, lanes)
        return max(
            budget.microdollars(provider, system_blocks(self.claim.batch.section))
            for provider in self.providers.providers
        )


VAIN = {
    "wholly rejected": {"reject_rate": 1.0},
    "broken JSON in every object": {"broken_rate": 1.0},
    "empty": {"missing_rate": 1.0},
}


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("shape", list(VAIN))
def test_the_fallback_fills_what_claude_writes_in_vain(
    providers: OrderedFallback, claude: RunningSimulator, shape: str, urgency: Urgency
) -> None:
    claude.config.update(VAIN[shape])
    bench = Bench(providers, replace(make_claim(), urgency=urgency))
    assert bench.run() == READY
    assert bench.calls_to("claude") <= (11 if urgency is Urgency.INTERACTIVE else 2)
    assert len(bench.ledger.attempts) <= 30
    assert bench.microdollars <= bench.allowed()


@pytest.mark.parametrize("shape", list(VAIN))
def test_when_both_write_in_vain_a_run_costs_less_than_the_budget(
    providers: OrderedFallback, claude: RunningSimulator, openrouter: RunningSimulator, shape: str
) -> None:
    for simulator in (claude, openrouter):
        simulator.config.update(VAIN[shape])
    bench = Bench(providers, make_claim())
    assert bench.run() in {SLOTS_LEFT_OPEN, "budget_exhausted"}
    assert len(bench.ledger.attempts) <= 22
    assert bench.microdollars <= bench.allowed()


def test_a_cache_that_the_provider_loses_does_not_use_up_the_budget(
    providers: OrderedFallback, claude: RunningSimulator
) -> None:
    assert Bench(providers, make_claim()).run() == READY  # from here on the prefix counts as warm
    claude.reset()
    claude.config.reject_rate = 0.4
    bench = Bench(providers, make_claim())
    assert bench.run() == READY
    assert sum(attempt.usage.cache_written > 0 for attempt in bench.ledger.attempts.values()) > CACHES
    assert bench.microdollars > bench.allowed()


FILTERS: dict[str, dict[str, Any]] = {
    "before": {"kind": "http", "status": 400, "error_type": "invalid_request_error"},
    "at the first token": {"kind": "error_event", "error_type": "invalid_request_error", "after_chars": 1},
    "after it": {"kind": "error_event", "error_type": "invalid_request_error", "after_chars": 60},
}


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("when", list(FILTERS))
def test_one_filtered_slot_of_ten_is_written_elsewhere_and_no_breaker_opens(
    providers: OrderedFallback, claude: RunningSimulator, when: str, urgency: Urgency
) -> None:
    """R6."""
    claude.faults.append(Fault(contains=f'"slot":{STUCK},', message=FILTER, **FILTERS[when]))
    bench = Bench(providers, replace(make_claim(), urgency=urgency))
    assert bench.run() == READY
    assert sorted(bench.store.questions) == list(range(10))
    assert bench.store.deviations == []
    assert bench.calls_to("openrouter") == 1
    assert providers.pick(frozenset()) is providers.providers[0]


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("when", list(FILTERS))
def test_a_slot_that_both_filter_is_replaced(
    providers: OrderedFallback,
    claude: RunningSimulator,
    openrouter: RunningSimulator,
    when: str,
    urgency: Urgency,
) -> None:
    bench = Bench(providers, replace(make_claim(), urgency=urgency))
    planned = bench.claim.open_slots[STUCK]
    line = f'"slot":{STUCK},"type":"{planned.question_type}","section":"{planned.section}","topic":"{planned.topic}","subtopic":"{planned.subtopic}"'
    for simulator in (claude, openrouter):
        simulator.faults.append(Fault(contains=line, message=FILTER, **FILTERS[when]))
    assert bench.run() == READY
    assert [event.position for event in bench.run_events.of(SlotDeviated)] == [STUCK]
    assert len(bench.ledger.attempts) <= 30
    assert providers.pick(frozenset()) is providers.providers[0]
