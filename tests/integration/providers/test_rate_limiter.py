"""The rate limits that all workers share, on a real Redis; without it every call goes at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis import Redis

from generation.cancellation import CancellationSignal, StopReason
from generation.errors import ProviderThrottled
from generation.model import Urgency
from generation.model_call import Prompt, SystemBlock, Usage
from providers.limits import LimitRules
from providers.rate_limiter import Permit, RateLimiter
from providers.redis_scripts import RedisScripts
from runtime.redis import make_redis
from runtime.settings import RedisSettings
from tools.simulator.running import RunningSimulator
from tools.stack.embedded import EmbeddedRedis
from tools.studies.economics.fleet import Site
from tools.studies.economics.rates import Load, figures, latencies, offer

RULES = LimitRules(interactive_wait_s=0.5, prefetch_wait_s=0.1, headroom=0.0, ramp_per_s=5000)
PROMPT = Prompt((SystemBlock("س" * 1000, cached=True),), "س" * 100, max_tokens=1000)
#: What the prompt is expected to need before anything is known.
INPUT, OUTPUT = 60, 600

MakeRateLimiter = Callable[..., RateLimiter]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, socket_timeout=5) as client:
        yield client


@pytest.fixture
def worker(redis: Redis) -> MakeRateLimiter:
    """One worker more on the same Redis."""
    return lambda rules=RULES: RateLimiter("claude", "m", RedisScripts(redis, prefix="test:"), rules=rules)


def headers(**limits: tuple[int, int]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (limit, remaining) in limits.items():
        prefix = f"anthropic-ratelimit-{name.replace('_', '-')}"
        found |= {f"{prefix}-limit": str(limit), f"{prefix}-remaining": str(remaining)}
    return found


def admit(
    rate_limiter: RateLimiter, urgency: Urgency = Urgency.INTERACTIVE, *, writes_prefix: bool = False
) -> Permit:
    return rate_limiter.admit(PROMPT, CancellationSignal(), urgency=urgency, writes_prefix=writes_prefix)


def admitted(rate_limiter: RateLimiter, urgency: Urgency, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            admit(rate_limiter, urgency)
        except ProviderThrottled:
            return count
        count += 1
    return count


def test_before_any_limit_is_known_nobody_waits(worker: MakeRateLimiter) -> None:
    rate_limiter, began = worker(), time.monotonic()
    for _ in range(50):
        admit(rate_limiter, Urgency.PREFETCH)
    assert time.monotonic() - began < 3


def test_prefetches_leave_a_share_of_every_limit_to_students(worker: MakeRateLimiter) -> None:
    rate_limiter = worker()
    rate_limiter.learn(200, headers(requests=(100, 100)))
    assert 80 <= admitted(rate_limiter, Urgency.PREFETCH, 200) <= 90
    assert 15 <= admitted(rate_limiter, Urgency.INTERACTIVE, 200) <= 40


@pytest.mark.parametrize(("bucket", "each"), [("input_tokens", INPUT), ("output_tokens", OUTPUT)])
def test_what_a_call_will_need_is_taken_before_it_is_made(
    worker: MakeRateLimiter, bucket: str, each: int
) -> None:
    rate_limiter = worker()
    rate_limiter.learn(200, headers(**{bucket: (10 * each, 10 * each)}))  # one call's worth more in 6 s
    assert 10 <= admitted(rate_limiter, Urgency.INTERACTIVE, 50) <= 12


def test_a_call_gives_back_what_it_did_not_use_and_cache_reads_cost_nothing(worker: MakeRateLimiter) -> None:
    rate_limiter = worker()
    rate_limiter.learn(200, headers(input_tokens=(6000, INPUT * 2), output_tokens=(60_000, OUTPUT * 2)))
    for _ in range(20):
        with admit(rate_limiter) as permit:
            permit.count(Usage(cache_read=1_000_000), is_final=True)
    for _ in range(5):
        with admit(rate_limiter):
            pass  # refused: its reply never began


def test_a_call_that_broke_off_keeps_its_estimate(worker: MakeRateLimiter) -> None:
    rate_limiter = worker()
    rate_limiter.learn(200, headers(output_tokens=(OUTPUT * 4, OUTPUT * 3)))  # one call's worth more in 15 s
    for _ in range(3):
        with admit(rate_limiter) as permit:
            permit.count(Usage(input=50, output=1))
    assert admitted(rate_limiter, Urgency.INTERACTIVE, 10) <= 1


def test_a_call_that_writes_the_prefix_needs_room_for_it(worker: MakeRateLimiter) -> None:
    rate_limiter = worker()
    rate_limiter.learn(200, headers(input_tokens=(3000, 300)))
    with pytest.raises(ProviderThrottled):
        admit(rate_limiter, writes_prefix=True)
    admit(rate_limiter)


def test_a_student_waits_for_his_turn_and_a_prefetch_is_sent_away(worker: MakeRateLimiter) -> None:
    rate_limiter, began = worker(), time.monotonic()
    rate_limiter.learn(200, headers(requests=(300, 0)))
    with pytest.raises(ProviderThrottled) as caught:
        admit(rate_limiter, Urgency.PREFETCH)
    assert caught.value.retry_after_s is not None
    assert 8 < caught.value.retry_after_s < 25, "until the share of students is full again"
    admit(rate_limiter)
    assert time.monotonic() - began >= 0.2, "a call in a fifth of a second"


def test_who_is_stopped_does_not_wait(worker: MakeRateLimiter) -> None:
    rate_limiter, stop = worker(replace(RULES, interactive_wait_s=30)), CancellationSignal()
    rate_limiter.learn(200, headers(requests=(3, 0)))
    stop.set(StopReason.SHUTDOWN)
    began = time.monotonic()
    rate_limiter.admit(PROMPT, stop, urgency=Urgency.INTERACTIVE, writes_prefix=False)
    assert time.monotonic() - began < 5


def test_retry_after_stops_everybody_until_then(worker: MakeRateLimiter) -> None:
    rate_limiter, began = worker(), time.monotonic()
    rate_limiter.learn(429, {"retry-after": "0.4"})
    with pytest.raises(ProviderThrottled):
        admit(rate_limiter, Urgency.PREFETCH)
    admit(rate_limiter)
    assert time.monotonic() - began >= 0.4


def test_who_waits_already_waits_on_when_somebody_is_refused(redis: Redis, worker: MakeRateLimiter) -> None:
    rate_limiter = worker(replace(RULES, interactive_wait_s=30))
    rate_limiter.learn(200, headers(requests=(60, 0)))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(admit, rate_limiter)
        await_turn_taken(redis)
        began = time.monotonic()
        rate_limiter.learn(429, {"retry-after": "1.3"})
        waiting.result()
    assert time.monotonic() - began >= 1.3, "its turn came a second after it was taken"


def await_turn_taken(redis: Redis) -> None:
    """Until a call has taken a request from a limit that had none left."""
    while float(redis.hget("test:rate_limiter:claude:m", "r") or 0) > -0.5:
        time.sleep(0.01)  # Redis tells nobody that a script has run


def test_a_retry_after_of_hours_is_capped(worker: MakeRateLimiter) -> None:
    rate_limiter = worker(replace(RULES, longest_pause_s=0.2))
    rate_limiter.learn(429, {"retry-after": "86400"})
    began = time.monotonic()
    admit(rate_limiter)
    assert time.monotonic() - began < 5


def test_a_fleet_that_grew_too_fast_goes_on_slower(worker: MakeRateLimiter) -> None:
    rate_limiter = worker(replace(RULES, ramp_per_s=100, interactive_wait_s=30))
    for _ in range(10):
        admit(rate_limiter)
    began = time.monotonic()
    rate_limiter.learn(429, {}, "ramp_limit_exceeded")
    rate_limiter.learn(429, {}, "ramp_limit_exceeded")  # of the same burst
    for _ in range(60):
        admit(rate_limiter)
    assert 0.4 < time.monotonic() - began < 8, "sixty calls at about half the pace of before"


def test_who_waited_at_a_pace_that_proved_too_fast_does_not_go_when_the_pause_ends(
    worker: MakeRateLimiter,
) -> None:
    rate_limiter = worker(replace(RULES, ramp_per_s=20, interactive_wait_s=30))
    for _ in range(5):
        admit(rate_limiter)
    with ThreadPoolExecutor(40) as threads:
        waiting = [threads.submit(lambda: (admit(rate_limiter), time.monotonic())[1]) for _ in range(40)]
        time.sleep(0.1)
        refused_at = time.monotonic()
        rate_limiter.learn(429, {"retry-after": "0.3"}, "ramp_limit_exceeded")
        after = sorted(went.result() - refused_at for went in waiting if went.result() > refused_at)
    # Who was admitted just before may be noticed just after; six would go in the pause at the old pace.
    assert sum(moment < 0.3 for moment in after) <= 2, "nobody goes in the pause"
    assert sum(0.3 <= moment < 0.6 for moment in after) < 12, "they line up again at the slower pace"


def test_a_cold_fleet_is_spread_over_its_first_seconds(worker: MakeRateLimiter) -> None:
    rate_limiter = worker(replace(RULES, ramp_per_s=50, interactive_wait_s=30))
    began = time.monotonic()
    with ThreadPoolExecutor(100) as threads:
        moments = sorted(
            moment.result() - began
            for moment in [
                threads.submit(lambda: (admit(rate_limiter), time.monotonic())[1]) for _ in range(100)
            ]
        )
    assert 0.5 < moments[-1] < 8


def test_what_one_worker_learns_all_know(redis: Redis) -> None:
    one, other = (
        RateLimiter("claude", "m", RedisScripts(redis, prefix="test:"), rules=RULES) for _ in range(2)
    )
    one.learn(200, headers(requests=(100, 30)))
    assert admitted(one, Urgency.PREFETCH, 5) == 5
    assert 5 <= admitted(other, Urgency.PREFETCH, 20) <= 12, (
        "of thirty, twenty are the students' and five gone"
    )


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
def test_without_redis_every_call_goes_at_once(url: str | None) -> None:
    away = url and RedisScripts(make_redis(RedisSettings(redis_url=url), timeout_s=0.2), prefix="test:")
    rate_limiter = RateLimiter("claude", "m", away or None, rules=RULES)
    rate_limiter.learn(200, headers(requests=(100, 0)))
    rate_limiter.learn(429, {"retry-after": "60"})
    began = time.monotonic()
    assert admitted(rate_limiter, Urgency.PREFETCH, 50) == 50
    assert time.monotonic() - began < 3


def test_who_waits_for_its_turn_goes_when_redis_goes_away() -> None:
    with EmbeddedRedis(durable=False) as server, Redis.from_url(server.url, socket_timeout=5) as client:
        rate_limiter = RateLimiter(
            "claude", "m", RedisScripts(client, prefix="test:"), rules=replace(RULES, interactive_wait_s=30)
        )
        rate_limiter.learn(200, headers(requests=(60, 1)))
        admit(rate_limiter)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(admit, rate_limiter)
            await_turn_taken(client)
            client.config_set("maxmemory", "1")  # refuses every write, and a script with them
            waiting.result(timeout=20)


def test_who_waits_for_its_turn_goes_when_redis_has_lost_what_it_knew(redis: Redis) -> None:
    retry = RedisScripts(redis, prefix="test:").script("rate_limiter_retry")
    assert retry(["rate_limiter:claude:m"], 1) == [0, 0]


def test_at_twice_the_load_nobody_is_refused_and_students_do_not_wait(redis_url: str) -> None:
    """The short form of `python -m tools.studies.economics`."""
    with RunningSimulator(seed=1, speed=20, rpm=120) as simulator:
        site = Site(simulator.url, redis_url, "test:", with_fallback=False, processes=0, chains=3)
        begins_at = time.time() + 0.1
        window = (begins_at + 4, begins_at + 9)
        load = Load(
            first_batches_per_s=0.15,
            prefetch_calls_per_s=4,
            begins_at=begins_at,
            ends_at=window[1],
            seed=1,
            backlog=120,
        )
        done = offer(site, load)
    found = figures(done, window=window, limits={"rpm": 120})
    assert found["refused_429"] == 0
    assert found["throttled_by_us"] > 0
    assert found["goodput"]["rpm"] > 0.9
    batches = latencies(done, window=(begins_at, window[1]))
    assert batches["whole"] == batches["batches"] > 0
