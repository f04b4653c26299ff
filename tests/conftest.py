"""Real servers for tests: one Postgres and one Redis a test process, a fresh database and an empty Redis a test.

DATABASE_URL and REDIS_URL replace the embedded servers; the tests then make and drop databases of their own on
the first, and use the second only when it is empty, because they empty it again and again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
import structlog
from hypothesis import HealthCheck, settings

from runtime.settings import DatabaseSettings
from tests.support.databases import Databases
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: For every property test, whichever folders a run begins with: a slow machine is not a defect.
settings.register_profile(
    "tests", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

_DAY_S = 86_400
#: In which a test that counts a day's calls or money is surely over.
_A_TEST_S = 30

_KEYS_THAT_SPEND_MONEY = ("ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")


@pytest.fixture(scope="session", autouse=True)
def _no_test_spends_money() -> None:
    for name in _KEYS_THAT_SPEND_MONEY:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A process's main function routes all logging to its standard output: here, that of one test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    if root.handlers != handlers or root.level != level:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("httpx2").setLevel(logging.NOTSET)
        structlog.reset_defaults()


@pytest.fixture
def same_day() -> None:
    """No midnight UTC comes during the test: where one is near, the test begins after it."""
    left_s = _DAY_S - time.time() % _DAY_S
    if left_s < _A_TEST_S:
        time.sleep(left_s)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A superuser's URL of a running Postgres."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Iterator[Databases]:
    """Where migrated databases are cloned from a template that Alembic filled once."""
    with Databases(postgres_url) as databases:
        yield databases


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[DatabaseSettings]:
    """A database without a table, for tests of migrations."""
    with databases.empty() as url:
        yield DatabaseSettings(database_url=url)


@pytest.fixture
def database(databases: Databases) -> Iterator[DatabaseSettings]:
    """A database as `alembic upgrade head` leaves it, for this test alone."""
    with databases.migrated() as url:
        yield DatabaseSettings(database_url=url)


@pytest.fixture
def engine(database: DatabaseSettings) -> Iterator[Engine]:
    from db.engine import make_engine

    engine = make_engine(database, "tests")
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def redis_server_url(worker_number: int) -> Iterator[str]:
    """The URL of a Redis database that this test process has for itself."""
    given = os.environ.get("REDIS_URL")
    if not given:
        with EmbeddedRedis(durable=False) as server:
            yield server.url
        return
    url = urlunsplit(urlsplit(given)._replace(path=f"/{worker_number}"))
    with redis.Redis.from_url(url) as client:
        if client.dbsize():
            pytest.exit(
                "REDIS_URL names a Redis that is not empty, and the tests would empty it. Give them another."
            )
    yield url


@pytest.fixture(scope="session")
def worker_number() -> int:
    """Of this process among the test processes: 0 when there is one."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """The URL of an empty Redis, for this test alone."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client
