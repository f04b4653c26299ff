"""The way to the broker: kombu's, hardened where a foreign message or a long outage would stop a worker.

kombu trusts what it pops from a queue and what is published to its workers. What decoding raises ends the worker
or counts as a lost connection, and then every running task is started a second time (celery#7975, kombu#2421).
Here such a message is dropped where it arrives, before kombu decodes it, with a log line and a signal: the rows
say what is wanted, and the sweep enqueues it again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from celery.app.amqp import AMQP
from celery.utils.dispatch import Signal
from kombu.connection import Connection, ConnectionPool, PooledConnection
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as BrokerLost
from redis.exceptions import RedisError

from worker.message_guard import problem_of_broadcast, problem_of_task, safe_headers

log = structlog.get_logger(__name__)

#: Sent for each message that is dropped, like Celery's own signals for those that reach it and no task takes.
message_dropped = Signal(name="message_dropped", providing_args={"reason"})

#: kombu's default grows to half a minute, which a student would wait after Redis has come back.
RECONNECT_AT_LATEST_S = 3


#: In the names of the queues in which Flower waits for the answers to its commands.
_REPLIES = b"pidbox"


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


class GuardedChannel(kombu_redis.Channel):
    _commands: Any = None  #: one client for all single commands; kombu makes one for each of them

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
    """What rings: kombu makes the connections of a pool from a class of its own."""


class GuardedPool(ConnectionPool):
    def new(self) -> GuardedPooledConnection:
        told = self.connection._info(resolve=False)  # noqa: SLF001  as kombu's own pool does
        return GuardedPooledConnection(self, **dict(told))  # type: ignore[no-untyped-call]  # kombu has no types


class GuardedAMQP(AMQP):
    Connection = GuardedConnection


def _drop(reason: str) -> None:
    log.warning("message_dropped", reason=reason)
    message_dropped.send(sender=None, reason=reason)
