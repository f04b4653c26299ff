"""`python -m api`: the HTTP API. What keeps it from starting is one sentence and an exit code.

2: a setting is missing or wrong. 1: the address is taken, or Postgres is away or lacks our tables.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from api.app import create_app
from api.listening import listening
from api.rate_limits import SharedLimits, rates
from api.server import ApiServer, bound
from db.batches import BatchStore
from db.engine import make_engine
from db.errors import DatabaseUnreachable
from db.events import EventLog
from db.queue_stats import read_queue_stats
from db.quota import ARGUMENTS, Quota, QuotaFunction, no_quota
from db.sessions import SessionStore
from db.spending import SpendLimits
from runtime.api_settings import ApiSettings
from runtime.settings import (
    DatabaseSettings,
    PlanSettings,
    RedisSettings,
    SettingsError,
    SpendSettings,
    WorkerSettings,
    load,
)
from runtime.telemetry import configure_logging
from runtime.tracing import Tracing, TracingSettings, start_tracing
from tasks.enqueue import enqueue_batch

BAD_SETTINGS = 2
CANNOT_START = 1

log = structlog.get_logger("api")


#: A full collection walks through all open streams, and every event waits for it: 60 ms with 2,000 readers.
#: What a call leaves behind goes with its last reference; a hundred times fewer full ones find the rest.
GC_THRESHOLDS = (700, 10, 1000)


class CannotStart(Exception):
    """Something outside the settings keeps the API closed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _Settings:
    api: ApiSettings
    plan: PlanSettings
    database: DatabaseSettings
    redis: RedisSettings
    spending: SpendLimits
    tracing: TracingSettings


def main() -> int:
    """Serve until a signal ends it; the exit code."""
    try:
        _serve(_settings())
    except SettingsError as error:
        return _said(error, BAD_SETTINGS)
    except (CannotStart, DatabaseUnreachable) as error:
        return _said(error, CANNOT_START)
    except KeyboardInterrupt:
        log.info("api_stopped")
    return 0


def _settings() -> _Settings:
    """All that will be needed, so that nothing is found missing by the first student."""
    load(WorkerSettings)  # makes the message, when it is first enqueued
    return _Settings(
        load(ApiSettings),
        load(PlanSettings),
        load(DatabaseSettings),
        load(RedisSettings),
        SpendLimits.of(load(SpendSettings)),
        load(TracingSettings),
    )


def _serve(settings: _Settings) -> None:
    configure_logging(level=settings.api.log_level, log_format=settings.api.log_format)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what uvicorn raises again when it is done
    tracing = start_tracing(settings.tracing, service="tafawoq-api")
    engine = make_engine(settings.database, "tafawoq-api")
    try:
        _check_database(engine)
        quota = _quota(settings.api, engine)
        with _listening_socket(settings.api) as listener:
            gc.set_threshold(*GC_THRESHOLDS)
            where = {"host": settings.api.api_host, "port": settings.api.api_port}
            log.info("api_started", **where, open_in_a_browser=f"{settings.api.address}/")
            ApiServer(_app(settings, engine, quota, tracing)).run(sockets=[listener])
    finally:
        engine.dispose()
        tracing.close()


def _check_database(engine: Engine) -> None:
    try:
        EventLog(engine).ping()
    except ProgrammingError as error:
        raise CannotStart(
            "The database does not have our tables. Run `alembic upgrade head` first."
        ) from error


def _listening_socket(settings: ApiSettings) -> socket.socket:
    try:
        return bound(settings.api_host, settings.api_port)
    except OSError as error:
        where = f"{settings.api_host}:{settings.api_port}"
        raise CannotStart(
            f"Cannot listen on {where}: {(error.strerror or 'it is not an address').lower()}. "
            "Stop what uses it, or set API_HOST and API_PORT."
        ) from error


def _quota(settings: ApiSettings, engine: Engine) -> Quota:
    """Whom to ask before a session is created; a function that is not there would stop every student."""
    name = settings.api_quota_function
    if name is None:
        return no_quota
    function = QuotaFunction(name)
    if not function.exists(engine):
        raise CannotStart(
            f"API_QUOTA_FUNCTION names {name}({ARGUMENTS}), and there is no such function that returns boolean "
            "and that we may call. Create it, or unset the variable."
        )
    return function


def _app(settings: _Settings, engine: Engine, quota: Quota, tracing: Tracing) -> FastAPI:
    database = settings.database
    return create_app(
        settings.api,
        settings.plan,
        session_store=SessionStore(engine, limits=settings.spending, quota=quota),
        batch_store=BatchStore(engine, settings.spending),
        event_log=EventLog(engine),
        enqueue=enqueue_batch,
        queue_stats=partial(read_queue_stats, engine),
        database_threads=database.database_pool_size + database.database_pool_overflow,
        listen=partial(listening, database) if database.database_session_mode else None,
        limits=SharedLimits(settings.redis, rates(settings.api)),
        tracing=tracing,
    )


def _said(error: Exception, code: int) -> int:
    print(error, file=sys.stderr)  # noqa: T201 - for the person who started it
    return code


if __name__ == "__main__":
    sys.exit(main())
