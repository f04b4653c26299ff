from __future__ import annotations

from uuid import uuid4

from celery import Celery
from redis import Redis

from generation.model import Urgency
from tasks.contract import QUEUES
from tasks.enqueue import enqueue_batch
from worker.queues import Queues


def test_a_message_waits_where_the_sweep_looks_for_it(redis_url: str, redis_client: Redis) -> None:
    sender = Celery("sender", broker=redis_url, amqp="worker.broker:GuardedAMQP", set_as_current=False)
    sender.conf.broker_transport_options = {"global_keyprefix": "tafawoq:"}
    queues = Queues(redis_client, "tafawoq:")
    assert queues.is_empty(QUEUES[Urgency.PREFETCH])
    assert enqueue_batch(uuid4(), 0, Urgency.PREFETCH, through=sender)
    sender.pool.force_close_all()
    assert not queues.is_empty(QUEUES[Urgency.PREFETCH])
    assert queues.is_empty(QUEUES[Urgency.INTERACTIVE])
