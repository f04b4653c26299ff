"""Runs in several lanes: while a student waits, all open slots are asked for at the same time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.cancellation import StopReason
from generation.errors import (
    FenceLost,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    StreamCut,
)
from generation.model import Urgency
from generation.run_batch import PROVIDERS_UNAVAILABLE, READY, RunResult
from generation.run_events import ProviderGivenUp
from tests.support.scripted import ScriptedFallback, ScriptedProvider, everything
from tests.unit.generation.test_run_batch import Bench, failing, make_claim


@pytest.mark.parametrize("lanes", [2, 5, 10])
@pytest.mark.parametrize("batch_index", [0, 6])
def test_lanes_fill_a_batch_together(batch_index: int, lanes: int) -> None:
    provider = ScriptedProvider()
    bench = Bench(provider, claim=make_claim(batch_index))
    assert bench.run(lanes=lanes) == RunResult(READY, bench.claim.batch.size)
    assert 1 < len(provider.prompts) <= lanes
    assert sorted(slot for asked in provider.asked() for slot in asked) == sorted(bench.store.questions)
    assert len(bench.ledger.attempts) == len(provider.prompts)


def test_what_one_lane_leaves_open_is_asked_for_in_the_next_round() -> None:
    cut = failing(StreamCut(provider="claude"))
    third_fails = [lambda specs: cut(specs) if specs[0]["slot"] == 3 else everything(specs)]
    provider = ScriptedProvider([*third_fails * 10, everything])
    bench = Bench(provider)
    assert bench.run(lanes=10) == RunResult(READY, 10)
    assert provider.asked()[10:] == [[3]]


@given(
    fails_at=st.sets(st.integers(0, 9), min_size=1, max_size=9),
    error=st.sampled_from(
        [
            ProviderBusy(provider="claude"),
            ProviderUnreachable(provider="claude"),
            StreamCut(provider="claude"),
            ProviderRefused(provider="claude"),
        ]
    ),
)
@settings(max_examples=30)
def test_while_one_lane_succeeds_errors_in_other_lanes_do_not_give_up_the_provider(
    fails_at: set[int], error: ProviderError
) -> None:
    """With 3 % of overloaded answers, every fourth batch of ten lanes would be released or paid for elsewhere."""
    fails = failing(error)
    unlucky = ScriptedProvider(
        [lambda specs: fails(specs) if specs[0]["slot"] in fails_at else everything(specs)] * 10
        + [everything]
    )
    other = ScriptedProvider(name="openrouter")
    bench = Bench(unlucky, other)
    assert bench.run(lanes=10) == RunResult(READY, 10)
    assert sorted(slot for asked in unlucky.asked()[10:] for slot in asked) == sorted(fails_at)
    assert other.prompts == []
    assert bench.run_events.of(ProviderGivenUp) == []


@pytest.mark.parametrize("error", [ProviderDenied(provider="claude"), ProviderThrottled(provider="claude")])
def test_an_error_of_the_provider_as_a_whole_counts_for_every_lane(error: ProviderError) -> None:
    fails = failing(error)
    provider = ScriptedProvider(
        [lambda specs: fails(specs) if specs[0]["slot"] == 3 else everything(specs)] * 10
    )
    other = ScriptedProvider(name="openrouter")
    assert Bench(provider, other).run(lanes=10) == RunResult(READY, 10)
    assert other.asked() == [[3]]


def test_a_provider_that_serves_no_lane_is_left_for_the_next() -> None:
    down = ScriptedProvider([failing(ProviderBusy(provider="claude"))])
    other = ScriptedProvider(name="openrouter")
    assert Bench(down, other).run(lanes=10) == RunResult(READY, 10)
    assert len(down.prompts) == 10


def test_a_prefetch_has_one_lane() -> None:
    """Each lane costs a user message, and no student waits for a prefetch."""
    claim = replace(make_claim(1), urgency=Urgency.PREFETCH)
    provider = ScriptedProvider()
    assert Bench(provider, claim=claim).run(lanes=10).outcome == READY
    assert len(provider.prompts) == 1


def test_a_lane_that_loses_the_fence_stops_the_others() -> None:
    provider = ScriptedProvider(chunk=1)
    bench = Bench(provider)
    bench.store.refuse = lambda question: FenceLost() if question.slot.position == 4 else None
    assert bench.run(lanes=10).outcome == FenceLost.code
    assert bench.stop.reason is StopReason.LANE_FAILED
    assert "open" not in bench.ledger.outcomes()


class Open(ScriptedFallback):
    """No provider is available for the first `looks` picks."""

    def __init__(self, provider: ScriptedProvider, looks: int) -> None:
        super().__init__([provider])
        self.looks = looks

    def pick(self, excluded: frozenset[str]) -> ScriptedProvider | None:
        self.looks -= 1
        return None if self.looks >= 0 else super().pick(excluded)


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps of the run, recorded without waiting."""
    slept: list[float] = []
    monkeypatch.setattr("generation.run_batch.time.sleep", slept.append)
    return slept


def test_a_run_waits_for_a_breaker_that_is_open_only_for_a_moment(passing_time: list[float]) -> None:
    """One busy answer opens the breaker for half a second; queueing the batch again would take several."""
    bench = Bench(ScriptedProvider())
    bench.providers = Open(ScriptedProvider(), looks=3)
    assert bench.run(lanes=10) == RunResult(READY, 10)
    assert len(passing_time) == 3


def test_a_prefetch_does_not_wait_for_an_open_breaker(passing_time: list[float]) -> None:
    bench = Bench(claim=replace(make_claim(1), urgency=Urgency.PREFETCH))
    bench.providers = Open(ScriptedProvider(), looks=3)
    assert bench.run() == RunResult(PROVIDERS_UNAVAILABLE, 0)
    assert passing_time == []


def test_a_run_that_waits_for_an_open_breaker_stops_when_it_is_asked_to(passing_time: list[float]) -> None:
    bench = Bench()
    bench.providers = Open(ScriptedProvider(), looks=3)
    bench.stop.ask(StopReason.SHUTDOWN)
    assert bench.run(lanes=10) == RunResult(StopReason.SHUTDOWN, 0)
    assert passing_time == []
