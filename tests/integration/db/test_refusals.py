"""What the engine does when Postgres, or a pooler before it, refuses: its words, few logins, and work that goes on."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from db.engine import ReadOnlyPauses, make_engine
from db.errors import DatabaseStruggling, DatabaseUnreachable
from db.events import EventLog
from db.pool import ReconnectGate
from db.refusals import Cause, refusal_of
from runtime.database_address import DatabaseAddress
from runtime.settings import DatabaseSettings
from tests.support.mistaken_servers import pgbouncer

PASSWORD = "hunter2-for-a-role"
NEEDS_POOLER = pytest.mark.skipif(
    shutil.which("pgbouncer", path="/usr/bin:/usr/sbin:/usr/local/bin") is None,
    reason="pgbouncer is not installed",
)


@contextmanager
def engine_of(url: str, **changes: object) -> Iterator[Engine]:
    engine = make_engine(DatabaseSettings(database_url=url).model_copy(update=changes), "tests")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def role(database: DatabaseSettings, options: str = "") -> Iterator[str]:
    """The address of the database for a role that may do everything there, until the block ends."""
    url = urlsplit(database.libpq_url)
    with psycopg.connect(database.libpq_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE limited LOGIN {options} PASSWORD '{PASSWORD}'")
        admin.execute("GRANT pg_read_all_data, pg_write_all_data TO limited")
        try:
            yield f"postgresql://limited:{PASSWORD}@{url.hostname}:{url.port}{url.path}"
        finally:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'limited'"
            )
            admin.execute("DROP OWNED BY limited")
            admin.execute("DROP ROLE limited")


def work(engine: Engine) -> int:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(0.02)"))
        return int(connection.execute(text("SELECT 1")).scalar_one())


def test_with_a_connection_limit_all_the_work_of_many_threads_is_done(database: DatabaseSettings) -> None:
    with (
        role(database, "CONNECTION LIMIT 3") as url,
        engine_of(url) as engine,
        engine_of(url) as other,
        ThreadPoolExecutor(24) as threads,
    ):
        done = list(threads.map(work, [engine, other] * 60))

    assert done == [1] * 120


def test_a_limit_that_others_use_up_is_waited_for(database: DatabaseSettings) -> None:
    with role(database, "CONNECTION LIMIT 1") as url, engine_of(url) as engine:
        other = psycopg.connect(url)
        closing = threading.Timer(1, other.close)
        closing.start()
        try:
            assert work(engine) == 1
        finally:
            closing.join()
            other.close()


_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'limited'"


def test_a_pool_leaves_other_processes_their_share(database: DatabaseSettings) -> None:
    with role(database, "CONNECTION LIMIT 12") as url, engine_of(url) as engine:
        with ThreadPoolExecutor(12) as threads:
            list(threads.map(work, [engine] * 24))
        with psycopg.connect(database.libpq_url, autocommit=True) as admin:
            used = admin.execute(_CONNECTIONS).fetchone()
            deadline = time.monotonic() + 10
            # The process of a closed connection ends a moment later.
            while used != (2,) and time.monotonic() < deadline:
                admin.execute("SELECT pg_sleep(0.02)")
                used = admin.execute(_CONNECTIONS).fetchone()

    assert used == (2,)


def test_a_share_that_is_in_use_for_too_long_is_said_and_not_exceeded(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine.POOL_TIMEOUT_S", 0.1)
    with role(database, "CONNECTION LIMIT 12") as url, engine_of(url) as engine:
        work(engine)  # the first connection learns the limit
        with engine.connect(), engine.connect(), pytest.raises(NoConnectionFree):
            work(engine)


def test_a_server_that_refuses_is_asked_seldom_and_quoted(database: DatabaseSettings) -> None:
    wrong = database.libpq_url.replace(urlsplit(database.libpq_url).password or "", "another")
    with structlog.testing.capture_logs() as events, engine_of(wrong) as engine:
        until = time.monotonic() + 2

        def ask(_: int) -> None:
            for number in itertools.count():
                if number >= 20 and time.monotonic() > until:
                    return
                with pytest.raises(DatabaseUnreachable, match="password authentication failed"):
                    work(engine)
                time.sleep(0.01)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ask, range(8)))

    refusals = [event for event in events if event["event"] == "postgres_refuses"]
    assert len(refusals) == 1  # the same words are logged once
    assert "Correct the user and the password" in refusals[0]["remedy"]


def test_the_gate_lets_one_try_after_each_pause() -> None:
    now = 0.0
    gate = ReconnectGate(clock=lambda: now)
    address = DatabaseAddress.of("postgresql://h/d")
    error = psycopg.OperationalError("password authentication failed")
    logins = 0
    for _ in range(2500):  # 25 seconds in steps of 10 ms
        now += 0.01
        try:
            gate.enter()
        except psycopg.OperationalError:
            continue
        logins += 1
        gate.refused(error, refusal_of(error, address))
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            gate.enter()

    assert logins < 20


@contextmanager
def read_only(database: DatabaseSettings) -> Iterator[None]:
    name = urlsplit(database.libpq_url).path.lstrip("/")
    with psycopg.connect(database.libpq_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def write(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE nothing ()"))


def test_a_read_only_database_is_named_and_reconnected_seldom(database: DatabaseSettings) -> None:
    pids: set[int] = set()
    with read_only(database), engine_of(database.libpq_url) as engine:
        with pytest.raises(DatabaseStruggling, match="takes no writes"):
            EventLog(engine).require_writes()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            with engine.connect() as connection:
                pids.add(int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one()))
                with pytest.raises(DatabaseStruggling, match="read-only"):
                    write(connection)

    assert len(pids) <= 4


def test_a_read_only_server_is_left_after_growing_pauses() -> None:
    now = 0.0
    pauses = ReadOnlyPauses(clock=lambda: now)
    reconnected = []
    for _ in range(2500):
        now += 0.01
        if pauses.may_reconnect():
            reconnected.append(now)

    assert reconnected[0] == pytest.approx(0.01)
    assert len(reconnected) <= 6


@NEEDS_POOLER
def test_behind_a_transaction_pooler_session_mode_is_refused_with_the_setting(
    database: DatabaseSettings,
) -> None:
    pooler = pgbouncer(database.libpq_url)
    with pooler as url, engine_of(url) as engine, pytest.raises(DatabaseUnreachable) as refused:
        work(engine)
    with pgbouncer(database.libpq_url) as url, engine_of(url, database_session_mode=False) as engine:
        assert work(engine) == 1

    assert "unsupported startup parameter" in str(refused.value)
    assert refused.value.remedy.endswith("Set DATABASE_SESSION_MODE=false.")


@NEEDS_POOLER
def test_a_pooler_that_drops_our_time_limits_is_noticed(database: DatabaseSettings) -> None:
    ignoring = pgbouncer(database.libpq_url, ignore_startup_parameters="options")
    with structlog.testing.capture_logs() as events, ignoring as url, engine_of(url) as engine:
        work(engine)

    assert [event["event"] for event in events if event["log_level"] == "warning"] == [
        "pooler_ignores_options"
    ]


@NEEDS_POOLER
def test_a_prepared_statement_that_a_pooler_mixed_up_is_explained(database: DatabaseSettings) -> None:
    mixing = pgbouncer(database.libpq_url, ignore_startup_parameters="options", default_pool_size="1")
    with (
        mixing as url,
        engine_of(url) as engine,
        engine_of(url) as other,
        pytest.raises(DatabaseUnreachable) as refused,
    ):
        _in_turns(engine, other)

    assert "prepared statement" in str(refused.value)
    assert refused.value.remedy.endswith("Set DATABASE_SESSION_MODE=false.")


def _in_turns(*engines: Engine) -> None:
    for engine in engines * 20:
        work(engine)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("FATAL: MaxClientsInSessionMode: max clients reached - in Session mode", Cause.FULL),
        ("FATAL: (EMAXCONNSESSION) max clients reached in session mode - max clients are", Cause.FULL),
        ("FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute", Cause.FULL),
        ('FATAL: too many connections for role "tafawoq_app"', Cause.FULL),
        ("FATAL: sorry, too many clients already", Cause.FULL),
        ("FATAL: no more connections allowed (max_client_conn)", Cause.FULL),
        ("FATAL: unsupported startup parameter in options: statement_timeout", Cause.POOLER),
        ('prepared statement "_pg3_0" already exists', Cause.POOLER),
        ("FATAL: Tenant or user not found", Cause.TENANT),
        ('FATAL: password authentication failed for user "postgres"', Cause.LOGIN),
        ("fe_sendauth: no password supplied", Cause.LOGIN),
        ('FATAL: role "nobody" does not exist', Cause.LOGIN),
        ('FATAL: database "nothing" does not exist', Cause.NO_DATABASE),
        ('FATAL: permission denied for database "postgres"', Cause.NOT_ALLOWED),
        (
            'FATAL: no pg_hba.conf entry for host "10.0.0.7", user "u", database "d", SSL encryption',
            Cause.NOT_ALLOWED,
        ),
        (
            'FATAL: no pg_hba.conf entry for host "10.0.0.7", user "u", database "d", no encryption',
            Cause.TLS_REQUIRED,
        ),
        ("FATAL: SSL connection is required", Cause.TLS_REQUIRED),
        ("server does not support SSL, but SSL was required", Cause.NO_TLS),
        ("SSL error: certificate verify failed", Cause.CERTIFICATE),
        ('server certificate for "a" does not match host name "b"', Cause.CERTIFICATE),
        ("FATAL: the database system is starting up", Cause.STARTING),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", Cause.NAME),
        ("connection failed: Network is unreachable", Cause.NETWORK),
        ("connection timeout expired", Cause.TIMEOUT),
        ("Connection refused", Cause.AWAY),
        ("FATAL: something of tomorrow", Cause.OTHER),
    ],
)
def test_the_words_of_servers_and_poolers_are_understood(said: str, cause: Cause) -> None:
    address = DatabaseAddress.of("postgresql://u:hunter2@h/d")
    refusal = refusal_of(psycopg.OperationalError(f"{said} hunter2"), address)

    assert refusal.cause is cause
    assert said.rstrip(".") in refusal.says
    assert "hunter2" not in f"{refusal}"
