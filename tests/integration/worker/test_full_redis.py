"""A Redis that takes no writes any more (its memory or its disk is full): nothing ends, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from celery import Celery

from generation.model import Urgency
from tasks.enqueue import enqueue_batch
from tests.integration.worker.test_foreign_messages import QUEUE, await_output, envelope
from tools.stack.child import Child
from worker.lock import BatchLock


@pytest.fixture
def full_redis(redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """With room again at the end, because other tests share the server."""
    yield redis_client
    redis_client.config_set("maxmemory", "0")


def test_a_worker_outlives_a_redis_without_room_and_goes_on_when_there_is_some(
    worker_process: Child, full_redis: redis.Redis
) -> None:
    """It can still take a message, and can no longer note that it did: it says so, and connects again."""
    taken, later = envelope("generation.sweep"), envelope("generation.sweep")
    with full_redis.pipeline(transaction=True) as at_once:
        at_once.lpush(QUEUE, json.dumps(taken))
        at_once.config_set("maxmemory", "1")
        at_once.execute()
    with pytest.raises(redis.ResponseError, match="maxmemory"):
        full_redis.lpush(QUEUE, "x")
    await_output(worker_process, "OutOfMemoryError", after="Redis was full")
    full_redis.config_set("maxmemory", "0")
    full_redis.lpush(QUEUE, json.dumps(later))
    await_output(worker_process, later["headers"]["id"], after="Redis had room again")


def test_a_worker_outlives_a_redis_that_was_made_a_replica_and_goes_on_when_it_leads_again(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """What a failover does to the one that led; a disk that is full is answered in the same way."""
    later = envelope("generation.sweep")
    redis_client.replicaof("127.0.0.1", "9")
    try:
        await_output(worker_process, "it is a replica", after="Redis was made a replica")
    finally:
        redis_client.replicaof("NO", "ONE")
    redis_client.lpush(QUEUE, json.dumps(later))
    await_output(worker_process, later["headers"]["id"], after="it led again")


def test_without_room_a_message_is_told_as_not_enqueued_and_a_lock_as_unknown(
    full_redis: redis.Redis, redis_url: str
) -> None:
    """The batch is wanted in Postgres all the same, and the claim decides there."""
    sender = Celery("sender", broker=redis_url, set_as_current=False)
    full_redis.config_set("maxmemory", "1")
    assert not enqueue_batch(uuid4(), 0, Urgency.INTERACTIVE, through=sender)
    sender.pool.force_close_all()
    with BatchLock(full_redis, prefix="test:", ttl_s=1).taken(uuid4(), 0) as lock:
        assert not lock.held_elsewhere
