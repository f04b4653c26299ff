from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, text

from db.batches import BatchStore
from db.events import EventLog
from db.ledger import LedgerStore
from db.sessions import SessionStore
from db.tables import metadata
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import new_session
from tests.support.databases import Databases


@pytest.fixture(scope="module")
def migrated(databases: Databases) -> Iterator[DatabaseSettings]:
    with databases.migrated() as url:
        yield DatabaseSettings(database_url=url)


@pytest.fixture
def database(migrated: DatabaseSettings) -> DatabaseSettings:
    """A migrated database with empty tables: emptying them is quicker than cloning a database for each test."""
    tables = ", ".join(f"{table.schema}.{table.name}" for table in metadata.sorted_tables)
    with psycopg.connect(migrated.libpq_url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}".encode())
    return migrated


@pytest.fixture
def sessions(engine: Engine) -> SessionStore:
    return SessionStore(engine)


@pytest.fixture
def store(engine: Engine) -> BatchStore:
    return BatchStore(engine)


@pytest.fixture
def log(engine: Engine) -> EventLog:
    return EventLog(engine)


@pytest.fixture
def ledger(engine: Engine) -> LedgerStore:
    return LedgerStore(engine)


@pytest.fixture
def session_id(sessions: SessionStore) -> UUID:
    """An exam of three batches, of 3, 2 and 2 questions."""
    return new_session(sessions)


@pytest.fixture
def run_sql(engine: Engine) -> Callable[..., Any]:
    """Runs SQL that changes the rows as the web app, an operator or time would."""

    def run(statement: str, **values: Any) -> Any:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else result.rowcount

    return run
