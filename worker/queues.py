"""The lengths of the broker's queues, read from Redis within the time limit of its client."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError


@dataclass(frozen=True)
class Queues:
    """The broker's queues. kombu keeps each in a Redis list, named by our prefix and the queue's name."""

    redis: Redis
    prefix: str

    def is_empty(self, name: str) -> bool:
        """Whether no message waits in the queue; False also when Redis does not answer."""
        try:
            return not self.redis.llen(f"{self.prefix}{name}")
        except RedisError:
            return False
