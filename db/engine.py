"""Connections to Postgres: one engine a process, a timeout on everything, one clear error when it is unreachable."""

from __future__ import annotations

import json
import math
import select
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DisconnectionError

from db.errors import DatabaseStruggling, DatabaseUnreachable
from db.pool import ReconnectGate, SharedPool
from db.refusals import POOLER_REMEDY, READ_ONLY_REMEDY, refusal_of
from runtime.settings import DatabaseSettings

log = structlog.get_logger(__name__)

POOL_TIMEOUT_S = 10
RECYCLE_S = 1800
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

#: After a write was refused because all is read-only, the pool reconnects at once, and then after these pauses.
READ_ONLY_PAUSE_BASE_S = 1.0
READ_ONLY_PAUSE_CAP_S = 30.0

IGNORED_OPTIONS = "a pooler drops our time limits"

_SESSION_MODE = "session_mode"

#: How often a wait checks whether to continue; psycopg's own default.
_WAIT_INTERVAL_S = 0.1

T = TypeVar("T")

#: A dead peer is noticed within about half a minute, not after the kernel's two hours.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

READ_ONLY = "25006"
#: A prepared statement that is not there, or is there already.
POOLED = ("26000", "42P05")
#: SQLSTATEs after which the same transaction may succeed later: a read-only standby, no resources (a full disk,
#: no connections), an operator's stop, an I/O error, a deadlock, a lock timeout or a statement timeout.
TRANSIENT = (READ_ONLY, "53", "57P", "58030", "40001", "40P01", "55P03", "57014")


def make_engine(settings: DatabaseSettings, application_name: str) -> Engine:
    """An engine that connects on first use and may be shared between threads.

    It works on a direct connection and, with database_session_mode off, behind a transaction-pooling proxy.
    Its statements raise DatabaseUnreachable when Postgres cannot be reached or the connection breaks, and
    DatabaseStruggling for the TRANSIENT errors.
    """
    engine = create_engine(
        settings.sqlalchemy_url,
        poolclass=SharedPool,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=RECYCLE_S,
        pool_use_lifo=True,
        hide_parameters=True,  # a parameter may be a question with its key
        json_serializer=partial(json.dumps, ensure_ascii=False),
        # Said with each transaction, because what the database has by default is its owner's affair: statements here
        # are made for READ COMMITTED, and a search_path may lead past the web app's tables.
        isolation_level="READ COMMITTED",
        execution_options={
            _SESSION_MODE: settings.database_session_mode,
            "schema_translate_map": {None: "public"},
        },
        connect_args=connect_arguments(settings, application_name),
    )
    event.listen(engine, "handle_error", partial(_translate_error, settings, ReadOnlyPauses()))
    event.listen(engine, "do_connect", partial(_connect, settings, ReconnectGate()))
    event.listen(engine, "first_connect", partial(_adapt, engine))
    event.listen(engine, "checkout", _discard_if_closed)
    if not settings.database_session_mode:
        event.listen(engine, "begin", partial(_set_parameters, settings))
    return engine


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose waits for an answer are bounded: through a half-open link not even the server's timeouts
    can reach us.
    """

    longest_silence_s: float | None = None

    def wait(self, gen: PQGen[T], interval: float = _WAIT_INTERVAL_S, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.longest_silence_s if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # the statement's outcome is unknown: never reuse this connection
            raise


def _connect(
    settings: DatabaseSettings, gate: ReconnectGate, _dialect: Any, _record: Any, arguments: Any, named: Any
) -> BoundedConnection:
    gate.enter()
    try:
        connection = BoundedConnection.connect(*arguments, **named)
    except psycopg.Error as err:
        gate.refused(err, refusal_of(err, settings.database_address))
        raise
    gate.accepted()
    connection.longest_silence_s = _longest_silence_s(settings)
    return connection


def _adapt(engine: Engine, connection: psycopg.Connection[Any], _record: Any) -> None:
    pool = engine.pool
    if isinstance(pool, SharedPool):
        pool.adapt_to(connection)
    if engine.get_execution_options().get(_SESSION_MODE) and ignores_options(connection):
        log.warning("pooler_ignores_options", says=IGNORED_OPTIONS, remedy=POOLER_REMEDY)


def ignores_options(connection: psycopg.Connection[Any]) -> bool:
    """Whether our time limits did not reach the server: a pooler between us drops them without a word."""
    with suppress(psycopg.Error), connection.transaction(force_rollback=True):
        row = connection.execute("SELECT current_setting('statement_timeout') = '0'").fetchone()
        return row is not None and bool(row[0])
    return False


class ReadOnlyPauses:
    """How often a server that takes no writes is left for a new connection, which may reach another server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pause_s = READ_ONLY_PAUSE_BASE_S
        self._last_at = -math.inf

    def may_reconnect(self) -> bool:
        """True for the first error, and later after pauses that double while the errors go on."""
        with self._lock:
            passed_s = self._clock() - self._last_at
            if passed_s < self._pause_s:
                return False
            is_over = passed_s > READ_ONLY_PAUSE_CAP_S * 2
            self._pause_s = (
                READ_ONLY_PAUSE_BASE_S if is_over else min(self._pause_s * 2, READ_ONLY_PAUSE_CAP_S)
            )
            self._last_at = self._clock()
            return True


def _longest_silence_s(settings: DatabaseSettings) -> float:
    """In seconds. The server answers within its statement timeout, if only with the timeout error."""
    return settings.database_statement_timeout_ms / 1000 * 1.25 + 1


def committing_each(engine: Engine) -> Engine:
    """The same pool in autocommit: each statement is its own transaction, in one round trip instead of three.

    Behind a transaction pooler the engine is returned unchanged: there each transaction first sets its timeouts.
    """
    if not engine.get_execution_options().get(_SESSION_MODE):
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def connect_arguments(settings: DatabaseSettings, application_name: str) -> dict[str, Any]:
    """The connection arguments for psycopg besides the address; also for connections outside the pool."""
    arguments: dict[str, Any] = {
        "application_name": application_name,
        "connect_timeout": settings.database_connect_timeout_s,
        "client_encoding": "UTF8",
        **KEEPALIVE,
    }
    if settings.database_session_mode:
        options = (f"-c {name}={value}" for name, value in _parameters(settings).items())
        return {**arguments, "options": " ".join(options)}
    # A pooler may use another backend for each transaction: no prepared statements, no options at connect.
    return {**arguments, "prepare_threshold": None}


def unreachable(settings: DatabaseSettings, error: BaseException | None = None) -> DatabaseUnreachable:
    """The error, which names the host and port, what the server said, and what helps; never the password."""
    address = settings.database_address
    if error is None:
        return DatabaseUnreachable(
            f"Postgres at {address.place} cannot be reached.",
            remedy="Start it, or correct DATABASE_URL in the environment or in .env.",
        )
    refusal = refusal_of(error, address)
    return DatabaseUnreachable(
        f"Postgres at {address.place} (DATABASE_URL) cannot be used: {refusal.says}.", remedy=refusal.remedy
    )


def read_only() -> DatabaseStruggling:
    return DatabaseStruggling("Postgres takes no writes: it is read-only.", remedy=READ_ONLY_REMEDY)


def _parameters(settings: DatabaseSettings) -> Mapping[str, str]:
    """What we need of Postgres, whatever the defaults of the database and of our account are."""
    return {
        "statement_timeout": str(settings.database_statement_timeout_ms),
        "lock_timeout": str(settings.database_lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
        "idle_session_timeout": "0",  # the connection that listens rests for hours
        "DateStyle": "ISO",  # psycopg reads no moment in another
        "IntervalStyle": "postgres",
        "TimeZone": "UTC",
        "extra_float_digits": "1",
        "standard_conforming_strings": "on",
        "quote_all_identifiers": "off",  # SQLAlchemy would know no type that it reads in quotes
        "row_security": "on",  # off: an error instead of the rows that a policy shows us
    }


def _set_parameters(settings: DatabaseSettings, connection: Connection) -> None:
    """For one transaction only: behind a pooler the database session is shared."""
    parameters = _parameters(settings)
    names = ", ".join(f"set_config('{name}', :{name}, true)" for name in parameters)
    connection.execute(text(f"SELECT {names}"), parameters)


def _discard_if_closed(connection: psycopg.Connection[Any], *_: object) -> None:
    """Make the pool reconnect when the server has closed the connection: an idle one receives nothing else.

    The check polls the socket, because a ping would double the round trips of a question.
    """
    idle = select.poll()
    idle.register(connection.fileno(), select.POLLIN)
    if idle.poll(0):
        raise DisconnectionError("Postgres closed the connection while it was idle.")


def _translate_error(settings: DatabaseSettings, pauses: ReadOnlyPauses, context: ExceptionContext) -> None:
    """Raise our errors for connections that fail to open or break, and for the TRANSIENT errors.

    `is_disconnect` covers the idle-in-transaction timeout too, which psycopg raises as an InternalError.
    """
    error = context.original_exception
    state = getattr(error, "sqlstate", None) or ""
    # In a session of our own both states are impossible: a pooler changes sessions between our transactions.
    if context.connection is None or context.is_disconnect or state in POOLED:
        raise unreachable(settings, error) from error
    if state == READ_ONLY:
        # The pool may point at a former primary. Where all is read-only, a new connection helps nobody.
        context.is_disconnect = pauses.may_reconnect()
        raise read_only() from error
    if state.startswith(TRANSIENT):
        raise DatabaseStruggling from error
