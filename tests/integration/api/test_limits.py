from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from redis import Redis

from api.limits import Kind, Rate, SharedLimits
from runtime.redis import make_redis
from runtime.settings import RedisSettings
from tests.integration.api.conftest import Serve

MANY = Rate(1000, 60)
EXAM = {"track": "literary"}
NOW = {"Prefer": "wait=0"}


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with make_redis(RedisSettings(redis_url=redis_url), timeout_s=5) as client:
        yield client


def limits(redis: Redis, *, calls: Rate = MANY, sessions: Rate = MANY) -> SharedLimits:
    return SharedLimits(redis, prefix="tafawoq:", rates={Kind.CALLS: calls, Kind.SESSIONS: sessions})


def test_who_calls_too_often_is_told_when_to_come_back(serve: Serve, redis: Redis) -> None:
    served = serve(limits=limits(redis, calls=Rate(2, 60)))
    with served.client(uuid4()) as student, served.client(uuid4()) as another:
        statuses = [student.get("/exams").status_code for _ in range(2)]
        refused = student.get("/exams")

        assert statuses == [200, 200]
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        assert another.get("/exams").status_code == 200


def test_sessions_have_a_limit_of_their_own_because_each_spends(serve: Serve, redis: Redis) -> None:
    served = serve(limits=limits(redis, sessions=Rate(1, 3600)))
    with served.client(uuid4()) as student:
        first = student.post("/exams", json=EXAM, headers=NOW)
        second = student.post("/practice", json={"section": "verbal"}, headers=NOW)
        third = student.post("/exams", json=EXAM, headers=NOW)

        assert [first.status_code, second.status_code, third.status_code] == [201, 422, 429]
        assert student.get(f"/exams/{first.json()['id']}").status_code == 200
    assert served.writer.bells.qsize() == 1


def test_all_doors_count_together_and_at_once(redis: Redis) -> None:
    """Two limiters stand for two processes; no order of their calls lets one more through."""
    user = uuid4()
    doors = [limits(redis, calls=Rate(10, 3600)) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda call: doors[call % 2](user, Kind.CALLS), range(40)))

    assert waits.count(0) == 10


def test_a_bucket_refills_all_the_time(redis: Redis) -> None:
    user, limit = uuid4(), limits(redis, calls=Rate(5, 0.5))
    waits = [limit(user, Kind.CALLS) for _ in range(6)]

    assert waits[:5] == [0] * 5
    assert 0 < waits[5] <= 0.1
    assert 0 < redis.pttl(f"tafawoq:rate:calls:{user}") <= 500  # what nobody uses is forgotten


def test_without_a_limit_redis_is_not_asked(redis: Redis) -> None:
    limit = limits(redis, calls=Rate(0, 60))

    assert [limit(uuid4(), Kind.CALLS) for _ in range(3)] == [0] * 3
    assert redis.dbsize() == 0


def test_without_redis_everybody_may_call(serve: Serve) -> None:
    with make_redis(RedisSettings(redis_url="redis://127.0.0.1:1/0"), timeout_s=1) as away:
        served = serve(limits=limits(away, calls=Rate(1, 3600)))
        with served.client(uuid4()) as student:
            assert [student.get("/exams").status_code for _ in range(3)] == [200] * 3


def test_a_redis_that_is_silent_is_asked_once_and_then_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with make_redis(RedisSettings(redis_url=url), timeout_s=0.1) as redis:
            limit = limits(redis, calls=Rate(1, 3600))
            assert [limit(uuid4(), Kind.CALLS) for _ in range(20)] == [0] * 20
        assert connections(silent) == 1


def connections(listener: socket.socket) -> int:
    """How many clients have connected and wait to be taken."""
    listener.setblocking(False)
    for count in itertools.count():
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
    raise AssertionError
