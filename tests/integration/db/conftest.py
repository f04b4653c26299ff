from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.batches import BatchStore
from db.events import EventLog
from db.ledger import LedgerStore
from db.sessions import SessionStore
from tests.integration.db.exams import new_session


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
    """What the web app, an operator or the passing of time would do to the rows."""

    def run(statement: str, **values: Any) -> Any:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else result.rowcount

    return run
