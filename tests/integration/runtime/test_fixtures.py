from __future__ import annotations

import psycopg
import redis

from runtime.settings import DatabaseSettings


def test_a_test_database_is_utf8_and_empty(empty_database: DatabaseSettings) -> None:
    with psycopg.connect(empty_database.libpq_url) as connection:
        encoding = connection.execute("SHOW server_encoding").fetchone()
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()

    assert encoding == ("UTF8",)
    assert tables == (0,)


def test_a_test_redis_is_empty(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
