"""A call's turn through the whole source: what is never sent, and what a fleet does when Claude dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis import Redis

from generation.cancellation import CancellationSignal
from generation.errors import CircuitOpen, ProviderMisused, ProviderThrottled, ProviderUnreachable
from generation.model import Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import READY
from providers.cache_warmup import WarmUpRules
from providers.fallback import OrderedFallback
from tests.integration.providers.test_with_the_simulator import ask, prompt_for
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator
from tools.studies.economics.fleet import Memory, Site, chains_of, claim_of, run
from tools.studies.economics.outage import DEATH

NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(seed=1, speed=60) as simulator:
        yield simulator


@pytest.fixture
def chains(simulator: RunningSimulator, redis_url: str) -> Iterator[list[OrderedFallback]]:
    """Four workers that know of each other through Redis alone."""
    with chains_of(Site(simulator.url, redis_url, "test:", processes=0, chains=4)) as chains:
        yield chains


def test_when_claude_dies_in_mid_stream_the_fallback_finishes_and_nothing_is_lost_or_repeated(
    simulator: RunningSimulator, chains: list[OrderedFallback]
) -> None:
    simulator.faults.extend(DEATH)
    plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=5)
    memories = [Memory() for _ in range(8)]

    def fill(number: int) -> str:
        claim = claim_of(plan, plan.batches[0], memories[number], Urgency.INTERACTIVE)
        return run(chains[number % 4], claim, memories[number], lanes).outcome

    with ThreadPoolExecutor(8) as lanes, ThreadPoolExecutor(8) as runs:
        assert list(runs.map(fill, range(8))) == [READY] * 8
    for memory in memories:
        assert sorted(memory.questions) == list(range(10))
        assert memory.repeated == 0
        assert len({question.fingerprint for question in memory.questions.values()}) == 10
    kept = [
        attempt.accepted for memory in memories for attempt in memory.attempts if attempt.provider == "claude"
    ]
    assert sum(kept) > 0, "what Claude had finished is not written again"
    picked = [fallback.pick(NOBODY) for fallback in chains]
    assert [provider and provider.name for provider in picked] == ["openrouter"] * 4


FILTERED = "Output blocked by content filtering policy"
FILTER = {
    "before the first token": Fault("http", status=400, message=FILTERED),
    "at the first token": Fault(
        "error_event", after_chars=0, error_type="invalid_request_error", message=FILTERED
    ),
    "after it": Fault("error_event", after_chars=40, error_type="invalid_request_error", message=FILTERED),
}


@pytest.mark.parametrize("when", FILTER)
@pytest.mark.parametrize("urgency", list(Urgency))
def test_a_filter_that_hits_one_slot_closes_claude_to_nobody(
    simulator: RunningSimulator, chains: list[OrderedFallback], when: str, urgency: Urgency
) -> None:
    """Everybody's batch has the slot, so that Claude refuses many calls in a row."""
    simulator.faults.append(replace(FILTER[when], route="anthropic", contains='{"slot":3,'))
    plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=5)
    memories = [Memory() for _ in range(8)]

    def fill(number: int) -> str:
        claim = claim_of(plan, plan.batches[0], memories[number], urgency)
        return run(chains[number % 4], claim, memories[number], lanes).outcome

    with ThreadPoolExecutor(8) as lanes, ThreadPoolExecutor(8) as runs:
        assert list(runs.map(fill, range(8))) == [READY] * 8
    assert all(len(memory.questions) == 10 for memory in memories)
    outcomes = [attempt.outcome for memory in memories for attempt in memory.attempts]
    assert outcomes.count("content_filtered") >= 8
    picked = [fallback.pick(NOBODY) for fallback in chains]
    assert [provider and provider.name for provider in picked] == ["claude"] * 4


def test_a_call_that_waited_while_its_source_was_found_dead_is_not_made(
    simulator: RunningSimulator, chains: list[OrderedFallback], redis_client: Redis
) -> None:
    waiting, teller = chains[:2]
    provider = waiting.providers[0]
    provider._rate_limiter.learn(429, {"retry-after": "1.5"})
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(ask, provider, prompt_for(1))
        for _ in range(3):
            teller.report("claude", ProviderUnreachable(provider="claude"))
        with pytest.raises(CircuitOpen):
            call.result(timeout=30)
    assert simulator.requests == []


def test_what_the_solver_meets_keeps_nobody_from_writing(chains: list[OrderedFallback]) -> None:
    """A model that is not there answers every opinion with an error; the exam is another model's."""
    for fallback in (*chains, chains[0]):
        assert fallback.pick_solver() is not None
        fallback.report_solver(ProviderMisused(provider="claude"))
    assert [fallback.pick_solver() for fallback in chains] == [None] * 4
    provider = chains[0].pick(NOBODY)
    assert provider is not None
    assert provider.name == "claude"


def test_a_call_that_cannot_be_booked_gives_its_turn_back(
    simulator: RunningSimulator, chains: list[OrderedFallback]
) -> None:
    """Postgres may be away when the turn has come: the fleet must not wait for this call's reply to begin."""
    provider, other = (fallback.providers[0] for fallback in chains[:2])

    def fail() -> None:
        raise ConnectionError

    with (
        pytest.raises(ConnectionError),
        provider.stream(prompt_for(1), CancellationSignal(), urgency=Urgency.PREFETCH, before_sending=fail),
    ):
        pytest.fail("the call was made")
    assert simulator.requests == []
    began = time.monotonic()
    ask(other, prompt_for(1))
    assert time.monotonic() - began < WarmUpRules().lead_s, "nobody waits for a leader that was never sent"


def test_a_call_is_not_sent_into_a_pause(simulator: RunningSimulator, chains: list[OrderedFallback]) -> None:
    """Somebody is told to wait longer than this call may, while it waits for its turn."""
    provider = chains[0].providers[0]
    provider._rate_limiter.learn(429, {"retry-after": "1.5"})
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(ask, provider, prompt_for(1))
        provider._rate_limiter.learn(429, {"retry-after": "40"})
        with pytest.raises(ProviderThrottled) as caught:
            call.result(timeout=30)
    assert simulator.requests == []
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 30
