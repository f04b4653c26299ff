"""The way to the broker: kombu's, hardened where a foreign message or a long outage would stop a worker.

kombu trusts what it pops from a queue and what is published to its workers. What decoding raises ends the worker
or counts as a lost connection, and then every running task is started a second time (celery#7975, kombu#2421).
Here such a message is dropped where it arrives, before kombu decodes it, with a log line and a signal: the rows
say what is wanted, and the sweep enqueues it again. The same holds for kombu's own keys: what is not as kombu wrote
it is dropped, too.
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

from worker.message_guard import problem_of_broadcast, problem_of_kept, problem_of_task, safe_headers
from worker.watchdog import CONNECT_WITHIN_S, LOOK_S

log = structlog.get_logger(__name__)

#: Sent for each message that is dropped, like Celery's own signals for those that reach it and no task takes.
message_dropped = Signal(name="message_dropped", providing_args={"reason"})

#: Sent when a step of the loop that takes messages is done, or the next one may take `next_within_s`.
loop_step = Signal(name="loop_step", providing_args={"next_within_s"})

#: kombu's default grows to half a minute, which a student would wait after Redis has come back.
RECONNECT_AT_LATEST_S = 3

#: In the names of the queues in which Flower waits for the answers to its commands.
_REPLIES = b"pidbox"

#: Redis' answer to PTTL for a key that stays.
_NO_END = -1


class SignedConnection(RedisConnection):
    """Each answer, and each try to connect, is a step of whoever waits for it."""

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


class SignedSSLConnection(SignedConnection, SSLConnection):
    pass


class GuardedPubSub(kombu_redis.PrefixedRedisPubSub):
    def parse_response(self, *args: Any, **options: Any) -> Any:
        """What arrived, or None for what kombu must not decode."""
        response = super().parse_response(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types
        if isinstance(response, list) and bytes(response[0]).endswith(b"message"):
            problem = problem_of_broadcast(response[-1])
            if problem is not None:
                _drop(problem)
                return None
        return response


class GuardedClient(kombu_redis.PrefixedStrictRedis):
    """The client through which kombu reads. It hands on only texts that kombu can decode."""

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
        """For whoever takes tasks. Who waits for answers only, like Flower, may not, and need not."""
        if any(_REPLIES.decode() not in queue for queue in self.channel.active_queues):
            super().restore_visible(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """What another worker took and did not finish goes back to its queue, if it is a message."""
        with self.channel.conn_or_acquire(client) as redis:
            kept = redis.hget(self.unacked_key, tag)
            problem = None if kept is None else problem_of_kept(kept)
            if problem is not None:
                self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]  # kombu has no types
                _drop(problem)
                return
        super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedChannel(kombu_redis.Channel):
    QoS = GuardedQoS
    connection_class = SignedConnection
    connection_class_ssl = SignedSSLConnection
    _commands: Any = None  #: one client for all single commands; kombu makes one for each of them

    def _new_queue(self, queue: str, *args: Any, **options: Any) -> None:
        """By every new connection, and Celery makes one whenever Redis answers a command with an error."""
        names = [self._q_for_pri(queue, step) for step in self.priority_steps]  # type: ignore[no-untyped-call]  # kombu has no types
        self._delete_unless(dict.fromkeys(names, b"list"))
        super()._new_queue(queue, *args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def _queue_bind(self, exchange: str, *args: Any) -> None:
        tables = (self.keyprefix_queue % exchange, self.keyprefix_binding_permanent % exchange)
        self._delete_unless(dict.fromkeys(tables, b"set"))
        super()._queue_bind(exchange, *args)  # type: ignore[no-untyped-call]  # kombu has no types

    def delete_unusable_keys(self) -> None:
        """A key of another type than kombu's would make every command on it fail, for ever."""
        times = (self.unacked_index_key, self.keyprefix_binding_deadlines)
        self._delete_unless({self.unacked_key: b"hash", **dict.fromkeys(times, b"zset")})
        # kombu's lock has an end; one without would keep every worker from looking for what is left.
        with self.conn_or_acquire() as redis:
            if redis.pttl(f"{self.global_keyprefix}{self.unacked_mutex_key}") == _NO_END:
                _delete(redis, self.unacked_mutex_key, "it is a lock without an end")

    def _delete_unless(self, types: dict[str, bytes]) -> None:
        # An account that may only enqueue may not ask, and need not.
        with self.conn_or_acquire() as redis, suppress(ResponseError):
            with redis.pipeline(transaction=False) as asked:
                for key in types:
                    asked.type(f"{self.global_keyprefix}{key}")
                found = asked.execute()
            for (key, wanted), there in zip(types.items(), found, strict=True):
                if there not in {wanted, b"none"}:
                    _delete(redis, key, f"it is no {wanted.decode()}")

    def get_table(self, exchange: str) -> list[tuple[str, ...]]:
        self._delete_unless({self.keyprefix_queue % exchange: b"set"})
        table = super().get_table(exchange)  # type: ignore[no-untyped-call]  # kombu has no types
        return [binding for binding in table if len(binding) == len(("key", "pattern", "queue"))]

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]  # kombu has no types
        # After a lost connection the channel has another pool.
        if self._commands is None or self._commands.connection_pool is not self.pool:
            self._commands = super()._create_client()  # type: ignore[no-untyped-call]  # kombu has no types
        return self._commands

    def _connparams(self, *args: Any, **options: Any) -> Any:
        # A channel that is closed after its connection was given up would look for an address there, and
        # the AttributeError ends the worker; as a lost connection it is what Celery expects.
        if self.connection.client is None:
            raise BrokerLost("The connection to the broker was given up.")
        return super()._connparams(*args, **options)  # type: ignore[no-untyped-call]  # kombu has no types

    def _get_client(self) -> Any:
        return partial(GuardedClient, global_keyprefix=self.global_keyprefix)


class GuardedTransport(kombu_redis.Transport):
    Channel = GuardedChannel

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """The first that is done with a new connection, and it looks for what other workers left."""
        cycle: Any = self.cycle
        for channel in cycle._channels:  # noqa: SLF001  as kombu's own poller does
            channel.delete_unusable_keys()
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]  # kombu has no types
        loop.call_repeatedly(LOOK_S, loop_step.send, (None,))

    def _deliver(self, message: Any, queue: str) -> None:
        """Nothing that a message makes Celery raise reaches the loop; what Redis raises does."""
        message["headers"] = safe_headers(message["headers"])
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]  # kombu has no types
        except (OSError, RedisError):
            raise
        except Exception as err:  # noqa: BLE001  no list of classes would be whole
            _drop(f"handling it raised {type(err).__name__}")


class GuardedConnection(Connection):
    def get_transport_cls(self) -> type:
        return GuardedTransport

    def _ensure_connection(  # kombu passes these by place, and by name
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
    """What enqueues: kombu makes the connections of a pool from a class of its own."""


class GuardedPool(ConnectionPool):
    def new(self) -> GuardedPooledConnection:
        reported = self.connection._info(resolve=False)  # noqa: SLF001  as kombu's own pool does
        return GuardedPooledConnection(self, **dict(reported))  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedAMQP(AMQP):
    Connection = GuardedConnection


def _delete(redis: Any, key: str, reason: str) -> None:
    redis.delete(key)
    log.warning("broker_key_deleted", key=key, reason=reason)


def _drop(reason: str) -> None:
    log.warning("message_dropped", reason=reason)
    message_dropped.send(sender=None, reason=reason)
