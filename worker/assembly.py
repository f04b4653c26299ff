"""The composition root of a worker process: everything is built here, once, before the first task.

Clients and pools are made after the process has started and are shared by its threads: a client a task
would pay a handshake each, and a lazily made one would be made a hundred times at once.
"""

from __future__ import annotations

import os
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis import Redis
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.ledger import LedgerStore
from db.sessions import SessionStore
from db.spending import SpendLimits
from generation.ports import Observer, SourceChain
from providers import claude
from providers.chain import OrderedChain, make_chain
from providers.model_check import check_model
from providers.shared import Shared
from providers.signs import Signs
from runtime.redis import make_redis
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    SettingsError,
    SpendSettings,
    TrafficSettings,
    WorkerSettings,
    load,
)
from runtime.telemetry import Metrics
from worker.leases import LeaseKeeper
from worker.lock import BatchLock
from worker.observer import TelemetryObserver
from worker.progress import Observers, Progress
from worker.queues import Queues

log = structlog.get_logger(__name__)

#: The lock is a courtesy: a worker that cannot have an answer at once goes on without it.
LOCK_ANSWER_S = 0.5


class Sources(SourceChain, Protocol):
    """The chain, as its owner sees it."""

    def close(self) -> None:
        """Close every connection."""


@dataclass(frozen=True)
class Assembly:
    """What tasks work with. Everything in it may be used from any thread."""

    owner: str  #: this process, as leases name it
    batches: BatchStore
    sessions: SessionStore
    ledger: LedgerStore
    sources: Sources
    lock: BatchLock
    queues: Queues
    leases: LeaseKeeper
    lanes: Executor
    observer: Observer
    progress: Progress
    metrics: Metrics
    limits: GenerationSettings
    plan: PlanSettings
    lease_settings: LeaseSettings
    engine: Engine
    heartbeat_engine: Engine
    redis: Redis

    def close(self) -> None:
        """Stop the heartbeat and let go of every connection."""
        self.leases.close()
        self.lanes.shutdown(wait=False, cancel_futures=True)
        self.sources.close()
        self.engine.dispose()
        self.heartbeat_engine.dispose()
        self.redis.close()


def assemble(metrics: Metrics | None = None) -> Assembly:
    """Build a worker from the environment and start its heartbeat.

    Raises SettingsError with a sentence when a setting cannot be right, or when the provider says that the
    model or the key will never do. Postgres and Redis may still be away: tasks and the sweep wait for them.
    """
    limits, lease_settings = load(GenerationSettings), load(LeaseSettings)
    redis_settings = load(RedisSettings)
    redis = make_redis(redis_settings, timeout_s=LOCK_ANSWER_S)
    metrics = metrics or Metrics()
    sources = make_chain(
        load(ClaudeSettings),
        load(OpenRouterSettings),
        limits,
        traffic=load(TrafficSettings),
        shared=Shared(redis, prefix=redis_settings.redis_key_prefix),
        signs=Signs(metrics),
    )
    try:
        _check_model(sources)
    except SettingsError:
        sources.close()
        redis.close()
        raise
    database = load(DatabaseSettings)
    engine = make_engine(database, application_name="tafawoq-worker")
    heartbeat_engine = make_engine(_of_heartbeat(database, lease_settings), "tafawoq-heartbeat")
    batches = BatchStore(engine, SpendLimits.of(load(SpendSettings)))
    leases = LeaseKeeper(
        BatchStore(heartbeat_engine),
        ttl_s=lease_settings.lease_ttl_s,
        heartbeat_s=lease_settings.lease_heartbeat_s,
        grace_s=load(WorkerSettings).worker_shutdown_grace_s,
        missed=metrics.heartbeats_missed.inc,
    )
    progress = Progress()
    leases.start()
    return Assembly(
        owner=f"{socket.gethostname()}:{os.getpid()}",
        batches=batches,
        sessions=SessionStore(engine),
        ledger=LedgerStore(engine),
        sources=sources,
        lock=BatchLock(redis, prefix=redis_settings.redis_key_prefix, ttl_s=_lock_ttl_s(lease_settings)),
        queues=Queues(redis, redis_settings.redis_key_prefix),
        leases=leases,
        lanes=ThreadPoolExecutor(limits.generation_lane_threads, thread_name_prefix="lane"),
        observer=Observers((TelemetryObserver(metrics), progress)),
        progress=progress,
        metrics=metrics,
        limits=limits,
        plan=load(PlanSettings),
        lease_settings=lease_settings,
        engine=engine,
        heartbeat_engine=heartbeat_engine,
        redis=redis,
    )


def _of_heartbeat(settings: DatabaseSettings, leases: LeaseSettings) -> DatabaseSettings:
    """A connection that it need not share: no queue of writes may cost a lease. A renewal that takes too
    long is given up while there is time for another.
    """
    limit_ms = min(settings.database_statement_timeout_ms, round(leases.lease_heartbeat_s * 2000))
    return settings.model_copy(
        update={
            "database_pool_size": 1,
            "database_pool_overflow": 0,
            "database_statement_timeout_ms": limit_ms,
        }
    )


def _check_model(sources: OrderedChain) -> None:
    """A model that is retired, or a wrong key, is found by the operator and not by the first student."""
    for source in sources.sources:
        if source.name == claude.NAME:
            check = check_model(source)
            for warning in check.warnings:
                log.warning("model_warning", text=warning)
            if check.stop is not None:
                raise SettingsError(check.stop)


def _lock_ttl_s(leases: LeaseSettings) -> float:
    """Shorter than the lease: a dead worker's lock must be gone when the sweep rings for its batch."""
    return leases.lease_ttl_s - leases.lease_heartbeat_s


class _Process:
    """This process's assembly: set when the worker starts, read by every task."""

    assembly: Assembly | None = None


def install(assembly: Assembly | None) -> None:
    _Process.assembly = assembly


def current() -> Assembly:
    if _Process.assembly is None:
        raise RuntimeError(
            "No worker has been assembled in this process. Start it with: celery -A worker.app worker"
        )
    return _Process.assembly
