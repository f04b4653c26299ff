"""The ends of a run: reported once, with the count of committed questions and correct reports about providers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.call import CRASHED
from generation.cancellation import StopReason
from generation.errors import (
    FenceLost,
    GenerationError,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    SessionClosed,
    StreamCut,
)
from generation.model import Question, Urgency
from generation.model_call import AttemptRecord
from generation.run_batch import PROVIDERS_UNAVAILABLE, READY, RunResult
from generation.run_events import RunEnded
from tests.support.scripted import MemoryLedger, ScriptedFallback, ScriptedProvider, everything
from tests.unit.generation.test_run_batch import Bench, failing, make_claim


class _Defective(ScriptedFallback):
    def pick(self, excluded: frozenset[str]) -> ScriptedProvider | None:
        raise ZeroDivisionError


def reported_end(bench: Bench) -> tuple[str, int]:
    [ended] = bench.run_events.of(RunEnded)
    return ended.outcome, ended.accepted


class _Away(MemoryLedger):
    """A ledger that cannot be written to when an attempt begins, or when it ends."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self._when = when

    def open(self, attempt: AttemptRecord) -> None:
        if self._when == "open":
            raise ConnectionError
        super().open(attempt)

    def close(self, attempt: AttemptRecord) -> None:
        super().close(attempt)
        if self._when == "close":
            raise ConnectionError


@pytest.mark.parametrize("lanes", [1, 10])
def test_a_run_whose_store_fails_keeps_count_of_what_it_had_committed(lanes: int) -> None:
    """Nine committed questions are progress even if the tenth fails; only five runs without progress fail a batch."""
    bench = Bench(ScriptedProvider(chunk=10_000))

    def fail_late(question: Question) -> GenerationError | None:
        if len(bench.store.questions) >= 3:
            raise ConnectionError
        return None

    bench.store.refuse = fail_late
    result = bench.run(lanes=lanes)
    kept = len(bench.store.questions)
    assert kept >= 3
    assert (result.outcome, result.accepted) == (CRASHED, kept)
    assert isinstance(result.error, ConnectionError)
    assert reported_end(bench) == (CRASHED, kept)
    assert "open" not in bench.ledger.outcomes()


@pytest.mark.parametrize(("when", "accepted"), [("open", 0), ("close", 10)])
def test_a_run_whose_ledger_fails_says_so_and_keeps_count(when: str, accepted: int) -> None:
    bench = Bench(ScriptedProvider())
    bench.ledger = _Away(when)
    result = bench.run()
    assert (result.outcome, result.accepted) == (CRASHED, accepted)
    assert isinstance(result.error, ConnectionError)
    assert reported_end(bench) == (CRASHED, accepted)


@pytest.mark.parametrize("lanes", [1, 10])
@pytest.mark.parametrize("error", [FenceLost(), SessionClosed()])
def test_a_run_that_may_not_write_says_so_and_keeps_count(error: GenerationError, lanes: int) -> None:
    bench = Bench(ScriptedProvider(chunk=10_000))
    bench.store.refuse = lambda question: error if len(bench.store.questions) >= 2 else None
    result = bench.run(lanes=lanes)
    assert result == RunResult(error.code, len(bench.store.questions))
    assert reported_end(bench) == (error.code, result.accepted)


def test_a_defect_ends_the_run_and_is_reported() -> None:
    bench = Bench(ScriptedProvider())
    bench.providers = _Defective(bench.providers.providers)
    assert isinstance(bench.run().error, ZeroDivisionError)
    assert reported_end(bench) == (CRASHED, 0)


@pytest.mark.parametrize("after", [0, 3])
def test_a_call_that_was_stopped_is_not_reported_about_its_provider(after: int) -> None:
    """A stopped stream ends without an error: reported as success, it would close the breaker for all workers."""
    bench = Bench(ScriptedProvider())

    def stop(_: int) -> None:
        if len(bench.store.questions) == after:
            bench.stop.set(StopReason.DEADLINE)

    bench.providers.providers[0].during = stop
    assert bench.run() == RunResult(StopReason.DEADLINE, after)
    assert bench.providers.reports == []


@pytest.mark.parametrize(
    "error",
    [
        ProviderRefused(provider="claude"),
        ProviderBusy(provider="claude", retry_after_s=2),
        ProviderMisused(provider="claude"),
        StreamCut(provider="claude"),
    ],
)
def test_every_failed_call_is_reported_and_so_is_one_that_went_well(error: ProviderError) -> None:
    bench = Bench(ScriptedProvider([failing(error), everything]))
    bench.run(max_rounds=2)
    # A refused reply is asked for in two halves.
    calls = {ProviderRefused: 2, StreamCut: 1}.get(type(error), 0)
    well = [("claude", None)] * calls
    assert bench.providers.reports == [("claude", error.code), *well]


def test_a_throttled_call_is_reported() -> None:
    error = ProviderThrottled(provider="claude", retry_after_s=4)
    bench = Bench(ScriptedProvider(refuses=error))
    assert bench.run().outcome == PROVIDERS_UNAVAILABLE
    assert bench.providers.reports == [("claude", error.code)]
    assert bench.ledger.attempts == {}


@pytest.mark.parametrize(
    ("claude", "openrouter", "wait_s"),
    [
        (ProviderBusy(provider="claude", retry_after_s=60), ProviderBusy(provider="o", retry_after_s=1), 1),
        (ProviderBusy(provider="claude", retry_after_s=7), ProviderBusy(provider="o", retry_after_s=9), 7),
        (ProviderBusy(provider="claude", retry_after_s=60), ProviderUnreachable(provider="o"), None),
        (ProviderThrottled(provider="claude", retry_after_s=4), ProviderDenied(provider="o"), None),
        (ProviderBusy(provider="claude"), ProviderBusy(provider="o"), None),
    ],
)
def test_the_next_run_waits_for_the_provider_that_is_back_first(
    claude: ProviderError, openrouter: ProviderError, wait_s: float | None
) -> None:
    """A pause of a minute from Claude must not delay a call to OpenRouter, which asked for a second."""
    bench = Bench(
        ScriptedProvider([failing(claude)]), ScriptedProvider([failing(openrouter)], name="openrouter")
    )
    assert bench.run() == RunResult(PROVIDERS_UNAVAILABLE, 0, retry_after_s=wait_s)


def test_a_provider_is_not_called_for_the_longest_pause_that_one_of_its_lanes_received() -> None:
    waits = iter(range(1, 11))
    provider = ScriptedProvider(
        [lambda _: ("", ProviderBusy(provider="claude", retry_after_s=next(waits)))] * 10
    )
    assert Bench(provider).run(lanes=10).retry_after_s == 10


def test_the_next_run_does_not_wait_for_a_provider_that_recovered() -> None:
    busy = failing(ProviderBusy(provider="claude", retry_after_s=60))
    unlucky = [lambda specs: busy(specs) if specs[0]["slot"] == 3 else everything(specs)] * 10
    provider = ScriptedProvider([*unlucky, lambda _: ("", None)])
    assert Bench(provider).run(max_rounds=2, lanes=10).retry_after_s is None


def test_a_throttled_prefetch_runs_again_when_the_limits_allow_it() -> None:
    provider = ScriptedProvider(refuses=ProviderThrottled(provider="claude", retry_after_s=4))
    bench = Bench(provider, claim=replace(make_claim(), urgency=Urgency.PREFETCH))
    assert bench.run() == RunResult(ProviderThrottled.code, 0, retry_after_s=4)


def test_a_run_that_fills_every_slot_has_the_outcome_ready() -> None:
    bench = Bench(ScriptedProvider())
    assert bench.run() == RunResult(READY, 10)
    assert reported_end(bench) == (READY, 10)
