"""A link to Postgres on which packets vanish: no reset, no error, no answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, text

from db.engine import make_engine
from db.errors import DatabaseUnreachable
from runtime.settings import DatabaseSettings
from tests.support.link import Link

#: The statement timeout, and the time within which a caller must be free: twice the longest silence.
STATEMENT_MS, FREE_WITHIN_S = 200, 2 * (0.2 * 1.25 + 1) + 3


@pytest.fixture
def link(database: DatabaseSettings) -> Iterator[Link]:
    server = urlsplit(database.libpq_url)
    with Link(to=(server.hostname or "", server.port or 5432)) as link:
        yield link


@pytest.fixture
def far(database: DatabaseSettings, link: Link) -> Iterator[Engine]:
    """An engine at the other end of the link."""
    port = urlsplit(database.libpq_url).port
    url = database.database_url.replace(f":{port}/", f":{link.port}/")
    settings = database.model_copy(
        update={
            "database_url": url,
            "database_statement_timeout_ms": STATEMENT_MS,
            "database_connect_timeout_s": 2,
            "database_pool_size": 1,
            "database_pool_overflow": 0,
        }
    )
    engine = make_engine(settings, "far")
    yield engine
    engine.dispose()


def ask(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT 1")).scalar_one())


def test_a_statement_on_a_dead_link_ends_soon_after_its_timeout(far: Engine, link: Link) -> None:
    with far.connect() as connection:
        connection.execute(text("SELECT 1"))
        link.go_dead()
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable):
            connection.execute(text("SELECT 2"))
    assert time.monotonic() - began < FREE_WITHIN_S


def test_a_pooled_connection_that_died_silently_is_detected_and_replaced(far: Engine, link: Link) -> None:
    assert ask(far) == 1
    link.go_dead()
    began = time.monotonic()
    with pytest.raises(DatabaseUnreachable):
        ask(far)
    assert time.monotonic() - began < FREE_WITHIN_S + 2, "the ping, then the time to connect"
    link.come_back()
    assert ask(far) == 1


def test_a_slow_answer_does_not_count_as_a_dead_link(far: Engine) -> None:
    with far.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 2000"))
        connection.execute(text("SELECT pg_sleep(0.6)"))
    assert ask(far) == 1
