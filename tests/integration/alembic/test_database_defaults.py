"""Whatever the owner of a database set as its defaults, migrations and stores do the same work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.batches import BatchStore
from db.engine import make_engine
from db.notify import Listener
from db.sessions import SessionStore
from generation.model import SessionKind
from runtime.settings import DatabaseSettings
from tests.integration.alembic.conftest import Alembic, Db
from tests.integration.db.exams import STUDENT, exam_plan, make_ready

DEFAULTS = {
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "IntervalStyle": ["sql_standard", "iso_8601"],
    "TimeZone": ["Asia/Riyadh", "America/St_Johns"],
    "search_path": ["''", "nowhere", '"$user", extensions', "pg_catalog, public"],
    "lc_messages": ["C"],
    "lc_monetary": ["C"],
    "standard_conforming_strings": ["off"],
    "backslash_quote": ["off"],
    "default_transaction_isolation": ["serializable", "'repeatable read'"],
    "default_transaction_deferrable": ["on"],
    "bytea_output": ["escape"],
    "extra_float_digits": ["-15"],
    "statement_timeout": ["'1s'"],
    "lock_timeout": ["'1ms'"],
    "idle_in_transaction_session_timeout": ["'1s'"],
    "idle_session_timeout": ["'300ms'"],
    "client_encoding": ["LATIN1", "SQL_ASCII", "WIN1256"],
    "row_security": ["off"],
    "quote_all_identifiers": ["on"],
    "transform_null_equals": ["on"],
    "array_nulls": ["off"],
}
CASES = [(name, value) for name, values in DEFAULTS.items() for value in values]


@pytest.mark.parametrize("session_mode", [True, False], ids=["session", "pooler"])
@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={value}" for name, value in CASES])
def test_a_default_of_the_database_changes_nothing(  # noqa: PLR0917 - fixtures
    alembic: Alembic, db: Db, empty_database: DatabaseSettings, name: str, value: str, session_mode: bool
) -> None:
    default(db, name, value)
    alembic("upgrade", "head")
    assert "No new upgrade operations detected." in alembic("check")

    whole_exam(empty_database.model_copy(update={"database_session_mode": session_mode}))


def test_migrations_work_where_transactions_are_read_only_unless_they_say_otherwise(
    alembic: Alembic, db: Db
) -> None:
    """The stores do not say otherwise: the owner, or the platform of a full disk, wants no writes."""
    default(db, "default_transaction_read_only", "on")
    alembic("upgrade", "head")
    with psycopg.connect(db.info.dsn, password=db.info.password) as other:
        assert other.execute("SELECT count(*) FROM generation.plans").fetchone() == (0,)


def default(db: Db, name: str, value: str) -> None:
    if not value.startswith("'") and name != "search_path":
        value = f"'{value}'"
    db.execute(f"ALTER DATABASE {db.info.dbname} SET {name} = {value}".encode())


def whole_exam(settings: DatabaseSettings) -> None:
    """An exam, and what comes back: texts, moments, numbers."""
    engine = make_engine(settings, "tests")
    try:
        sessions, batches = SessionStore(engine), BatchStore(engine)
        session_id = sessions.create(STUDENT, exam_plan(), idempotency_key="k").session_id
        make_ready(batches, session_id, 0)
        batches.sweep(10, 10)
        view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
        assert abs(view.created_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert view.generated_batches == 1
        assert view.questions[0]["stem"] == "السؤال 0"
        sessions.cancel(session_id)
        sessions.publish_endings(10)
        assert sessions.view(session_id, SessionKind.EXAM, STUDENT).status == "abandoned"
        assert [one.id for one in sessions.page(STUDENT, SessionKind.EXAM, 5)] == [session_id]
    finally:
        engine.dispose()


def test_the_connection_that_listens_may_rest_longer_than_the_database_allows(
    alembic: Alembic, db: Db, empty_database: DatabaseSettings
) -> None:
    """Every loss of it means that students see new questions seconds later."""
    default(db, "idle_session_timeout", "'200ms'")
    alembic("upgrade", "head")
    with Listener(empty_database) as listener:
        assert list(listener.wait(0.6)) == []
        assert list(listener.wait(0.1)) == []
