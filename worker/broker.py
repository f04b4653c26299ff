"""kombu's Redis transport, hardened where a foreign message or a long outage would stop a worker.

kombu trusts every message in a queue and every broadcast. An exception in its decoder ends the worker, or counts as
a lost connection, after which every running task is started a second time (celery#7975, kombu#2421). This transport
drops such a message before kombu decodes it, with a log line and a signal: the rows say which batches are requested,
and the sweep enqueues them again. In the same way it deletes a key of kombu's that has a wrong type.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from celery.app.amqp import AMQP
from celery.utils.dispatch import Signal
from kombu.connection import Connection, ConnectionPool, PooledConnection
from kombu.transport import redis as kombu_redis
from redis import Connection as RedisConnection
from redis import SSLConnection
from redis.exceptions import ConnectionError as BrokerLost
from redis.exceptions import RedisError, ResponseError

from worker.message_guard import (
    problem_of_broadcast,
    problem_of_task,
    problem_of_unacknowledged,
    safe_headers,
)
from worker.watchdog import CONNECT_WITHIN_S, LOOK_S

log = structlog.get_logger(__name__)

#: Sent for each dropped message. Celery has signals of its own for messages that it decodes and no task takes.
message_dropped = Signal(name="message_dropped", providing_args={"reason"})

#: Sent when the main loop has finished a step; `next_within_s` is the time that the next step may take.
loop_step = Signal(name="loop_step", providing_args={"next_within_s"})

#: kombu's default pause grows to half a minute; a student would wait that long after Redis has come back.
RECONNECT_AT_LATEST_S = 3

#: Part of the names of the queues in which Flower waits for the replies to its commands.
_REPLIES = b"pidbox"

#: Redis' answer to PTTL for a key that never expires.
_NO_EXPIRY = -1


class TrackedConnection(RedisConnection):
    """Sends `loop_step` for each answer from Redis and around each try to connect."""

    def _connect(self) -> Any:
        loop_step.send(sender=None, next_within_s=CONNECT_WITHIN_S)
        try:
            return super()._connect()  # type: ignore[no-untyped-call]  # redis-py's, which is not typed
        finally:
            loop_step.send(sender=None)

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        finally:
            loop_step.send(sender=None)


class TrackedSSLConnection(TrackedConnection, SSLConnection):
    pass


class GuardedPubSub(kombu_redis.PrefixedRedisPubSub):
    def parse_response(self, *args: Any, **options: Any) -> Any:
        """The message that arrived, or None when kombu must not decode it."""
        response = super().parse_response(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types
        if isinstance(response, list) and bytes(response[0]).endswith(b"message"):
            problem = problem_of_broadcast(response[-1])
            if problem is not None:
                _drop(problem)
                return None
        return response


class GuardedClient(kombu_redis.PrefixedStrictRedis):
    """The client through which kombu reads. It returns only texts that kombu can decode."""

    def pubsub(self, **options: Any) -> GuardedPubSub:
        return GuardedPubSub(self.connection_pool, global_keyprefix=self.global_keyprefix, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        response = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]  # kombu has no types
        if command_name == "BRPOP" and response:
            queue, text = response
            problem = problem_of_broadcast(text) if _REPLIES in queue else problem_of_task(text)
            if problem is not None:
                _drop(problem)
                return None
        return response


class GuardedQoS(kombu_redis.QoS):
    def restore_visible(self, *args: Any, **options: Any) -> None:
        """Only in a process that takes tasks. Flower, which only waits for replies, lacks the permission."""
        if any(_REPLIES.decode() not in queue for queue in self.channel.active_queues):
            super().restore_visible(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Return to its queue a message that another worker took and did not finish; drop anything else."""
        with self.channel.conn_or_acquire(client) as redis:
            entry = redis.hget(self.unacked_key, tag)
            problem = None if entry is None else problem_of_unacknowledged(entry)
            if problem is not None:
                self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]  # kombu has no types
                _drop(problem)
                return
        super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedChannel(kombu_redis.Channel):
    QoS = GuardedQoS
    connection_class = TrackedConnection
    connection_class_ssl = TrackedSSLConnection
    _commands: Any = None  #: one client for all commands; kombu makes one for each command

    def _new_queue(self, queue: str, *args: Any, **options: Any) -> None:
        """Called for every new connection; Celery makes one whenever Redis answers a command with an error."""
        names = [self._q_for_pri(queue, step) for step in self.priority_steps]  # type: ignore[no-untyped-call]  # kombu has no types
        self._delete_unless(dict.fromkeys(names, b"list"))
        super()._new_queue(queue, *args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def _queue_bind(self, exchange: str, *args: Any) -> None:
        tables = (self.keyprefix_queue % exchange, self.keyprefix_binding_permanent % exchange)
        self._delete_unless(dict.fromkeys(tables, b"set"))
        super()._queue_bind(exchange, *args)  # type: ignore[no-untyped-call]  # kombu has no types

    def delete_unusable_keys(self) -> None:
        """Delete keys of a wrong type: every command of kombu's on such a key fails for ever."""
        times = (self.unacked_index_key, self.keyprefix_binding_deadlines)
        self._delete_unless({self.unacked_key: b"hash", **dict.fromkeys(times, b"zset")})
        # kombu's lock expires; a lock that never does would stop every worker from restoring messages.
        with self.conn_or_acquire() as redis:
            if redis.pttl(f"{self.global_keyprefix}{self.unacked_mutex_key}") == _NO_EXPIRY:
                _delete(redis, self.unacked_mutex_key, "it is a lock that never expires")

    def _delete_unless(self, types: dict[str, bytes]) -> None:
        # An account that may only enqueue lacks the permission for TYPE, and needs no check.
        with self.conn_or_acquire() as redis, suppress(ResponseError):
            with redis.pipeline(transaction=False) as pipe:
                for key in types:
                    pipe.type(f"{self.global_keyprefix}{key}")
                found_types = pipe.execute()
            for (key, expected), found in zip(types.items(), found_types, strict=True):
                if found not in {expected, b"none"}:
                    _delete(redis, key, f"it is no {expected.decode()}")

    def get_table(self, exchange: str) -> list[tuple[str, ...]]:
        self._delete_unless({self.keyprefix_queue % exchange: b"set"})
        table = super().get_table(exchange)  # type: ignore[no-untyped-call]  # kombu has no types
        return [binding for binding in table if len(binding) == len(("key", "pattern", "queue"))]

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]  # kombu has no types
        # After a lost connection the channel has a new pool.
        if self._commands is None or self._commands.connection_pool is not self.pool:
            self._commands = super()._create_client()  # type: ignore[no-untyped-call]  # kombu has no types
        return self._commands

    def _connparams(self, *args: Any, **options: Any) -> Any:
        # kombu looks for the address in `client`. When a channel is closed after its connection, `client` is None,
        # and the AttributeError would end the worker. Celery handles a lost connection.
        if self.connection.client is None:
            raise BrokerLost("The connection to the broker is closed.")
        return super()._connparams(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def _get_client(self) -> Any:
        return partial(GuardedClient, global_keyprefix=self.global_keyprefix)


class GuardedTransport(kombu_redis.Transport):
    Channel = GuardedChannel

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """The first step of a new connection: delete unusable keys before kombu restores messages."""
        cycle: Any = self.cycle
        for channel in cycle._channels:  # noqa: SLF001  as kombu's own poller does
            channel.delete_unusable_keys()
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]  # kombu has no types
        loop.call_repeatedly(LOOK_S, loop_step.send, (None,))

    def _deliver(self, message: Any, queue: str) -> None:
        """An error that a message causes in Celery never reaches the main loop; an error of Redis does."""
        message["headers"] = safe_headers(message["headers"])
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]  # kombu has no types
        except (OSError, RedisError):
            raise
        except Exception as err:  # noqa: BLE001  Celery can raise any class here
            _drop(f"handling it raised {type(err).__name__}")


class GuardedConnection(Connection):
    def get_transport_cls(self) -> type:
        return GuardedTransport

    def _ensure_connection(  # kombu passes these by position, and by name
        self,
        errback: Any = None,
        max_retries: int | None = None,
        interval_start: float = 2,
        interval_step: float = 2,
        interval_max: float = RECONNECT_AT_LATEST_S,
        *args: Any,
        **options: Any,
    ) -> Any:
        pauses = interval_start, interval_step, min(interval_max, RECONNECT_AT_LATEST_S)
        return super()._ensure_connection(errback, max_retries, *pauses, *args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def Pool(self, limit: int | None = None, **options: Any) -> ConnectionPool:  # noqa: N802  kombu's name
        return GuardedPool(self, limit, **options)  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedPooledConnection(GuardedConnection, PooledConnection):
    """A connection for enqueueing: kombu makes the connections of a pool from a class of its own."""


class GuardedPool(ConnectionPool):
    def new(self) -> GuardedPooledConnection:
        options = self.connection._info(resolve=False)  # noqa: SLF001  as kombu's own pool does
        return GuardedPooledConnection(self, **dict(options))  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedAMQP(AMQP):
    Connection = GuardedConnection


def _delete(redis: Any, key: str, reason: str) -> None:
    redis.delete(key)
    log.warning("broker_key_deleted", key=key, reason=reason)


def _drop(reason: str) -> None:
    log.warning("message_dropped", reason=reason)
    message_dropped.send(sender=None, reason=reason)
