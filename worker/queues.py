"""The lengths of the broker's queues, read from Redis within the time limit of its client."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError


@dataclass(frozen=True)
class Queues:
    """kombu keeps each queue in a list with the queue's name after our prefix."""

    redis: Redis
    prefix: str

    def is_empty(self, name: str) -> bool:
        """Whether no message waits in the queue; False also when Redis does not answer."""
        try:
            return not self.redis.llen(f"{self.prefix}{name}")
        except RedisError:
            return False
