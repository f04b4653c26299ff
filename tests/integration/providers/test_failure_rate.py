"""When the circuit breaker opens while many calls are under way: on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from generation.errors import EmptyReply, ProviderError, ProviderUnreachable, StreamCut
from providers.breaker_rules import BreakerRules
from providers.circuit_breaker import CircuitBreaker
from providers.redis_scripts import RedisScripts

RULES = BreakerRules()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, socket_timeout=5) as client:
        yield client


@pytest.fixture
def health(redis: Redis) -> CircuitBreaker:
    return CircuitBreaker(RedisScripts(redis, prefix="test:"), rules=RULES)


def cut() -> ProviderError:
    return StreamCut(provider="claude")


def fail(health: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        health.note("claude", cut())


@pytest.fixture
def calls(health: CircuitBreaker) -> Iterator[ExitStack]:
    with ExitStack() as under_way:
        yield under_way


def begin(health: CircuitBreaker, calls: ExitStack, number: int) -> None:
    for _ in range(number):
        calls.enter_context(health.serving("claude"))


def test_quick_failures_open_nothing_while_most_calls_are_under_way(
    health: CircuitBreaker, calls: ExitStack
) -> None:
    """Failures end first: of four hundred calls at one instant, the first ends are those that fail."""
    begin(health, calls, 360)
    fail(health, 40)
    assert health.may_be_asked("claude")


def test_dozens_of_streams_that_flow_outweigh_a_burst_of_failures(
    health: CircuitBreaker, calls: ExitStack
) -> None:
    begin(health, calls, 24)
    fail(health, 9)
    assert health.may_be_asked("claude")


def test_when_nothing_but_failures_comes_the_third_opens_it(health: CircuitBreaker) -> None:
    fail(health, 2)
    assert health.may_be_asked("claude")
    fail(health, 1)
    assert not health.may_be_asked("claude")


@pytest.mark.parametrize("at_once", [1, 10, 60])
def test_a_provider_that_begins_every_reply_and_breaks_it_off_is_opened(
    health: CircuitBreaker, at_once: int
) -> None:
    """A flowing reply is a sign of life, and no success: what breaks off counts as failed."""
    for _ in range(2):
        for _ in range(max(1, 3 * at_once // 4)):
            health.note("claude", cut())
        with ExitStack() as flowing:
            begin(health, flowing, at_once)
            fail(health, at_once)
    assert not health.may_be_asked("claude")


def test_half_of_many_calls_failing_opens_it_and_a_quarter_does_not(health: CircuitBreaker) -> None:
    for _ in range(30):
        health.note("claude", None)
        health.note("claude", None)
        health.note("claude", None)
        fail(health, 1)
    assert health.may_be_asked("claude"), "a quarter of 120 calls"
    for _ in range(61):
        health.note("claude", None)
        fail(health, 2)
    assert not health.may_be_asked("claude"), "never three in a row, and half of all"


def test_the_failures_of_an_outage_are_forgotten_when_it_is_over(
    redis: Redis, health: CircuitBreaker
) -> None:
    fail(health, 40)
    redis.hset("test:breaker:claude", "until", 1)
    assert health.may_be_asked("claude")
    health.note("claude", None)
    fail(health, 2)
    assert health.may_be_asked("claude")


def test_a_call_that_was_stopped_leaves_nothing(redis: Redis, health: CircuitBreaker) -> None:
    with health.serving("claude"):
        assert redis.zcard("test:calls_under_way:claude") == 1
    assert redis.zcard("test:calls_under_way:claude") == 0


def test_no_set_of_calls_outlives_or_outgrows_its_window(redis: Redis) -> None:
    """Also where a worker dies in mid-reply, and where nothing ever fails."""
    rules = BreakerRules(window_s=0.001, unanswered_s=0.001, sign_s=0.001)
    health = CircuitBreaker(RedisScripts(redis, prefix="test:"), rules=rules)
    died: list[AbstractContextManager[object]] = []
    for _ in range(200):
        died.append(health.serving("claude"))
        died[-1].__enter__()
        health.note("claude", None)
        health.note("claude", cut())
        health.note("claude", None)
        redis.delete("test:breaker:claude")
        sizes = [redis.zcard(f"test:calls_{which}:claude") for which in ("under_way", "well", "failed")]
        assert max(sizes) < 20
    lives = [redis.pttl(f"test:calls_{which}:claude") for which in ("under_way", "well", "failed")]
    assert all(life != -1 for life in lives), "a key without an end"


def test_the_signs_of_one_call_are_told_every_other_second() -> None:
    now, told = [0.0], []

    class Scripts:
        def script(self, name: str) -> object:
            return lambda *args: told.append(args) if name == "breaker_serves" else None

    health = CircuitBreaker(Scripts(), rules=RULES, clock=lambda: now[0])  # type: ignore[arg-type]
    with health.serving("claude") as sign:
        for _ in range(1000):
            now[0] += 0.01
            sign()
    assert 6 <= len(told) <= 7, "sent, every other second of ten, over"


class Model:
    """The rules in Python, for histories within one window and until the breaker opens."""

    def __init__(self) -> None:
        self.under_way = self.well = self.failed = self.streak = 0
        self.is_open = False

    def end(self, *, well: bool) -> None:
        if well:
            self.well, self.streak = self.well + 1, 0
            return
        self.failed, self.streak = self.failed + 1, self.streak + 1
        in_a_row = self.streak >= max(RULES.failures_before_open, self.under_way)
        known = self.failed + self.well + self.under_way
        mostly = self.failed >= max(RULES.failed_before_open, RULES.failed_share_before_open * known)
        self.is_open = in_a_row or mostly


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(
        st.sampled_from(["begin", "well", "fail", "stop", "refused"]), min_size=10, max_size=120
    ),
    begun=st.integers(0, 40),
)
def test_it_opens_when_the_rules_say_so_and_never_else(
    redis: Redis, health: CircuitBreaker, history: list[str], begun: int
) -> None:
    redis.flushdb()
    model, calls = Model(), [ExitStack() for _ in range(begun)]
    for call in calls:
        call.enter_context(health.serving("claude"))
    model.under_way = begun
    for step in history:
        if step == "begin":
            calls.append(ExitStack())
            calls[-1].enter_context(health.serving("claude"))
        elif calls:
            calls.pop().close()
        model.under_way = len(calls)
        if step == "refused":
            health.note("claude", ProviderUnreachable(provider="claude"))
            model.end(well=False)
        elif step in {"well", "fail"}:
            health.note("claude", None if step == "well" else cut())
            model.end(well=step == "well")
        assert health.may_be_asked("claude") is not model.is_open
        if model.is_open:
            return


def empty(health: CircuitBreaker, session: int, times: int = 1) -> None:
    for _ in range(times):
        health.note("claude", EmptyReply(provider="claude", session=str(session)))


def test_empty_replies_open_it_for_many_sessions_and_never_for_one(health: CircuitBreaker) -> None:
    empty(health, session=1, times=100)
    for session in range(2, 5):
        empty(health, session)
    assert health.may_be_asked("claude")
    empty(health, session=5)
    assert not health.may_be_asked("claude")


def test_one_reply_with_an_object_forgets_the_empty_ones(health: CircuitBreaker) -> None:
    for session in range(4):
        empty(health, session)
    health.note("claude", None)
    empty(health, session=4)
    assert health.may_be_asked("claude")


def test_a_probe_with_an_empty_reply_keeps_it_open(redis: Redis, health: CircuitBreaker) -> None:
    for session in range(5):
        empty(health, session)
    redis.hset("test:breaker:claude", "until", 1)
    assert health.may_be_asked("claude")
    empty(health, session=1)
    assert not health.may_be_asked("claude")


def test_without_redis_an_empty_reply_pauses_nobody() -> None:
    health = CircuitBreaker(rules=RULES)
    for session in range(9):
        empty(health, session)
    assert health.may_be_asked("claude")
