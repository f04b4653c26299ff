"""Connections to Redis, with time limits, so that no caller hangs on a silent server."""

from __future__ import annotations

from redis import Redis
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
        **settings.redis_address.arguments(),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=10,
        max_connections=_MORE_THAN_THREADS,
    )
