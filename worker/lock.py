"""The Redis lock: shows within a millisecond whether another worker works on a batch, so that no batch is paid twice.

The lock is for speed only. While Redis is down, every lock counts as free: the claim in Postgres decides, and
its fencing token rejects a second writer. So the lock may fail open, expire or be lost without harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HeldLock:
    """The result of one try: ours, another holder's, or (Redis down) unknown, which counts as ours."""

    held_elsewhere: bool
    lock: Lock | None = None
    ttl_s: float = 0.0

    def release(self) -> None:
        if self.lock is None:
            return
        try:
            self.lock.release()
        except (LockError, RedisError) as err:
            log.info("lock_not_released", error=type(err).__name__)


def renew_locks(held: Iterable[HeldLock]) -> None:
    """Reset the time to live of all locks in one round trip, each by its token.

    A run whose lock is lost goes on; only a lost lease in Postgres stops it.
    """
    locks = [(each.lock, round(each.ttl_s * 1000)) for each in held if each.lock is not None]
    if not locks:
        return
    try:
        redis = locks[0][0].redis
        renew = redis.register_script(Lock.LUA_REACQUIRE_SCRIPT)
        with redis.pipeline(transaction=False) as pipe:
            for lock, ttl_ms in locks:
                renew([lock.name], [lock.local.token, ttl_ms], pipe)
            results = pipe.execute()
    except RedisError as err:
        log.warning("locks_not_renewed", error=type(err).__name__)
        return
    if lost := results.count(0):
        log.info("locks_lost", count=lost)


class BatchLock:
    """One lock per batch, with an owner token. Safe to use from any thread."""

    def __init__(self, redis: Redis, *, prefix: str, ttl_s: float) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl_s = ttl_s

    @contextmanager
    def taken(self, session_id: UUID, batch_index: int) -> Iterator[HeldLock]:
        """Try once and never wait. The lock is released at the end, by its token: a later holder keeps its lock."""
        held = self._try(session_id, batch_index)
        try:
            yield held
        finally:
            held.release()

    def _try(self, session_id: UUID, batch_index: int) -> HeldLock:
        lock = self._redis.lock(
            f"{self._prefix}batch:{session_id}:{batch_index}",
            timeout=self._ttl_s,
            blocking=False,
            thread_local=False,  # the heartbeat thread renews locks that task threads acquired
        )
        try:
            acquired = lock.acquire()
        except RedisError as err:
            log.warning("lock_unknown", error=type(err).__name__)
            return HeldLock(held_elsewhere=False)
        return HeldLock(not acquired, lock if acquired else None, self._ttl_s)
