from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
import redis as redis_client_library
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.retention import RetentionStore
from db.sessions import SessionStore, SessionView
from generation.model import BatchStatus, SessionKind, Track, Urgency
from generation.plan import plan_exam
from runtime.metrics import Metrics
from runtime.retention_settings import RetentionSettings
from runtime.settings import GenerationSettings, LeaseSettings, PlanSettings
from runtime.spend_settings import SpendSettings
from runtime.tracing import Tracing
from tasks import enqueue
from tests.support.scripted import ScriptedFallback, ScriptedProvider
from worker.assembly import Assembly, install
from worker.leases import LeaseRenewer
from worker.lock import BatchLock
from worker.progress import Progress
from worker.queues import Queues
from worker.run_metrics import RunMetrics
from worker.spend_watch import SpendWatch


@dataclass
class Messages:
    """What was enqueued, and whether the broker takes messages."""

    enqueued: list[tuple[UUID, int, Urgency]] = field(default_factory=list)
    broken: bool = False

    def enqueue(self, session_id: UUID, batch_index: int, urgency: Urgency) -> bool:
        if not self.broken:
            self.enqueued.append((session_id, batch_index, urgency))
        return not self.broken


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Messages:
    messages = Messages()
    monkeypatch.setattr(enqueue, "enqueue_batch", messages.enqueue)
    return messages


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def assembly(
    engine: Engine, redis_client: redis_client_library.Redis, provider: ScriptedProvider, messages: Messages
) -> Iterator[Assembly]:
    """A worker's assembly on real servers, with a scripted model."""
    leases = LeaseSettings(lease_ttl_s=3, lease_heartbeat_s=0.2)
    metrics = Metrics(CollectorRegistry())
    batches = BatchStore(engine)
    renewer = LeaseRenewer(batches, ttl_s=leases.lease_ttl_s, heartbeat_s=leases.lease_heartbeat_s)
    renewer.start()
    assembly = Assembly(
        owner="test",
        batches=batches,
        sessions=SessionStore(engine),
        ledger=LedgerStore(engine),
        providers=ScriptedFallback([provider]),
        lock=BatchLock(redis_client, prefix="test:", ttl_s=2),
        queues=Queues(redis_client, "test:"),
        leases=renewer,
        lanes=ThreadPoolExecutor(10),
        enqueue_threads=ThreadPoolExecutor(2),
        observer=RunMetrics(metrics),
        progress=Progress(),
        metrics=metrics,
        tracing=Tracing(),
        limits=GenerationSettings(
            generation_max_rounds_per_run=3,
            generation_lanes=1,
            generation_max_failed_runs=3,
            generation_retry_base_s=0.01,
        ),
        plan=PlanSettings(prefetch_reading_s=0),
        lease_settings=leases,
        engine=engine,
        heartbeat_engine=engine,
        redis=redis_client,
        spend_watch=SpendWatch(engine, SpendSettings(), metrics),
        retention=RetentionStore(engine, RetentionSettings()),
    )
    install(assembly)
    yield assembly
    install(None)
    renewer.close()


@dataclass
class Exam:
    """One session and what may be asked of it."""

    assembly: Assembly
    id: UUID
    user_id: UUID

    def status(self, batch_index: int = 0) -> BatchStatus | None:
        return self.view().batches[batch_index].status

    def view(self) -> SessionView:
        return self.assembly.sessions.view(self.id, SessionKind.EXAM, self.user_id)


@pytest.fixture
def make_exam(assembly: Assembly) -> Callable[[], Exam]:
    def make(track: Track = Track.SCIENTIFIC) -> Exam:
        user_id = uuid4()
        plan = plan_exam(track, batch_size=10, seed=11)
        return Exam(assembly, assembly.sessions.create(user_id, plan).session_id, user_id)

    return make


@pytest.fixture
def exam(make_exam: Callable[[], Exam]) -> Exam:
    return make_exam()
