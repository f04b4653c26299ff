"""The way to the broker: kombu's, hardened where a foreign message or a long outage would stop a worker.

kombu trusts what it pops from a queue. A text that is no JSON ends the worker; a message without its
delivery tag counts as a lost connection, and every running task is started a second time; a header of the
wrong type ends the worker and stays in the queue for the next one. Here such a message is dropped where it
arrives, with a log line and a signal: the rows say what is wanted, and the sweep rings for it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from queue import Empty
from typing import Any

import structlog
from celery.app.amqp import AMQP
from celery.utils.dispatch import Signal
from kombu.connection import Connection, ConnectionPool, PooledConnection
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as BrokerLost

log = structlog.get_logger(__name__)

#: Sent for each message that is dropped, like Celery's own signals for those that reach it and no task takes.
message_dropped = Signal(name="message_dropped", providing_args={"reason"})

#: kombu's default grows to half a minute, which a student would wait after Redis has come back.
RECONNECT_AT_LATEST_S = 3

#: Queues of Celery's own, for remote control and events: their messages look otherwise.
_CELERYS_OWN = ("pidbox", "celeryev")

#: What a message must have: the documented envelope.
_TEXTS = (
    ("headers", "task"),
    ("headers", "id"),
    ("properties", "delivery_tag"),
    ("properties", "delivery_info", "exchange"),
    ("properties", "delivery_info", "routing_key"),
)
_FIXED = {"content-type": "application/json", "content-encoding": "utf-8"}

#: Celery would act on these; a bell needs none of them, because the rows say when and how often.
_NOT_OBEYED = frozenset({"eta", "expires", "timelimit", "retries", "group", "compression"})


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

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu has no types
        except ValueError:  # the popped text is no JSON, or no UTF-8
            _drop("it is no JSON")
            raise Empty from None


class GuardedTransport(kombu_redis.Transport):
    Channel = GuardedChannel

    def _deliver(self, message: Any, queue: str) -> None:
        if not any(mark in queue for mark in _CELERYS_OWN):
            problem = problem_of(message)
            if problem is not None:
                _drop(problem, queue=queue)
                return
            message["headers"] = _kept(message["headers"])
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]  # kombu has no types


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


def _drop(reason: str, **where: str) -> None:
    log.warning("message_dropped", reason=reason, **where)
    message_dropped.send(sender=None, reason=reason)


def problem_of(message: Any) -> str | None:
    """Why this message from a queue of tasks is unusable; None when it has the documented shape."""
    for name, wanted in _FIXED.items():
        if _at(message, (name,)) != wanted:
            return f"{name} must be {wanted}"
    for path in _TEXTS:
        if not isinstance(_at(message, path), str):
            return f"{'.'.join(path)} must be a text"
    match _body(message):
        case [list(), dict(), dict() | None]:
            return None
    return "body must be [args, kwargs, options] as JSON, plain or in Base64 as body_encoding says"


def _at(message: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(message, Mapping):
            return None
        message = message.get(name)
    return message


def _body(message: dict[str, Any]) -> Any:
    """What the message carries, or None when it cannot be read."""
    body = message.get("body")
    try:
        match message["properties"].get("body_encoding"):
            case None:
                return json.loads(body)  # type: ignore[arg-type]  # what is no text is refused below
            case "base64":
                return json.loads(b64decode(body))  # type: ignore[arg-type]  # likewise
    except (TypeError, ValueError, RecursionError):
        return None
    return None


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Celery trusts the types of headers, and stops at one that is not as it expects: texts are safe."""
    return {
        name: value
        for name, value in headers.items()
        if isinstance(value, str | bool | None) and name not in _NOT_OBEYED
    }
