"""The Redis lock: says within a millisecond who works on a batch, so that nobody pays twice.

Speed, not safety. When Redis is away every answer is "free": the claim in Postgres decides anyway, and
its fence refuses a second writer. Hence the lock may fail open, expire or be lost without harm.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """The answer to one try: ours, somebody else's, or (Redis away) nobody knows, which counts as ours."""

    held_elsewhere: bool
    lock: Lock | None = None

    def renew(self) -> bool:
        """Reset the lock's time to live; False when Redis does not answer.

        Losing the lock is no reason to stop: losing the lease in Postgres is.
        """
        if self.lock is None:
            return True
        try:
            self.lock.reacquire()
        except LockError:
            log.info("lock_lost", name=self.lock.name)
        except RedisError as err:
            log.warning("lock_not_renewed", error=type(err).__name__)
            return False
        return True

    def release(self) -> None:
        if self.lock is None:
            return
        try:
            self.lock.release()
        except (LockError, RedisError) as err:
            log.info("lock_not_released", error=type(err).__name__)


class BatchLock:
    """One lock a batch, with an owner token; shared by all threads of the process."""

    def __init__(self, redis: Redis, *, prefix: str, ttl_s: float) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl_s = ttl_s

    @contextmanager
    def taken(self, session_id: UUID, batch_index: int) -> Iterator[HeldLock]:
        """Try once, never wait; released on leaving, by token, so that a later holder keeps his."""
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
            thread_local=False,  # the heartbeat thread renews what the task's thread acquired
        )
        try:
            acquired = lock.acquire()
        except RedisError as err:
            log.warning("lock_unknown", error=type(err).__name__)
            return HeldLock(held_elsewhere=False)
        return HeldLock(held_elsewhere=False, lock=lock) if acquired else HeldLock(held_elsewhere=True)
