"""What waits in the broker's queues, asked of Redis itself within the time limit of its client."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError


@dataclass(frozen=True)
class Queues:
    """kombu keeps a queue in a list of the same name, behind our prefix."""

    redis: Redis
    prefix: str

    def is_empty(self, name: str) -> bool:
        """Whether no message waits there; False also when Redis does not say."""
        try:
            return not self.redis.llen(f"{self.prefix}{name}")
        except RedisError:
            return False
