"""The breaker on a real Redis: its rules, and that all workers see them. Without Redis: unit/test_health."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from redis import Redis
from structlog.testing import capture_logs

from generation.errors import (
    CircuitOpen,
    ConnectionsExhausted,
    ContentFiltered,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    StaleConnection,
    StreamCut,
)
from providers.breaker_rules import BreakerRules, BreakerState
from providers.circuit_breaker import CircuitBreaker
from providers.redis_scripts import RedisScripts
from providers.telemetry import ProviderTelemetry
from runtime.metrics import Metrics
from runtime.redis import make_redis
from runtime.settings import RedisSettings
from tools.stack.embedded import EmbeddedRedis

RULES = BreakerRules()
#: Just longer than each of them.
FIRST_OPEN_S, PROBE_S, LONGEST_S = 2.1, 10.1, 60.1


class Clock:
    """The time of what lies in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def pass_s(self, seconds: float) -> None:
        """What was to happen then happens so much sooner."""
        for key in self._redis.scan_iter("test:breaker:*"):
            for field in ("until", "probe"):
                if int(float(self._redis.hget(key, field) or 0)):
                    self._redis.hincrby(key, field, -round(seconds * 1000))


def broken() -> ProviderError:
    return StreamCut(provider="claude")


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, socket_timeout=0.5) as client:
        yield client


@pytest.fixture
def worker(redis: Redis) -> Callable[[], CircuitBreaker]:
    """One worker more on the same Redis."""
    return lambda: CircuitBreaker(RedisScripts(redis, prefix="test:"), rules=RULES)


@pytest.fixture
def clock(redis: Redis) -> Clock:
    return Clock(redis)


@pytest.fixture
def health(worker: Callable[[], CircuitBreaker]) -> BreakerState:
    return worker()


def asked(health: BreakerState, times: int = 1) -> list[bool]:
    return [health.may_be_asked("claude") for _ in range(times)]


def fail(health: BreakerState, times: int = 3, error: Callable[[], ProviderError] = broken) -> None:
    for _ in range(times):
        health.note("claude", error())


def test_failures_in_a_row_open_it_and_single_ones_do_not(health: BreakerState) -> None:
    fail(health, 2)
    assert asked(health) == [True]
    health.note("claude", None)
    fail(health, 2)
    assert asked(health) == [True]
    fail(health, 1)
    assert asked(health) == [False]
    assert health.may_be_asked("openrouter")


def test_after_its_rest_one_caller_probes_and_a_good_probe_closes_it(
    health: BreakerState, clock: Clock
) -> None:
    fail(health)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health, 3) == [True, False, False]
    health.note("claude", None)
    assert asked(health, 3) == [True, True, True]


def test_a_probe_that_fails_doubles_the_rest(health: BreakerState, clock: Clock) -> None:
    fail(health)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health) == [True]
    fail(health, 1)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health) == [False]
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health) == [True]


def test_each_probe_that_fails_rests_the_source_longer(health: BreakerState, clock: Clock) -> None:
    rests = []
    for _ in range(8):
        fail(health, 1)
        rested_s = 0.0
        while not health.may_be_asked("claude"):
            clock.pass_s(0.5)
            rested_s += 0.5
        rests.append(rested_s)
    assert rests == [0, 0, 2, 4, 8, 15, 15, 15]


def test_an_old_call_that_ends_well_does_not_close_the_source(health: BreakerState) -> None:
    fail(health)
    health.note("claude", None)
    assert asked(health) == [False]


@pytest.mark.parametrize(
    "kind",
    [
        ProviderRefused,
        ContentFiltered,
        ProviderThrottled,
        ConnectionsExhausted,
        CircuitOpen,
        StaleConnection,
    ],
)
def test_what_is_about_one_request_says_nothing_about_the_source(
    health: BreakerState, kind: type[ProviderError]
) -> None:
    fail(health, 10, lambda: kind(provider="claude"))
    assert asked(health) == [True]


def test_a_call_that_went_well_ends_the_row_of_misuses(health: BreakerState) -> None:
    def misused() -> ProviderError:
        return ProviderMisused(provider="claude")

    fail(health, 4, misused)
    health.note("claude", None)
    fail(health, 1, misused)
    assert asked(health) == [True]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.sampled_from([None, *range(5)]), max_size=60))
def test_no_history_rests_a_source_for_longer_than_the_longest_rest(
    redis: Redis, health: BreakerState, clock: Clock, history: list[int | None]
) -> None:
    redis.delete("test:breaker:claude")
    errors = [
        broken(),
        ProviderUnreachable(provider="claude"),
        ProviderDenied(provider="claude"),
        ProviderBusy(provider="claude", retry_after_s=1e9),
        ProviderBusy(provider="claude"),
    ]
    for choice in history:
        health.note("claude", None if choice is None else errors[choice])
    clock.pass_s(LONGEST_S)
    assert asked(health) == [True]


def test_a_probe_that_never_ends_gives_its_place_to_another(health: BreakerState, clock: Clock) -> None:
    fail(health)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health, 2) == [True, False]
    clock.pass_s(PROBE_S)
    assert asked(health, 2) == [True, False]


@pytest.mark.parametrize(
    ("error", "open_s"),
    [
        (ProviderBusy(provider="claude", retry_after_s=3), 3.1),
        (ProviderThrottled(provider="claude"), 0),
        (CircuitOpen(provider="claude"), 0),
        (ProviderMisused(provider="claude"), 0),
    ],
)
def test_a_probe_that_learned_nothing_gives_its_place_to_another(
    health: BreakerState, clock: Clock, error: ProviderError, open_s: float
) -> None:
    """Else everybody waits for as long as a probe may take, for one that has ended."""
    fail(health)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health, 2) == [True, False]
    health.note("claude", error)
    assert asked(health) == [open_s == 0]
    clock.pass_s(open_s or PROBE_S)
    assert asked(health, 2) == [True, False]


def test_a_probe_that_is_refused_proves_that_the_source_is_well(health: BreakerState, clock: Clock) -> None:
    fail(health)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health) == [True]
    health.note("claude", ProviderRefused(provider="claude"))
    assert asked(health, 3) == [True, True, True]


def test_thirty_failures_at_once_are_one_opening(health: BreakerState, clock: Clock) -> None:
    fail(health, 30)
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health) == [True]


def test_what_the_source_asks_for_is_respected_and_capped(health: BreakerState, clock: Clock) -> None:
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=7))
    fail(health, 1)
    clock.pass_s(5)
    assert asked(health) == [False]
    clock.pass_s(2.1)
    assert asked(health, 2) == [True, True], "a busy source is no broken one: nobody has to probe"
    health.note("claude", ProviderBusy(provider="claude", retry_after_s=3600))
    clock.pass_s(LONGEST_S)
    assert asked(health) == [True]


def test_a_busy_source_that_names_no_time_is_left_alone_for_a_moment(
    health: BreakerState, clock: Clock
) -> None:
    """At a fifth of overload answers, everybody asking on at once would make every fourth call for nothing."""
    health.note("claude", ProviderBusy(provider="claude"))
    assert asked(health) == [False]
    clock.pass_s(0.6)
    assert asked(health, 2) == [True, True]
    for _ in range(2):
        health.note("claude", ProviderBusy(provider="claude"))
    clock.pass_s(FIRST_OPEN_S)
    assert asked(health, 2) == [True, False], "three in a row are more than a moment"


@pytest.mark.parametrize(("kind", "times"), [(ProviderDenied, 1), (ProviderMisused, 5)])
def test_what_only_an_operator_can_cure_stops_the_queue(
    health: BreakerState, kind: type[ProviderError], times: int, clock: Clock
) -> None:
    fail(health, times - 1, lambda: kind(provider="claude"))
    assert asked(health) == [True]
    fail(health, 1, lambda: kind(provider="claude"))
    assert asked(health) == [False]
    clock.pass_s(LONGEST_S)
    assert asked(health, 3) == [True, False, False]


def test_an_opening_is_seen_by_all_workers_at_once(worker: Callable[[], CircuitBreaker]) -> None:
    workers = [worker() for _ in range(8)]
    for teller in workers[:3]:
        teller.note("claude", broken())  # none of them has seen three
    assert [asked(other) for other in workers] == [[False]] * 8


def test_who_asks_whether_it_rests_takes_no_probe(health: BreakerState, clock: Clock) -> None:
    assert not health.is_open("claude")
    fail(health)
    assert health.is_open("claude")
    clock.pass_s(FIRST_OPEN_S)
    assert not health.is_open("claude")
    assert asked(health) == [True]


def test_of_all_workers_one_probes(worker: Callable[[], CircuitBreaker], clock: Clock) -> None:
    workers = [worker() for _ in range(8)]
    fail(workers[0])
    clock.pass_s(FIRST_OPEN_S)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda health: health.may_be_asked("claude"), workers))
    assert sum(answers) == 1
    workers[answers.index(True)].note("claude", None)
    assert all(health.may_be_asked("claude") for health in workers)


def test_the_alarm_for_a_spent_account_is_given_once_by_all(redis: Redis) -> None:
    metrics = Metrics(CollectorRegistry())
    workers = [
        CircuitBreaker(RedisScripts(redis, prefix="test:"), rules=RULES, telemetry=ProviderTelemetry(metrics))
        for _ in range(4)
    ]
    with capture_logs() as logs:
        for health in workers * 3:
            health.note(
                "claude", ProviderDenied(provider="claude", error_code="enforced_spend_limit_reached")
            )
    opened = [line for line in logs if line["event"] == "circuit_breaker_opened"]
    assert [(line["log_level"], line["error_code"]) for line in opened] == [
        ("error", "enforced_spend_limit_reached")
    ]
    assert metrics.breaker_openings.labels("claude", "provider_denied")._value.get() == 1


def test_without_redis_each_worker_pauses_after_a_failure() -> None:
    away = make_redis(RedisSettings(redis_url="redis://127.0.0.1:1/0"), timeout_s=0.2)
    now = [0.0]
    health = CircuitBreaker(RedisScripts(away, prefix="test:"), rules=RULES, clock=lambda: now[0])
    fail(health, 1, error=lambda: ProviderUnreachable(provider="claude"))
    began = time.monotonic()
    assert asked(health, 100) == [False] * 100
    assert health.is_open("claude")
    assert time.monotonic() - began < 100 * 0.2 / 2, (
        "a hundred answers that are waited for take twenty seconds"
    )
    now[0] += RULES.pause_without_redis_s
    assert asked(health, 2) == [True, True], "nobody has to probe"
    assert not health.is_open("claude")


def test_a_redis_that_goes_away_and_comes_back_is_used_again() -> None:
    with EmbeddedRedis(durable=False) as server, Redis.from_url(server.url, socket_timeout=5) as client:
        scripts = RedisScripts(client, prefix="test:", clock=lambda: now[0])
        now = [0.0]
        health = CircuitBreaker(scripts, rules=RULES)
        fail(health)
        client.config_set("maxmemory", "1")  # refuses every write, and a script with them
        with capture_logs() as logs:
            fail(health, 1)
            assert asked(health) == [False], "it pauses after the failure"
        assert [line["event"] for line in logs] == ["redis_unreachable"]
        client.config_set("maxmemory", "0")
        now[0] += 2
        with capture_logs() as logs:
            health.note("claude", None)
        assert [line["event"] for line in logs] == ["redis_reachable"]
