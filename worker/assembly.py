"""The composition root of a worker process: everything is built here, once, before the first task.

All threads share the clients and pools. A client for each task would cost a handshake each, and a hundred
threads would make a lazy client a hundred times at once.
"""

from __future__ import annotations

import os
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, Self

import structlog
from redis import Redis
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.ledger import LedgerStore
from db.retention import RetentionStore
from db.review_tables import ReviewTables
from db.sessions import SessionStore
from db.spending import SpendLimits
from generation.ports import Fallback, Observer
from providers.fallback import OrderedFallback, make_fallback
from providers.messages_client import MessagesClient
from providers.model_check import check_model
from providers.redis_scripts import RedisScripts
from providers.telemetry import ProviderTelemetry
from runtime.metrics import Metrics
from runtime.redis import make_redis
from runtime.retention_settings import RetentionSettings
from runtime.review_settings import ReviewSettings
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    SettingsError,
    TrafficSettings,
    WorkerSettings,
    load,
)
from runtime.spend_settings import SpendSettings
from runtime.tracing import Tracing, TracingSettings, start_tracing
from worker.leases import LeaseRenewer
from worker.lock import BatchLock
from worker.progress import Observers, Progress
from worker.queues import Queues
from worker.run_metrics import RunMetrics
from worker.spend_watch import SpendWatch

log = structlog.get_logger(__name__)

#: The lock only saves money: a worker that gets no answer within this time goes on without the lock.
LOCK_ANSWER_S = 0.5

_ENQUEUE_THREADS = 8


class Providers(Fallback, Protocol):
    """The ordered providers, and a way to close them."""

    def close(self) -> None:
        """Close every connection."""


@dataclass(frozen=True)
class Assembly:
    """What tasks work with. Every member is safe to use from any thread."""

    owner: str  #: the name of this process in its leases
    batches: BatchStore
    sessions: SessionStore
    ledger: LedgerStore
    providers: Providers
    lock: BatchLock
    queues: Queues
    leases: LeaseRenewer
    lanes: Executor
    enqueue_threads: Executor  #: a broker that hangs can block only these threads
    observer: Observer
    progress: Progress
    metrics: Metrics
    tracing: Tracing
    limits: GenerationSettings
    plan: PlanSettings
    lease_settings: LeaseSettings
    engine: Engine
    heartbeat_engine: Engine
    redis: Redis
    spend_watch: SpendWatch
    retention: RetentionStore
    review_tables: ReviewTables | None = None  #: None: nothing is copied into the web app's tables

    def close(self) -> None:
        """Stop the heartbeat and close every connection."""
        self.leases.close()
        self.lanes.shutdown(wait=False, cancel_futures=True)
        self.enqueue_threads.shutdown(wait=False, cancel_futures=True)
        self.providers.close()
        self.engine.dispose()
        self.heartbeat_engine.dispose()
        self.redis.close()
        self.tracing.close()


@dataclass(frozen=True, slots=True)
class _Settings:
    """All settings of a worker, read before any connection is opened."""

    claude: ClaudeSettings
    openrouter: OpenRouterSettings
    traffic: TrafficSettings
    limits: GenerationSettings
    plan: PlanSettings
    leases: LeaseSettings
    database: DatabaseSettings
    redis: RedisSettings
    spending: SpendSettings
    retention: RetentionSettings
    review: ReviewSettings
    tracing: TracingSettings
    worker: WorkerSettings

    @classmethod
    def read(cls) -> Self:
        return cls(
            claude=load(ClaudeSettings),
            openrouter=load(OpenRouterSettings),
            traffic=load(TrafficSettings),
            limits=load(GenerationSettings),
            plan=load(PlanSettings),
            leases=load(LeaseSettings),
            database=load(DatabaseSettings),
            redis=load(RedisSettings),
            spending=load(SpendSettings),
            retention=load(RetentionSettings),
            review=load(ReviewSettings),
            tracing=load(TracingSettings),
            worker=load(WorkerSettings),
        )


def assemble(metrics: Metrics | None = None) -> Assembly:
    """Build a worker from the environment and start its heartbeat.

    Raises SettingsError with a sentence when a setting is wrong, or when the provider says that it will never
    accept the model or the key. Postgres and Redis may be down: tasks and the sweep wait for them.
    """
    settings = _Settings.read()
    metrics = metrics or Metrics()
    with ExitStack() as opened:
        tracing = start_tracing(settings.tracing, service="tafawoq-worker")
        opened.callback(tracing.close)
        redis = make_redis(settings.redis, timeout_s=LOCK_ANSWER_S)
        opened.callback(redis.close)
        providers = _providers(settings, redis, metrics)
        opened.callback(providers.close)
        _check_model(providers)
        opened.pop_all()
    assembly = _assembled(settings, metrics, tracing, redis, providers)
    assembly.leases.start()
    return assembly


def _providers(settings: _Settings, redis: Redis, metrics: Metrics) -> OrderedFallback:
    return make_fallback(
        settings.claude,
        settings.openrouter,
        settings.limits,
        traffic=settings.traffic,
        scripts=RedisScripts(redis, prefix=settings.redis.redis_key_prefix),
        telemetry=ProviderTelemetry(metrics),
    )


def _assembled(
    settings: _Settings, metrics: Metrics, tracing: Tracing, redis: Redis, providers: OrderedFallback
) -> Assembly:
    engine = make_engine(settings.database, "tafawoq-worker")
    heartbeat_engine = make_engine(_of_heartbeat(settings.database, settings.leases), "tafawoq-heartbeat")
    prefix, progress = settings.redis.redis_key_prefix, Progress()
    return Assembly(
        owner=f"{socket.gethostname()}:{os.getpid()}",
        batches=BatchStore(engine, SpendLimits.of(settings.spending), checks_answers=providers.has_solver),
        sessions=SessionStore(engine),
        ledger=LedgerStore(engine),
        providers=providers,
        lock=BatchLock(redis, prefix=prefix, ttl_s=_lock_ttl_s(settings.leases)),
        queues=Queues(redis, prefix),
        leases=_leases(settings, heartbeat_engine, metrics),
        lanes=ThreadPoolExecutor(settings.limits.generation_lane_threads, thread_name_prefix="lane"),
        enqueue_threads=ThreadPoolExecutor(_ENQUEUE_THREADS, thread_name_prefix="enqueue"),
        observer=Observers((RunMetrics(metrics), progress)),
        progress=progress,
        metrics=metrics,
        tracing=tracing,
        limits=settings.limits,
        plan=settings.plan,
        lease_settings=settings.leases,
        engine=engine,
        heartbeat_engine=heartbeat_engine,
        redis=redis,
        spend_watch=SpendWatch(engine, settings.spending, metrics),
        retention=RetentionStore(engine, settings.retention),
        review_tables=ReviewTables(engine) if settings.review.review_tables else None,
    )


def _leases(settings: _Settings, engine: Engine, metrics: Metrics) -> LeaseRenewer:
    return LeaseRenewer(
        BatchStore(engine),
        ttl_s=settings.leases.lease_ttl_s,
        heartbeat_s=settings.leases.lease_heartbeat_s,
        grace_s=settings.worker.worker_shutdown_grace_s,
        missed=metrics.heartbeats_missed.inc,
    )


def _of_heartbeat(settings: DatabaseSettings, leases: LeaseSettings) -> DatabaseSettings:
    """Settings for the heartbeat's own connection, so that a heartbeat never waits behind other writes.

    A renewal that takes longer than two heartbeats is cancelled while there is time for another.
    """
    limit_ms = min(settings.database_statement_timeout_ms, round(leases.lease_heartbeat_s * 2000))
    return settings.model_copy(
        update={
            "database_pool_size": 1,
            "database_pool_overflow": 0,
            "database_statement_timeout_ms": limit_ms,
        }
    )


def _check_model(providers: OrderedFallback) -> None:
    """Find a retired model or a wrong key at the start, before a student meets it."""
    check = check_model(providers.providers[0])
    for warning in check.warnings:
        log.warning("model_warning", text=warning)
    if check.stop is not None:
        raise SettingsError(check.stop)
    if providers.solver is not None:
        check = check_model(providers.solver, "SOLVER_MODEL")
        for warning in filter(None, (*check.warnings, check.stop)):
            log.warning("solver_warning", text=warning)  # exams are written without the solver, too
    if providers.light is not None and isinstance(providers.light.client, MessagesClient):
        check = check_model(providers.light.client, "LIGHT_MODEL")
        for warning in filter(None, (*check.warnings, check.stop)):
            log.warning("light_model_warning", text=warning)  # then CLAUDE_MODEL writes these slots


def _lock_ttl_s(leases: LeaseSettings) -> float:
    """Shorter than the lease: the lock of a dead worker must be gone when the sweep enqueues its batch."""
    return leases.lease_ttl_s - leases.lease_heartbeat_s


class _Process:
    """This process's assembly: set when the worker starts, read by every task."""

    assembly: Assembly | None = None


def install(assembly: Assembly | None) -> None:
    _Process.assembly = assembly


def current() -> Assembly:
    """This process's assembly. Raises RuntimeError in a process that is no worker."""
    if _Process.assembly is None:
        raise RuntimeError(
            "No worker has been assembled in this process. Start it with: celery -A worker.app worker"
        )
    return _Process.assembly
