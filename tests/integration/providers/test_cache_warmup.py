"""Who warms a prefix, who waits for it, and why a call missed it: on a real Redis, and within one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from structlog.testing import capture_logs

from generation.cancellation import CancellationSignal, StopReason
from generation.model_call import Usage
from providers.cache_warmup import Flight, Miss, WarmUp, WarmUpRules, cheaper_ttl
from providers.prices import Rates
from providers.profiles import ModelProfile, known_profiles
from providers.redis_scripts import RedisScripts
from tools.simulator.running import RunningSimulator
from tools.studies.economics.cold_start import ColdStart, cold_start, figures
from tools.studies.economics.fleet import Site

#: Long enough that no test waits for the end of a lead without meaning to.
RULES = WarmUpRules(lead_s=20, longest_wait_s=30, look_again_s=0.01)
SHORT = replace(RULES, lead_s=0.3)
LEVELS = ("rules", "section", "examples")
WROTE = Usage(input=100, cache_write_5m=7000)
READ = Usage(input=100, cache_read=7000)
RATES = Rates(*map(Decimal, ("2", "10", "2.5", "4", "0.1")))

MakeWarmUp = Callable[..., WarmUp]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, socket_timeout=5) as client:
        yield client


@pytest.fixture
def worker(redis: Redis) -> MakeWarmUp:
    """One worker more on the same Redis."""
    return lambda rules=RULES, **more: WarmUp(
        "claude", RedisScripts(redis, prefix="test:"), rules=rules, rates=RATES, **more
    )


MakePair = Callable[[WarmUpRules], tuple[WarmUp, WarmUp]]


@pytest.fixture(params=["one process", "two workers"])
def pair_by(request: pytest.FixtureRequest, worker: MakeWarmUp) -> MakePair:
    """Two that know of each other: through Redis, or because they are one."""

    def make(rules: WarmUpRules) -> tuple[WarmUp, WarmUp]:
        if request.param == "two workers":
            return worker(rules), worker(rules)
        alone = WarmUp("claude", None, rules=rules)
        return alone, alone

    return make


@pytest.fixture
def pair(pair_by: MakePair) -> tuple[WarmUp, WarmUp]:
    return pair_by(RULES)


def enter(warmup: WarmUp, levels: tuple[str, ...] = LEVELS) -> Flight:
    return warmup.enter(levels, CancellationSignal())


def test_one_call_leads_and_the_others_wait_for_its_reply_to_begin(pair: tuple[WarmUp, WarmUp]) -> None:
    first, second = pair
    leader = enter(first)
    with ThreadPoolExecutor(20) as threads:
        followers = [threads.submit(enter, warmup) for warmup in (first, second) * 10]
        time.sleep(0.1)
        assert not any(follower.done() for follower in followers)
        assert leader.began(WROTE, None) == Miss.FIRST_WRITE
        flights = [follower.result(timeout=20) for follower in followers]
    assert leader.leads
    assert not any(flight.leads for flight in flights)
    assert [flight.began(READ, "messages_changed") for flight in flights] == [None] * 20


def test_when_the_leaders_call_fails_the_next_one_leads_at_once(pair: tuple[WarmUp, WarmUp]) -> None:
    first, second = pair
    leader = enter(first)
    with ThreadPoolExecutor(1) as threads:
        follower = threads.submit(enter, second)
        leader.over()
        assert follower.result(timeout=10).leads


def test_a_leader_that_died_is_followed_by_another(pair_by: MakePair) -> None:
    first, second = pair_by(SHORT)
    began = time.monotonic()
    enter(first)
    assert enter(second).leads
    assert SHORT.lead_s <= time.monotonic() - began < 10


def test_nobody_waits_for_ever(worker: MakeWarmUp) -> None:
    retrying = replace(RULES, longest_wait_s=0.2)
    enter(worker(retrying))
    late = enter(worker(retrying))
    assert not late.leads
    assert late.began(WROTE, None) == Miss.NOT_WARMED


def test_who_is_stopped_does_not_wait(pair: tuple[WarmUp, WarmUp]) -> None:
    first, second = pair
    enter(first)
    stop = CancellationSignal()
    threading.Timer(0.1, stop.set, [StopReason.SHUTDOWN]).start()
    began = time.monotonic()
    second.enter(LEVELS, stop)
    assert time.monotonic() - began < 10


def test_a_prefix_that_shares_its_beginning_writes_only_its_own_end(worker: MakeWarmUp) -> None:
    """Two sections that start cold together would both pay for the rules they share."""
    quantitative, verbal = ("rules", "q", "qe"), ("rules", "v", "ve")
    leader = enter(worker(), quantitative)
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(enter, worker(), verbal)
        time.sleep(0.1)
        assert not other.done(), "the rules are being written"
        leader.began(WROTE, None)
        assert other.result(timeout=20).leads, "its own blocks are not"


def test_a_warm_prefix_costs_no_question_to_redis(redis: Redis, worker: MakeWarmUp) -> None:
    warmup = worker()
    enter(warmup).began(WROTE, None)
    before = redis.info("stats")["total_commands_processed"]
    for _ in range(50):
        enter(warmup).began(READ, None)
    assert redis.info("stats")["total_commands_processed"] - before < 5


def test_an_entry_that_lived_out_its_time_is_written_again_and_says_so(worker: MakeWarmUp) -> None:
    warmup = worker(replace(RULES, margin_s=299.8), ttl="5m")
    enter(warmup).began(WROTE, None)
    time.sleep(0.25)
    leader = enter(warmup)
    assert leader.leads
    assert leader.began(WROTE, None) == Miss.EXPIRED


@pytest.mark.parametrize(
    ("usage", "reported", "reason"),
    [
        (READ, None, None),
        (READ, "messages_changed", None),
        (WROTE, None, Miss.EVICTED),
        (WROTE, "messages_changed", Miss.EVICTED),
        (WROTE, "system_changed", "system_changed"),
        (Usage(input=100), None, Miss.NOT_CACHED),
    ],
)
def test_a_call_that_expected_a_warm_prefix_says_why_it_was_not(
    worker: MakeWarmUp, usage: Usage, reported: str | None, reason: str | None
) -> None:
    warmup = worker()
    enter(warmup).began(WROTE, None)
    assert enter(warmup).began(usage, reported) == reason


def test_a_prefix_that_the_provider_reads_differently_is_an_alarm_once(worker: MakeWarmUp) -> None:
    warmup = worker()
    enter(warmup).began(WROTE, None)
    with capture_logs() as logs:
        for _ in range(5):
            enter(warmup).began(WROTE, "system_changed")
    assert [(line["event"], line["log_level"], line["because"]) for line in logs] == [
        ("prefix_drifted", "error", "system_changed")
    ]


def test_a_prefix_that_is_another_each_time_is_an_alarm_once(worker: MakeWarmUp) -> None:
    """A time or a name in the shared part: every call writes, and nobody reads."""
    workers = [worker(), worker()]
    with capture_logs() as logs:
        for number in range(30):
            enter(workers[number % 2], ("rules", f"at {number} o'clock")).began(WROTE, None)
    assert [line["because"] for line in logs if line["event"] == "prefix_drifted"] == ["too_many_prefixes"]


def test_a_prefix_is_asked_for_an_hour_until_it_often_lies_idle_for_longer(
    redis: Redis, worker: MakeWarmUp
) -> None:
    enter(worker()).began(WROTE, None)
    assert enter(worker()).ttl == "1h", "a student alone needs ten minutes for a batch"
    _pass_minutes(redis, 120)
    leader = enter(worker())
    assert leader.leads
    assert leader.ttl == "1h", "once may be chance: it is counted when it is over"
    leader.began(WROTE, None)
    _pass_minutes(redis, 120)
    leader = enter(worker())
    assert leader.ttl == "5m"
    leader.began(WROTE, None)
    assert enter(worker()).ttl == "5m"


def test_a_prefix_that_often_lies_idle_for_minutes_is_asked_for_an_hour_again(
    redis: Redis, worker: MakeWarmUp
) -> None:
    for idle_minutes in (120, 20, 20):
        enter(worker()).began(WROTE, None)
        _pass_minutes(redis, idle_minutes)
    enter(worker()).began(WROTE, None)
    assert enter(worker()).ttl == "1h"


def _pass_minutes(redis: Redis, minutes: int) -> None:
    """What was written then is cold now."""
    for level in LEVELS:
        key = f"test:warm:claude:{level}"
        redis.hincrby(key, "last", -minutes * 60_000)
        redis.hset(key, "warm", 0)


def test_a_fixed_lifetime_is_kept(worker: MakeWarmUp) -> None:
    assert enter(worker(ttl="1h")).ttl == "1h"


@given(minutes=st.floats(0, 50), hours=st.floats(0, 50), model=st.sampled_from(known_profiles()))
def test_the_lifetime_chosen_is_the_cheaper_one(minutes: float, hours: float, model: ModelProfile) -> None:
    rates = model.prices.rates
    short = (minutes + hours) * float(rates.cache_write_5m)
    long = minutes * float(rates.cache_read) + hours * float(rates.cache_write_1h)
    chosen = cheaper_ttl(minutes, hours, rates)
    assert (long if chosen == "1h" else short) <= min(short, long) + 1e-6


def test_a_cold_fleet_pays_for_each_prefix_once(redis_url: str) -> None:
    """The short form of `python -m tools.studies.economics`: cold workers, two sections, all at once."""
    with RunningSimulator(seed=1, speed=60) as simulator:
        site = Site(simulator.url, redis_url, "test:", processes=0, chains=4)
        attempts = cold_start(site, ColdStart(sessions=30, batches=1, seed=1))
        found = figures(attempts, simulator.bill().entries, prefixes=1)
    assert found["outcomes"] == {"complete": found["calls"]}
    assert found["calls_that_wrote"] == 1
    assert found["hit_rate"] > 0.95
    assert found["reasons"] == {Miss.FIRST_WRITE: 1}
