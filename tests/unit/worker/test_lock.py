from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from fakeredis import FakeRedis, FakeServer
from structlog.testing import capture_logs

from worker.lock import BatchLock, renew_locks


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis(server=FakeServer())


@pytest.fixture
def session_id() -> UUID:
    return uuid4()


def make_lock(redis: FakeRedis, ttl_s: float = 5) -> BatchLock:
    return BatchLock(redis, prefix="test:", ttl_s=ttl_s)


def test_the_second_taker_of_a_batch_is_told_at_once(redis: FakeRedis, session_id: UUID) -> None:
    with make_lock(redis).taken(session_id, 3) as mine, make_lock(redis).taken(session_id, 3) as theirs:
        assert not mine.held_elsewhere
        assert theirs.held_elsewhere


def test_different_batches_do_not_meet(redis: FakeRedis, session_id: UUID) -> None:
    lock = make_lock(redis)
    with lock.taken(session_id, 3), lock.taken(session_id, 4) as next_batch:
        assert not next_batch.held_elsewhere


def test_a_lock_is_free_after_its_block_even_if_the_block_raises(redis: FakeRedis, session_id: UUID) -> None:
    lock = make_lock(redis)
    with pytest.raises(ZeroDivisionError), lock.taken(session_id, 0):
        raise ZeroDivisionError
    with lock.taken(session_id, 0) as again:
        assert not again.held_elsewhere


def test_the_refused_taker_does_not_free_the_holders_lock(redis: FakeRedis, session_id: UUID) -> None:
    lock = make_lock(redis)
    with lock.taken(session_id, 0):
        with lock.taken(session_id, 0):
            pass
        with lock.taken(session_id, 0) as third:
            assert third.held_elsewhere


def test_a_late_release_leaves_the_next_holders_lock_alone(redis: FakeRedis, session_id: UUID) -> None:
    lock = make_lock(redis)
    with lock.taken(session_id, 0):
        redis.flushall()  # the lock of the first holder is lost
        second = lock.taken(session_id, 0)
        second.__enter__()
    with lock.taken(session_id, 0) as third:
        assert third.held_elsewhere
    second.__exit__(None, None, None)


def test_renewing_resets_the_time_to_live_from_another_thread(redis: FakeRedis, session_id: UUID) -> None:
    with (
        make_lock(redis, ttl_s=50).taken(session_id, 0) as held,
        make_lock(redis).taken(session_id, 1) as other,
    ):
        keys = redis.keys("test:*")
        for key in keys:
            redis.pexpire(key, 1000)
        renew_locks([held, other])
        assert sorted(redis.pttl(key) > 40_000 for key in keys) == [False, True]
        assert min(redis.pttl(key) for key in keys) > 4000


def test_renewing_a_lost_lock_is_no_error_and_does_not_take_it_again(
    redis: FakeRedis, session_id: UUID
) -> None:
    with make_lock(redis).taken(session_id, 0) as held:
        redis.flushall()
        renew_locks([held])
        assert redis.keys("*") == []


def test_without_redis_everybody_may_work(session_id: UUID) -> None:
    """The lock fails open: the claim in Postgres decides."""
    server = FakeServer()
    server.connected = False
    with make_lock(FakeRedis(server=server)).taken(session_id, 0) as held:
        assert not held.held_elsewhere
        renew_locks([held])


def test_redis_going_away_under_a_held_lock_is_told_and_harmless(session_id: UUID) -> None:
    server = FakeServer()
    with capture_logs() as logs, make_lock(FakeRedis(server=server)).taken(session_id, 0) as held:
        server.connected = False
        renew_locks([held])
    assert [line["event"] for line in logs] == ["locks_not_renewed", "lock_not_released"]
