"""Checks, before anything is started, whether the servers that the environment names can be used."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tools.stack.child import StartFailed


def require_database(url: str) -> None:
    """Raises StartFailed with a sentence that shows no password."""
    try:
        psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=5).close()
    except psycopg.Error as err:
        raise StartFailed(
            f"DATABASE_URL names a Postgres at {_place(url)}, and it cannot be used: {_first_line(err)} "
            "Start it or correct DATABASE_URL; without the variable an embedded one is started."
        ) from err


def require_redis(url: str) -> None:
    """Raises StartFailed with a sentence that shows no password."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=once) as client:
        try:
            client.ping()
        except redis.RedisError as err:
            raise StartFailed(
                f"REDIS_URL names a Redis at {_place(url)}, and it cannot be used: {_first_line(err)} "
                "Start it or correct REDIS_URL; without the variable an embedded one is started."
            ) from err


def _place(url: str) -> str:
    """The address without its password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def _first_line(err: Exception) -> str:
    return str(err).strip().split("\n", 1)[0].rstrip(".") + "."
