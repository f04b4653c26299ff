"""Whether this Redis can serve the queue: the checks run the commands that a worker, or the API, needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

from redis import Redis
from redis.exceptions import NoPermissionError, ReadOnlyError, RedisError, ResponseError

from runtime.redis_refusals import redis_refusal

#: The test key is deleted at once; if that fails, it expires after this time.
_KEPT_MS = 1000
_ANSWER_S = 1.0
#: How the answers of a cluster server, which holds only some of the keys, begin.
_CLUSTER = (
    "CROSSSLOT",
    "MOVED",
    "CLUSTERDOWN",
    "ASK",
    "Keys in request don't hash",
    "Command can't be executed",
)


@dataclass(frozen=True, slots=True)
class QueueProblem:
    says: str
    remedy: str

    def __str__(self) -> str:
        return f"Redis cannot serve the queue: {self.says}. {self.remedy}"


def problem_of_queue(redis: Redis, prefix: str) -> QueueProblem | None:
    """Why no worker can take messages from it; None when one can, and when Redis cannot be reached."""
    try:
        _try_queues(redis, prefix)
        _try_listening(redis, prefix)
    except ResponseError as err:
        return _named(err)
    except RedisError:
        return None
    return None


def problem_of_enqueueing(redis: Redis, prefix: str, queues: Sequence[str]) -> QueueProblem | None:
    """Why no message can be enqueued; None when one can, and when Redis cannot be reached. Enqueues nothing.

    Only with commands that the API's account may run.
    """
    try:
        with redis.pipeline(transaction=True) as at_once:
            for queue in queues:
                at_once.llen(f"{prefix}{queue}")  # in a cluster they belong to different servers
            at_once.set(f"{prefix}rate:check:{uuid4()}", "", px=_KEPT_MS)
            at_once.execute()
    except ResponseError as err:
        return _named(err, account="tafawoq_api")
    except RedisError:
        return None
    return None


def _try_queues(redis: Redis, prefix: str) -> None:
    """The commands of kombu: a transaction, and one command that waits on several lists."""
    first, second = (f"{prefix}check:{uuid4()}" for _ in range(2))
    redis.exists(first, second)  # in a cluster they belong to different servers
    with redis.pipeline(transaction=True) as at_once:
        at_once.lpush(first, "")
        at_once.pexpire(first, _KEPT_MS)
        at_once.execute()
    redis.brpop([first, second], timeout=_ANSWER_S)


def _try_listening(redis: Redis, prefix: str) -> None:
    database = redis.connection_pool.connection_kwargs.get("db", 0)
    with closing(redis.pubsub()) as listener:  # type: ignore[no-untyped-call]  # redis-py's, which is not typed
        listener.psubscribe(f"{prefix}/{database}.celery.pidbox")
        listener.get_message(timeout=_ANSWER_S)


def _named(err: ResponseError, account: str = "tafawoq_worker") -> QueueProblem:
    said = re.sub(r"^Command # \d+ \(.*?\) of pipeline caused error: ", "", str(err))
    if isinstance(err, NoPermissionError) or "permission" in said:
        return QueueProblem(
            f"its account lacks a right ({said.rstrip('.')[:200]})",
            f"Give it the rights of {account} in ops/redis/accounts.sh.",
        )
    if isinstance(err, ReadOnlyError):
        return QueueProblem("it is a replica, which takes no writes", "Name the primary server in REDIS_URL.")
    if any(start in said or start in type(err).__name__ for start in (*_CLUSTER, "Cluster", "Moved")):
        return QueueProblem(
            "it is a Redis Cluster, of which each server holds only a part of the keys",
            "Name a Redis without cluster mode in REDIS_URL.",
        )
    return QueueProblem(f"it answers: {said[:200]}", redis_refusal(err, None).remedy)
