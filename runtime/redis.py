"""Connections to Redis, with time limits that keep a silent server from holding anybody."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from runtime.settings import RedisSettings

#: The library's own limit is lower than a worker's number of threads, and its refusal looks like an outage.
_MORE_THAN_THREADS = 2000


def make_redis(settings: RedisSettings, *, timeout_s: float) -> Redis:
    """A client for quick questions: no retry, at most `timeout_s` for each, its pool shared by all threads.

    Redis is speed, not truth: a caller that gets an error goes on without it rather than wait.
    """
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=10,
        max_connections=_MORE_THAN_THREADS,
    )
