"""The way to Postgres: one engine a process, with timeouts on everything and one sentence when it is away."""

from __future__ import annotations

import json
import select
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError

from db.errors import DatabaseStruggling, DatabaseUnreachable
from runtime.settings import DatabaseSettings

POOL_TIMEOUT_S = 10
RECYCLE_S = 1800
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

_SESSION_MODE = "session_mode"

#: How often a wait looks whether it should go on, as in psycopg itself.
_LOOK_EVERY_S = 0.1

T = TypeVar("T")

#: A dead peer is noticed within about half a minute, not after the kernel's two hours.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

#: SQLSTATEs after which the same transaction may succeed later: a standby, no resources (a full disk, no
#: connections), an operator's stop, an I/O error, a deadlock, a lock or a statement that took too long.
READ_ONLY = "25006"
PASSING = (READ_ONLY, "53", "57P", "58030", "40001", "40P01", "55P03", "57014")


def make_engine(settings: DatabaseSettings, application_name: str) -> Engine:
    """An engine that connects when it is first used, safe to share between threads.

    Works on a direct connection and, with database_session_mode off, behind a transaction-pooling proxy.
    Using it raises DatabaseUnreachable when Postgres cannot be reached or goes away.
    """
    engine = create_engine(
        settings.sqlalchemy_url,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=RECYCLE_S,
        pool_use_lifo=True,
        hide_parameters=True,  # a parameter may be a question with its key
        json_serializer=partial(json.dumps, ensure_ascii=False),
        execution_options={_SESSION_MODE: settings.database_session_mode},
        connect_args=connect_arguments(settings, application_name),
    )
    event.listen(engine, "handle_error", partial(_say_that_it_is_away, settings))
    event.listen(engine, "do_connect", partial(_connect, _longest_silence_s(settings)))
    event.listen(engine, "checkout", _leave_what_was_closed)
    if not settings.database_session_mode:
        event.listen(engine, "begin", partial(_set_timeouts, settings))
    return engine


class RetryingConnection(psycopg.Connection[Any]):
    """Waits for an answer, but not for ever: a half-open link says nothing, and no timeout of the server's
    can reach us through it.
    """

    longest_silence_s: float | None = None

    def wait(self, gen: PQGen[T], interval: float = _LOOK_EVERY_S, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.longest_silence_s if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # nobody knows what became of the statement: never use it again
            raise


def _connect(
    longest_silence_s: float, _dialect: Any, _record: Any, arguments: Any, named: Any
) -> RetryingConnection:
    connection = RetryingConnection.connect(*arguments, **named)
    connection.longest_silence_s = longest_silence_s
    return connection


def _longest_silence_s(settings: DatabaseSettings) -> float:
    """The server answers within its statement timeout, if only to say that it is over."""
    return settings.database_statement_timeout_ms / 1000 * 1.25 + 1


def committing_each(engine: Engine) -> Engine:
    """The same pool for single statements, each a transaction of its own: one round trip instead of three.

    Behind a transaction pooler it is the engine as it was: there a transaction has to begin with its timeouts.
    """
    if not engine.get_execution_options().get(_SESSION_MODE):
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def connect_arguments(settings: DatabaseSettings, application_name: str) -> dict[str, Any]:
    """What psycopg needs besides the address; also for a connection outside of the pool."""
    arguments: dict[str, Any] = {
        "application_name": application_name,
        "connect_timeout": settings.database_connect_timeout_s,
        **KEEPALIVE,
    }
    if settings.database_session_mode:
        options = (f"-c {name}={value}" for name, value in _timeouts(settings).items())
        return {**arguments, "options": " ".join(options)}
    # A pooler may give each transaction another backend: no prepared statements, no options at connect.
    return {**arguments, "prepare_threshold": None}


def unreachable(settings: DatabaseSettings) -> DatabaseUnreachable:
    """One sentence with the host and port; never the user, the password or the database's name."""
    url = make_url(settings.sqlalchemy_url)
    where = f"{url.host or 'the local socket'}:{url.port or 5432}"
    return DatabaseUnreachable(
        f"Postgres at {where} cannot be reached or refuses the connection. "
        "Start it, or correct DATABASE_URL in the environment or in .env."
    )


def _timeouts(settings: DatabaseSettings) -> Mapping[str, int]:
    return {
        "statement_timeout": settings.database_statement_timeout_ms,
        "lock_timeout": settings.database_lock_timeout_ms,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }


def _set_timeouts(settings: DatabaseSettings, connection: Connection) -> None:
    """For one transaction: all that is safe where the session is not ours."""
    names = ", ".join(f"set_config('{name}', :{name}, true)" for name in _timeouts(settings))
    connection.execute(
        text(f"SELECT {names}"),
        {name: str(value) for name, value in _timeouts(settings).items()},
    )


def _leave_what_was_closed(connection: psycopg.Connection[Any], *_: object) -> None:
    """Let the pool open a connection again whose server has gone: at rest it has nothing to say but a farewell.

    A look at the socket, because a ping would double the round trips of a question.
    """
    at_rest = select.poll()
    at_rest.register(connection.fileno(), select.POLLIN)
    if at_rest.poll(0):
        raise DisconnectionError("Postgres has closed the connection while nobody used it.")


def _say_that_it_is_away(settings: DatabaseSettings, context: ExceptionContext) -> None:
    """Connections that fail to open or break. `is_disconnect` also knows the idle-in-transaction timeout,
    which psycopg raises as an InternalError.
    """
    if context.connection is None or context.is_disconnect:
        raise unreachable(settings) from context.original_exception
    state = getattr(context.original_exception, "sqlstate", None) or ""
    if state == READ_ONLY:
        context.is_disconnect = True  # the pool leads to a former primary: connect again
    if state.startswith(PASSING):
        raise DatabaseStruggling from context.original_exception
