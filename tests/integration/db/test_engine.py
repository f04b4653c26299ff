"""The engine with a server that is slow, disappears, or is behind a transaction pooler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from db.batches import BatchStore
from db.engine import make_engine
from db.errors import DatabaseStruggling, DatabaseUnreachable, QuestionUnstorable
from db.notify import Listener
from db.sessions import SessionStore
from generation.model import SessionKind
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, claimed, fill, make_ready, new_session, question_for
from tests.integration.db.races import until
from tools.stack.ports import free_port

LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


@contextmanager
def engine_with(settings: DatabaseSettings, **changes: object) -> Iterator[Engine]:
    engine = make_engine(settings.model_copy(update=changes), "tests")
    try:
        yield engine
    finally:
        engine.dispose()


def unreachable_server() -> DatabaseSettings:
    return DatabaseSettings(database_url=f"postgresql://user:secret@127.0.0.1:{free_port()}/exams")


def test_an_unreachable_server_is_one_sentence_without_a_secret() -> None:
    settings = unreachable_server()
    with engine_with(settings) as engine, pytest.raises(DatabaseUnreachable) as caught:
        SessionStore(engine).page(STUDENT, SessionKind.EXAM, 1)
    with pytest.raises(DatabaseUnreachable) as other:
        Listener(settings)

    for message in (str(caught.value), str(other.value)):
        assert "127.0.0.1" in message
        assert "DATABASE_URL" in message
        assert "secret" not in message


def test_a_connection_that_breaks_in_a_transaction_is_noticed_and_replaced(engine: Engine) -> None:
    def work() -> None:
        with engine.begin() as connection:
            _terminate(engine, _pid(connection))
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnreachable):
        work()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_a_connection_that_broke_in_the_pool_is_replaced_unnoticed(
    engine: Engine, database: DatabaseSettings
) -> None:
    with engine.connect() as connection:
        pooled = _pid(connection)
    with engine_with(database) as other:
        _terminate(other, pooled)

    with engine.connect() as connection:
        assert _pid(connection) != pooled


@pytest.mark.parametrize("session_mode", [True, False])
def test_statements_and_locks_have_timeouts_in_both_modes(
    database: DatabaseSettings, session_mode: bool
) -> None:
    with engine_with(
        database,
        database_session_mode=session_mode,
        database_statement_timeout_ms=200,
        database_lock_timeout_ms=100,
    ) as engine:
        with engine.begin() as connection:
            shown = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in LIMITS]
        assert shown == ["200ms", "100ms", "10s"]
        with pytest.raises(DatabaseStruggling), engine.begin() as connection:
            connection.execute(text("SELECT pg_sleep(5)"))


def test_an_idle_transaction_that_the_server_ended_counts_as_a_broken_connection(engine: Engine) -> None:
    """psycopg raises an InternalError, not an OperationalError."""
    idled: list[int] = []

    def work() -> None:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
            idled.append(_pid(connection))
            until(lambda: _is_gone(engine, idled[0]))
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnreachable) as caught:
        work()
    assert "IdleInTransaction" in repr(caught.value.__cause__)


def test_a_transaction_pooler_sees_no_prepared_statement_and_no_session_state(
    database: DatabaseSettings,
) -> None:
    with engine_with(database, database_session_mode=False, database_pool_size=1) as engine:
        session_id = new_session(SessionStore(engine))
        for index in range(3):
            make_ready(BatchStore(engine), session_id, index)
        for _ in range(10):
            SessionStore(engine).view(session_id, SessionKind.EXAM, STUDENT)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0
            connection.rollback()
            connection.connection.driver_connection.autocommit = True  # type: ignore[union-attr]  # psycopg's
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"


@pytest.mark.parametrize("stem", ["نص \x00 مقطوع", "نص \ud800 مقطوع"])
def test_a_question_that_postgres_cannot_store_is_rejected_without_being_quoted(
    store: BatchStore, sessions: SessionStore, stem: str
) -> None:
    claim = claimed(store, new_session(sessions))
    broken = replace(question_for(claim.open_slots[0]), stem=stem)
    with pytest.raises(QuestionUnstorable) as caught:
        store.accept(claim, broken, uuid4(), "claude")

    assert "مقطوع" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    fill(store, claim)
    store.finish(claim)


def _pid(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _terminate(engine: Engine, pid: int) -> None:
    """Returns when the server process is gone."""
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def _is_gone(engine: Engine, pid: int) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    with engine.connect() as connection:  # a new transaction each time: it sees one snapshot of the activity
        return not connection.execute(query, {"pid": pid}).scalar_one()
