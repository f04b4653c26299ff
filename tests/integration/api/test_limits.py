from __future__ import annotations

import asyncio
import itertools
import socket
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx2
from redis import Redis

from api.rate_limits import Kind, Rate, SharedLimits
from api.redis_script import CONCURRENT_CALLS
from runtime.settings import RedisSettings
from tests.integration.api.conftest import Serve

MANY = Rate(1000, 60)
EXAM = {"track": "literary"}
PRACTICE = {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
NOW = {"Prefer": "wait=0"}


def limits(
    redis_url: str, *, calls: Rate = MANY, sessions: Rate = MANY, timeout_s: float = 5
) -> SharedLimits:
    settings = RedisSettings(redis_url=redis_url)
    return SharedLimits(settings, {Kind.CALLS: calls, Kind.SESSIONS: sessions}, timeout_s=timeout_s)


async def taken(limit: SharedLimits, times: int, user_id: UUID | None = None) -> list[float]:
    """The waits that one user gets for so many calls at once."""
    user_id = user_id or uuid4()
    try:
        return await asyncio.gather(*(limit.take(user_id, Kind.CALLS) for _ in range(times)))
    finally:
        await limit.close()


def test_a_user_that_calls_too_often_gets_429_with_retry_after(serve: Serve, redis_url: str) -> None:
    served = serve(limits=limits(redis_url, calls=Rate(2, 60)))
    with served.client(uuid4()) as student, served.client(uuid4()) as another:
        statuses = [student.get("/exams").status_code for _ in range(2)]
        rejected = student.get("/exams")

        assert statuses == [200, 200]
        assert rejected.status_code == 429
        assert rejected.json()["code"] == "too_many_requests"
        assert 1 <= int(rejected.headers["Retry-After"]) <= 30
        assert another.get("/exams").status_code == 200


def test_new_sessions_have_their_own_limit_because_each_spends_money(serve: Serve, redis_url: str) -> None:
    served = serve(limits=limits(redis_url, sessions=Rate(1, 3600)))
    with served.client(uuid4()) as student:
        first = student.post("/exams", json=EXAM, headers=NOW)
        second = student.post("/practice", json={"section": "verbal"}, headers=NOW)
        third = student.post("/exams", json=EXAM, headers=NOW)

        assert [first.status_code, second.status_code, third.status_code] == [201, 422, 429]
        assert student.get(f"/exams/{first.json()['id']}").status_code == 200
    assert served.writer.messages.qsize() == 1


def test_all_api_processes_share_one_limit(redis_url: str) -> None:
    """Two limiters represent two processes; no order of their calls allows one call more."""

    async def all_waits() -> list[list[float]]:
        user, apis = uuid4(), [limits(redis_url, calls=Rate(10, 3600)) for _ in range(2)]
        return await asyncio.gather(*(taken(api, 20, user) for api in apis))

    one, other = asyncio.run(all_waits())
    assert (one + other).count(0) == 10


def test_a_bucket_refills_continuously(redis_url: str, redis_client: Redis) -> None:
    user = uuid4()
    waits = sorted(asyncio.run(taken(limits(redis_url, calls=Rate(5, 50)), 6, user)))

    assert waits[:5] == [0] * 5
    assert 0 < waits[5] <= 10
    assert 0 < redis_client.pttl(f"tafawoq:rate:calls:{user}") <= 50_000  # an unused bucket expires


def test_without_a_limit_redis_is_not_asked(redis_url: str, redis_client: Redis) -> None:
    assert asyncio.run(taken(limits(redis_url, calls=Rate(0, 60)), 3)) == [0] * 3
    assert redis_client.dbsize() == 0


def test_without_redis_every_call_is_allowed(serve: Serve) -> None:
    served = serve(limits=limits("redis://127.0.0.1:1/0", calls=Rate(1, 3600)))
    with served.client(uuid4()) as student:
        assert [student.get("/exams").status_code for _ in range(3)] == [200] * 3


def test_a_silent_redis_costs_its_timeout_only_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        limit = limits(url, calls=Rate(1, 3600), timeout_s=0.1)

        assert asyncio.run(taken(limit, 10 * CONCURRENT_CALLS)) == [0] * 10 * CONCURRENT_CALLS
        assert connections(silent) == CONCURRENT_CALLS


def connections(listener: socket.socket) -> int:
    """How many clients have connected and wait to be accepted."""
    listener.setblocking(False)
    for count in itertools.count():
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
    raise AssertionError


def test_a_replay_costs_nothing_of_the_limit_of_sessions(serve: Serve, redis_url: str) -> None:
    served = serve(limits=limits(redis_url, sessions=Rate(2, 3600)))
    with served.client(uuid4()) as student:

        def create(key: str) -> httpx2.Response:
            return student.post("/exams", json=EXAM, headers={**NOW, "Idempotency-Key": key})

        replays = [create("one") for _ in range(5)]
        assert [answer.status_code for answer in replays] == [201] * 5
        assert len({answer.json()["id"] for answer in replays}) == 1
        assert create("two").status_code == 201
        assert [create(key).status_code for key in ("three", "one", "two")] == [429, 201, 201]
        reused = student.post("/practice", json=PRACTICE, headers={**NOW, "Idempotency-Key": "one"})
        assert reused.json()["code"] == "idempotency_key_reused", "which it says beyond the limit, too"
    assert served.writer.messages.qsize() == 2


def test_replays_that_come_together_cost_one_session(serve: Serve, redis_url: str) -> None:
    served = serve(limits=limits(redis_url, sessions=Rate(1, 3600)))
    with served.client(uuid4()) as student, ThreadPoolExecutor(8) as pool:
        headers = {**NOW, "Idempotency-Key": "one"}
        answers = list(pool.map(lambda _: student.post("/exams", json=EXAM, headers=headers), range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert served.writer.messages.qsize() == 1
