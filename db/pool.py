"""The pool of connections: few logins when Postgres refuses, and few connections where few are allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import QueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry
from sqlalchemy.util.queue import Empty

from db.refusals import PASSING, Cause, PostgresRefusal, is_full

log = structlog.get_logger(__name__)

#: The pause after a refused login doubles from the first to the last; longer where only a person can help.
_PAUSE_BASE_S = 0.1
_PAUSE_CAP_S = 2.0
_PAUSE_CAP_LASTING_S = 15.0
#: Nobody was asked to let us in: trying again costs the server nothing, and it may be back the next moment.
_NOT_LOGINS = frozenset({Cause.AWAY, Cause.STARTING})
#: After this long another thread may try, even if a trial still hangs.
_TRIAL_S = 10.0

#: How often a pool whose logins are refused looks for a connection, its own or a new one.
_LOOK_S = 0.25

#: So many engines share what an account may open: an API process, and two for each of two worker processes, and one
#: connection that listens.
_SHARES = 6
#: A migration holds one connection while it works on another.
_FEWEST = 2

_LIMITS = """
    SELECT CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END, CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()
"""


class ReconnectGate:
    """Lets one thread at a time try a server that refused, after a growing pause; the others hear the last answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._refusals = 0  #: in a row
        self._next_try_at = 0.0
        self._last: psycopg.Error | None = None
        self._logged: PostgresRefusal | None = None

    def enter(self) -> None:
        """Returns when a login may be tried. Raises the server's last answer when it is not yet time for one."""
        with self._lock:
            if self._last is None:
                return
            if self._clock() < self._next_try_at:
                raise type(self._last)(*self._last.args)
            self._next_try_at = self._clock() + _TRIAL_S

    def refused(self, error: psycopg.Error, refusal: PostgresRefusal) -> None:
        with self._lock:
            cap_s = _PAUSE_CAP_S if refusal.cause in PASSING else _PAUSE_CAP_LASTING_S
            pause_s = min(_PAUSE_BASE_S * 2.0 ** min(self._refusals, 16), cap_s)
            if refusal.cause not in _NOT_LOGINS:
                self._refusals += 1
                self._last = error.with_traceback(None)
                self._next_try_at = self._clock() + pause_s
            is_new, self._logged = refusal != self._logged, refusal
        if is_new:
            log.warning(
                "postgres_refuses", cause=refusal.cause.value, says=refusal.says, remedy=refusal.remedy
            )

    def accepted(self) -> None:
        with self._lock:
            was_refused = self._logged is not None
            self._refusals, self._last, self._logged = 0, None, None
        if was_refused:
            log.info("postgres_accepts_again")


class SharedPool(QueuePool):
    """A pool that waits where no further login is accepted, and that leaves other processes their share."""

    _most: int | None = None  #: connections that may be open; None: pool_size and max_overflow alone decide
    _kept_idle = 0
    _waiting = 0

    def adapt_to(self, connection: psycopg.Connection[Any]) -> None:
        """Take no more than our share of what the server allows this account."""
        limit = _connection_limit(connection)
        if limit is None or limit // _SHARES >= self.size() + max(self._max_overflow, 0):
            return
        self._most = max(_FEWEST, limit // _SHARES)
        self._kept_idle = limit // _SHARES
        log.warning("database_pool_reduced", allowed_connections=limit, connections_of_this_pool=self._most)

    def _do_get(self) -> ConnectionPoolEntry:
        deadline = time.monotonic() + self._timeout
        while True:
            refused: psycopg.Error | None = None
            if self._most is None or self.checkedin() or self.checkedout() < self._most:
                try:
                    return super()._do_get()
                except psycopg.Error as err:
                    if not is_full(err):
                        raise
                    refused = err
            if (left_s := deadline - time.monotonic()) <= 0:
                raise refused or NoConnectionFree(f"No connection became free in {self._timeout} s.")
            self._waiting += 1
            try:
                return self._pool.get(True, min(left_s, _LOOK_S))
            except Empty:
                continue
            finally:
                self._waiting -= 1

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if self._most is None or self._waiting or self.checkedin() < self._kept_idle:
            super()._do_return_conn(record)
            return
        try:
            record.close()
        finally:
            self._dec_overflow()


def _connection_limit(connection: psycopg.Connection[Any]) -> int | None:
    """How many connections our account may have in all processes; None when the server does not say."""
    try:
        with connection.transaction(force_rollback=True):
            row = connection.execute(_LIMITS).fetchone()
    except psycopg.Error:
        return None
    return min((limit for limit in row or () if limit >= 0), default=None)
