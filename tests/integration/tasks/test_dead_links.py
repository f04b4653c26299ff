"""One worker whose link to Postgres or Redis swallows every packet, while the others' links are well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from db.batches import BatchStore
from db.engine import make_engine
from db.ledger import LedgerStore
from generation.model import BatchStatus, Urgency
from runtime.redis import make_redis
from runtime.settings import DatabaseSettings, RedisSettings
from tasks.contract import BatchPayload
from tasks.enqueue import enqueue_batch
from tasks.generate_batch import answer
from tasks.sweep import sweep_once
from tests.support.link import Link
from worker import store_retry
from worker.assembly import LOCK_ANSWER_S, Assembly
from worker.leases import LeaseRenewer
from worker.lock import BatchLock

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Exam
    from tests.support.scripted import ScriptedProvider

STATEMENT_MS = 1000
TTL_S = 3.0


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retry, "_LOOK_AGAIN_S", 0.01)


def through(link: Link, url: str) -> str:
    server = urlsplit(url)
    return url.replace(f":{server.port}/", f":{link.port}/")


@pytest.fixture
def to_postgres(database: DatabaseSettings) -> Iterator[Link]:
    server = urlsplit(database.libpq_url)
    with Link(to=(server.hostname or "", server.port or 5432)) as link:
        yield link


@pytest.fixture
def to_redis(redis_url: str) -> Iterator[Link]:
    server = urlsplit(redis_url)
    with Link(to=(server.hostname or "", server.port or 6379)) as link:
        yield link


@pytest.fixture
def far(
    assembly: Assembly, database: DatabaseSettings, to_postgres: Link, redis_client: Redis
) -> Iterator[Assembly]:
    """Another worker, at the other end of the link to Postgres, that does not wait long for it."""
    settings = database.model_copy(
        update={
            "database_url": through(to_postgres, database.database_url),
            "database_statement_timeout_ms": STATEMENT_MS,
            "database_connect_timeout_s": 2,
        }
    )
    engine, heartbeat = make_engine(settings, "far"), make_engine(settings, "far-heartbeat")
    leases = LeaseRenewer(BatchStore(heartbeat), ttl_s=TTL_S, heartbeat_s=0.3)
    leases.start()
    yield replace(
        assembly,
        owner="far",
        batches=BatchStore(engine),
        ledger=LedgerStore(engine),
        lock=BatchLock(redis_client, prefix="test:", ttl_s=TTL_S - 0.3),
        leases=leases,
        lease_settings=assembly.lease_settings.model_copy(update={"store_retry_s": 0.0}),
        engine=engine,
    )
    leases.close()
    engine.dispose()
    heartbeat.dispose()


def enqueue(exam: Exam, assembly: Assembly) -> dict[str, Any]:
    return answer(assembly, BatchPayload(session_id=exam.id, batch_index=0))


def questions(exam: Exam) -> int:
    return len(exam.view().questions)


def test_a_worker_that_postgres_no_longer_answers_is_replaced_and_comes_free(
    exam: Exam, provider: ScriptedProvider, far: Assembly, to_postgres: Link
) -> None:
    def vanish(_: int) -> None:
        if questions(exam) == 2:
            to_postgres.go_dead()

    provider.during = vanish
    with ThreadPoolExecutor(1) as elsewhere:
        lost = elsewhere.submit(enqueue, exam, far)
        began = time.monotonic()
        while not sweep_once(exam.assembly):
            assert time.monotonic() - began < 30, "its lease lapses although its heartbeat hangs"
            time.sleep(0.02)
        provider.during = lambda _: None
        assert enqueue(exam, exam.assembly) == {"outcome": "ready", "accepted": 8}
        assert lost.result(timeout=30)["outcome"] in {"store_away", "lease_lost"}
        to_postgres.come_back()
    assert questions(exam) == 10
    assert exam.status() is BatchStatus.READY


def test_a_batch_is_written_while_redis_swallows_every_question(
    exam: Exam, to_redis: Link, redis_url: str
) -> None:
    settings = RedisSettings(redis_url=through(to_redis, redis_url))
    with closing(make_redis(settings, timeout_s=LOCK_ANSWER_S)) as redis:
        assert redis.ping()
        to_redis.go_dead()
        deaf = replace(exam.assembly, lock=BatchLock(redis, prefix="test:", ttl_s=2), redis=redis)
        began = time.monotonic()
        assert enqueue(exam, deaf) == {"outcome": "ready", "accepted": 10}
        assert time.monotonic() - began < 10 * LOCK_ANSWER_S, "not a wait for each question"


def test_a_message_on_a_dead_link_is_told_as_not_enqueued(
    to_redis: Link, redis_url: str, redis_client: Redis
) -> None:
    broker, amqp = through(to_redis, redis_url), "worker.broker:GuardedAMQP"
    sender = Celery("sender", broker=broker, amqp=amqp, set_as_current=False)
    sender.conf.broker_transport_options = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
    sender.conf.task_publish_retry_policy = {"max_retries": 2, "interval_start": 0.1, "interval_max": 0.1}
    assert enqueue_batch(uuid4(), 0, Urgency.INTERACTIVE, through=sender)
    to_redis.go_dead()
    began = time.monotonic()
    assert not enqueue_batch(uuid4(), 0, Urgency.INTERACTIVE, through=sender)
    assert time.monotonic() - began < 5
    to_redis.come_back()
    assert enqueue_batch(uuid4(), 0, Urgency.INTERACTIVE, through=sender)
    sender.pool.force_close_all()
