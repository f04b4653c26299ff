"""`python -m api`: the HTTP API. When it cannot start, it prints one sentence and exits with a code.

Exit code 2: a setting is missing or wrong. 1: the address is in use, or Postgres is down or lacks our tables.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import structlog
from fastapi import FastAPI
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from api.app import create_app
from api.notifications import listening
from api.rate_limits import SharedLimits, rates
from api.server import ApiServer, bound
from api.waiting_calls import SharedWaitingCalls
from db.batches import BatchStore
from db.engine import make_engine
from db.errors import DatabaseUnreachable
from db.events import EventLog
from db.maintenance import MaintenanceSwitch
from db.operator_dashboard import OperatorDashboard
from db.queue_stats import read_queue_stats
from db.quota import ARGUMENTS, Quota, QuotaFunction, no_quota
from db.reports import ReportStore
from db.sessions import SessionStore
from db.spending import SpendLimits
from generation.figure_plan import FigureChoice
from runtime.api_settings import ApiSettings
from runtime.redis import make_redis
from runtime.settings import (
    DatabaseSettings,
    PlanSettings,
    RedisSettings,
    SettingsError,
    WorkerSettings,
    load,
)
from runtime.spend_settings import SpendSettings
from runtime.telemetry import configure_logging
from runtime.tracing import Tracing, TracingSettings, start_tracing
from tasks.contract import QUEUES
from tasks.enqueue import enqueue_batch
from worker.figure_choice import figure_choice
from worker.queue_check import problem_of_enqueueing

BAD_SETTINGS = 2
CANNOT_START = 1

log = structlog.get_logger("api")

#: A Redis that does not answer delays the start by at most so long.
QUEUE_ANSWER_S = 2.0


class CannotStart(Exception):
    """Something outside the settings prevents the start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _Settings:
    api: ApiSettings
    plan: PlanSettings
    figures: FigureChoice
    database: DatabaseSettings
    redis: RedisSettings
    spending: SpendLimits
    tracing: TracingSettings


def main() -> int:
    """Serve until a signal arrives. Returns the exit code."""
    try:
        _serve(_settings())
    except SettingsError as error:
        return _printed(error, BAD_SETTINGS)
    except (CannotStart, DatabaseUnreachable) as error:
        return _printed(error, CANNOT_START)
    except KeyboardInterrupt:
        log.info("api_stopped")
    return 0


def _settings() -> _Settings:
    """All settings, so that a missing one stops the start and not the first student's request."""
    load(WorkerSettings)  # the first enqueued message needs them
    plan = load(PlanSettings)
    return _Settings(
        load(ApiSettings),
        plan,
        figure_choice(plan),
        load(DatabaseSettings),
        load(RedisSettings),
        SpendLimits.of(load(SpendSettings)),
        load(TracingSettings),
    )


def _serve(settings: _Settings) -> None:
    configure_logging(level=settings.api.log_level, log_format=settings.api.log_format)
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # uvicorn raises SIGTERM again after it has stopped
    tracing = start_tracing(settings.tracing, service="tafawoq-api")
    engine = make_engine(settings.database, "tafawoq-api")
    try:
        _check_database(engine)
        quota = _quota(settings.api, engine)
        with _listening_socket(settings.api) as listener:
            _report_queue_problem(settings.redis)
            where = {"host": settings.api.api_host, "port": settings.api.api_port}
            log.info("api_started", **where, open_in_a_browser=f"{settings.api.address}/")
            server = ApiServer(_app(settings, engine, quota, tracing))
            _freeze_startup_objects()
            server.run(sockets=[listener])
    finally:
        engine.dispose()
        tracing.close()


def _freeze_startup_objects() -> None:
    """Exclude the objects made so far from garbage collection: every event waits for a full one."""
    gc.collect()
    gc.freeze()


def _check_database(engine: Engine) -> None:
    try:
        EventLog(engine).ping()
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise CannotStart(
                "The account of DATABASE_URL may not read our tables. As the owner, give it what docs/web-app.md, "
                "section 1, gives an account."
            ) from error
        raise CannotStart(
            "The database does not have our tables. Run `alembic upgrade head` first."
        ) from error


def _report_queue_problem(settings: RedisSettings) -> None:
    """Log why Redis takes no messages. The API still starts: rows wait, and the operator may correct Redis."""
    with closing(make_redis(settings, timeout_s=QUEUE_ANSWER_S)) as redis:
        problem = problem_of_enqueueing(redis, settings.redis_key_prefix, list(QUEUES.values()))
    if problem is not None:
        log.error("queue_unusable", says=str(problem))


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
    """What decides whether a session may be created. A missing function fails here, not at every student's request."""
    name = settings.api_quota_function
    if name is None:
        return no_quota
    function = QuotaFunction(name)
    if not function.exists(engine):
        raise CannotStart(
            f"API_QUOTA_FUNCTION names {name}({ARGUMENTS}), but no such function returns boolean "
            "and may be called by us. Create it, or unset the variable."
        )
    return function


def _app(settings: _Settings, engine: Engine, quota: Quota, tracing: Tracing) -> FastAPI:
    database = settings.database
    return create_app(
        settings.api,
        settings.plan,
        figures=settings.figures,
        session_store=SessionStore(
            engine,
            limits=settings.spending,
            quota=quota,
            maintenance=MaintenanceSwitch(on=settings.api.maintenance_mode),
        ),
        batch_store=BatchStore(engine, settings.spending),
        event_log=EventLog(engine),
        report_store=ReportStore(engine),
        enqueue=enqueue_batch,
        queue_stats=partial(read_queue_stats, engine),
        database_threads=database.database_pool_size + database.database_pool_overflow,
        listen=partial(listening, database) if database.database_session_mode else None,
        limits=SharedLimits(settings.redis, rates(settings.api)),
        waiting_calls=SharedWaitingCalls(settings.redis),
        tracing=tracing,
        dashboard=OperatorDashboard(engine, settings.spending.day_usd),
    )


def _printed(error: Exception, code: int) -> int:
    print(error, file=sys.stderr)  # noqa: T201 - for the operator
    return code


if __name__ == "__main__":
    sys.exit(main())
