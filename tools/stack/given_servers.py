"""Whether the servers that the environment names can be used, checked before anything is started."""

from __future__ import annotations

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from db.refusals import refusal_of
from runtime.redis_refusals import redis_refusal
from runtime.settings import DatabaseSettings, RedisSettings
from tools.stack.child import StartFailed


def require_database(settings: DatabaseSettings) -> None:
    """Raises StartFailed with a sentence that shows no password."""
    try:
        psycopg.connect(settings.libpq_url, connect_timeout=5).close()
    except psycopg.Error as err:
        refusal = refusal_of(err, settings.database_address)
        raise StartFailed(
            f"DATABASE_URL names a Postgres at {settings.database_address.place}, and it cannot be used: "
            f"{refusal.says}. {refusal.remedy} Without the variable an embedded one is started."
        ) from err


def require_redis(settings: RedisSettings) -> None:
    """Raises StartFailed with a sentence that shows no password."""
    once = Retry(NoBackoff(), 0)
    address = settings.redis_address
    with redis.Redis(**address.arguments(), socket_connect_timeout=5, socket_timeout=5, retry=once) as client:
        try:
            client.ping()
        except redis.RedisError as err:
            refusal = redis_refusal(err, address.password)
            raise StartFailed(
                f"REDIS_URL names a Redis at {address.place}, and it cannot be used: {refusal.says}. "
                f"{refusal.remedy} Without the variable an embedded one is started."
            ) from err
