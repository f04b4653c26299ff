"""What a process knows of its sources without Redis: a pause after each failure. With it: test_breaker."""

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
from generation.run_batch import _OPEN_WAITED_FOR_S
from providers.breaker_rules import BreakerRules
from providers.circuit_breaker import CircuitBreaker

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
def health(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(rules=RULES, clock=clock)


def paused_s(health: CircuitBreaker, clock: Clock) -> float:
    began = clock.now
    while not health.may_be_asked("claude"):
        assert health.is_open("claude")
        clock.now += 0.25
    assert not health.is_open("claude")
    return clock.now - began


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [
        (None, 0),
        (ProviderUnreachable(provider="claude"), RULES.pause_without_redis_s),
        (StreamCut(provider="claude"), RULES.pause_without_redis_s),
        (ProviderBusy(provider="claude"), RULES.busy_open_s),
        (ProviderBusy(provider="claude", retry_after_s=7), 7),
        (ProviderBusy(provider="claude", retry_after_s=86_400), RULES.longest_asked_open_s),
        (ProviderDenied(provider="claude"), RULES.denied_open_s),
        (ProviderRefused(provider="claude"), 0),
        (ProviderThrottled(provider="claude"), 0),
        (CircuitOpen(provider="claude"), 0),
        (ProviderMisused(provider="claude"), 0),
    ],
)
def test_a_source_is_left_alone_for_the_time_it_names_or_a_moment(
    health: CircuitBreaker, clock: Clock, error: ProviderError | None, pause_s: float
) -> None:
    health.note("claude", error)
    assert paused_s(health, clock) == pause_s


def test_failures_in_a_row_make_the_pause_no_longer(health: CircuitBreaker, clock: Clock) -> None:
    for _ in range(20):
        health.note("claude", unreachable())
    assert paused_s(health, clock) == RULES.pause_without_redis_s


def test_a_failure_that_comes_late_does_not_shorten_the_pause(health: CircuitBreaker, clock: Clock) -> None:
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=30))
    health.note("claude", unreachable())
    assert paused_s(health, clock) == 30


def test_a_call_that_began_before_and_ends_well_does_not_end_the_pause(health: CircuitBreaker) -> None:
    health.note("claude", unreachable())
    health.note("claude", None)
    assert health.is_open("claude")


def test_sources_rest_apart(health: CircuitBreaker) -> None:
    health.note("claude", ProviderDenied(provider="claude"))
    assert health.may_be_asked("openrouter")


def test_a_students_run_outlasts_the_pause_of_its_only_source() -> None:
    assert RULES.pause_without_redis_s < _OPEN_WAITED_FOR_S


@given(st.lists(st.sampled_from([None, *range(5)]), max_size=60))
def test_no_history_rests_a_source_for_longer_than_the_longest_rest(history: list[int | None]) -> None:
    clock = Clock()
    health = CircuitBreaker(rules=RULES, clock=clock)
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
