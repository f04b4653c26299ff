"""Connections to Redis, with time limits, so that no caller hangs on a silent server."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from runtime.settings import RedisSettings

#: The library's default limit is lower than the number of a worker's threads, and its error looks like an outage.
_MORE_THAN_THREADS = 2000


def make_redis(settings: RedisSettings, *, timeout_s: float) -> Redis:
    """A client for quick commands: no retry, at most `timeout_s` each, one pool for all threads.

    Redis only makes things faster: a caller that gets an error goes on without it.
    """
    return Redis(
        **_arguments(settings, timeout_s), retry=Retry(NoBackoff(), 0), max_connections=_MORE_THAN_THREADS
    )


def make_async_redis(settings: RedisSettings, *, timeout_s: float) -> AsyncRedis:
    """The same for an event loop: it belongs to the loop of its first command."""
    return AsyncRedis(**_arguments(settings, timeout_s), retry=AsyncRetry(NoBackoff(), 0))


def _arguments(settings: RedisSettings, timeout_s: float) -> dict[str, Any]:
    return {
        **settings.redis_address.arguments(),
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 10,
    }
