from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import (
    CircuitOpen,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    StreamCut,
)
from providers.breaker_rules import BreakerRules, Change, LocalBreaker

RULES = BreakerRules()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def unreachable() -> ProviderError:
    return ProviderUnreachable(provider="claude")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> LocalBreaker:
    return LocalBreaker(RULES, clock=clock)


def test_a_source_nobody_has_asked_may_be_asked(health: LocalBreaker) -> None:
    assert health.may_be_asked("claude")


def test_a_busy_source_rests_for_as_long_as_it_says(health: LocalBreaker, clock: Clock) -> None:
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=7))
    clock.now += 6.9
    assert not health.may_be_asked("claude")
    clock.now += 0.2
    assert health.may_be_asked("claude")


def test_a_wait_of_hours_is_capped(health: LocalBreaker, clock: Clock) -> None:
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=86_400))
    clock.now += RULES.longest_asked_open_s
    assert health.may_be_asked("claude")


def test_a_single_break_rests_nobody(health: LocalBreaker) -> None:
    health.note("claude", StreamCut(provider="claude"))
    health.note("claude", unreachable())
    assert health.may_be_asked("claude")


def test_each_probe_that_fails_rests_the_source_longer(health: LocalBreaker, clock: Clock) -> None:
    rests = []
    for _ in range(8):
        health.note("claude", unreachable())
        began = clock.now
        while not health.may_be_asked("claude"):
            clock.now += 1
        rests.append(clock.now - began)
    assert rests == [0, 0, 2, 4, 8, 15, 15, 15]


def test_many_calls_that_break_at_once_open_the_source_once(health: LocalBreaker, clock: Clock) -> None:
    changes = [health.judge("claude", unreachable()) for _ in range(200)]
    assert changes.count(Change.OPENED) == 1
    clock.now += RULES.first_open_s
    assert health.may_be_asked("claude")


def test_after_a_rest_one_caller_alone_may_try(health: LocalBreaker, clock: Clock) -> None:
    for _ in range(3):
        health.note("claude", unreachable())
    clock.now += RULES.first_open_s
    assert [health.may_be_asked("claude") for _ in range(5)] == [True, False, False, False, False]
    clock.now += RULES.probe_s
    assert health.may_be_asked("claude"), "a probe that never ends must not close the source for ever"


def test_a_probe_that_went_well_opens_the_way_for_all(health: LocalBreaker, clock: Clock) -> None:
    for _ in range(3):
        health.note("claude", unreachable())
    clock.now += RULES.first_open_s
    assert health.may_be_asked("claude")
    assert health.judge("claude", None) is Change.CLOSED
    assert all(health.may_be_asked("claude") for _ in range(5))


def test_an_old_call_that_ends_well_does_not_close_the_source(health: LocalBreaker, clock: Clock) -> None:
    for _ in range(3):
        health.note("claude", unreachable())
    health.note("claude", None)
    assert not health.may_be_asked("claude")


def test_a_call_that_went_well_forgets_the_failures(health: LocalBreaker) -> None:
    for _ in range(2):
        health.note("claude", unreachable())
    health.note("claude", None)
    health.note("claude", unreachable())
    assert health.may_be_asked("claude")


def test_a_source_that_denies_us_rests_at_once(health: LocalBreaker, clock: Clock) -> None:
    health.note("claude", ProviderDenied(provider="claude"))
    assert not health.may_be_asked("claude")
    clock.now += RULES.denied_open_s
    assert health.may_be_asked("claude")


@pytest.mark.parametrize("kind", [ProviderRefused, ProviderThrottled, CircuitOpen])
def test_what_is_about_one_request_says_nothing_about_the_source(
    health: LocalBreaker, kind: type[ProviderError]
) -> None:
    for _ in range(10):
        health.note("claude", kind(provider="claude"))
    assert health.may_be_asked("claude")


def test_a_row_of_misuses_stops_the_queue_and_a_few_do_not(health: LocalBreaker, clock: Clock) -> None:
    """An account's own spend limit is answered as a bad request: only the row of them tells."""
    changes = [health.judge("claude", ProviderMisused(provider="claude")) for _ in range(5)]
    assert changes == [None, None, None, None, Change.OPENED]
    clock.now += RULES.denied_open_s - 1
    assert not health.may_be_asked("claude")


def test_a_call_that_went_well_ends_the_row_of_misuses(health: LocalBreaker) -> None:
    for _ in range(4):
        health.note("claude", ProviderMisused(provider="claude"))
    health.note("claude", None)
    health.note("claude", ProviderMisused(provider="claude"))
    assert health.may_be_asked("claude")


def test_a_failure_that_comes_late_does_not_shorten_the_rest(health: LocalBreaker, clock: Clock) -> None:
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=30))
    health.note("claude", unreachable())
    clock.now += 29
    assert not health.may_be_asked("claude")


def test_sources_rest_apart(health: LocalBreaker) -> None:
    health.note("claude", ProviderDenied(provider="claude"))
    assert health.may_be_asked("openrouter")


@given(st.lists(st.sampled_from([None, *range(5)]), max_size=60))
def test_no_history_rests_a_source_for_longer_than_the_longest_rest(history: list[int | None]) -> None:
    clock = Clock()
    health = LocalBreaker(RULES, clock=clock)
    errors: list[ProviderError] = [
        unreachable(),
        StreamCut(provider="c"),
        ProviderDenied(provider="c"),
        ProviderBusy(provider="c", retry_after_s=1e9),
        ProviderBusy(provider="c"),
    ]
    for choice in history:
        health.note("c", None if choice is None else errors[choice])
    clock.now += max(RULES.longest_asked_open_s, RULES.denied_open_s)
    assert health.may_be_asked("c")
