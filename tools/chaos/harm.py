"""Harm to Redis and Postgres that leaves both servers running."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator, Sequence

import psycopg
import redis as redis_client
from psycopg import sql

_PREFIX = "tafawoq:"
_QUEUES = (f"{_PREFIX}interactive", f"{_PREFIX}prefetch")
_CONTROL = f"{_PREFIX}/0.celery.pidbox"

#: Redis lets this client set things right again.
_OWN_CONNECTION = 1

_DEEP = 5000
_HUGE_BYTES = 1_000_000  # about as long as our Redis takes
_TYPED = {"__type__": "decimal", "__value__": "x"}


def kill_connections(url: str, kind: str) -> None:
    """Of this type, as CLIENT KILL names it: normal or pubsub."""
    with redis_client.Redis.from_url(url) as client:
        client.client_kill_filter(_type=kind, skipme=True)


def refuse_connections_for(seconds: float, url: str) -> None:
    """Every connection is lost, and no new one is taken meanwhile."""
    with redis_client.Redis.from_url(url, single_connection_client=True) as client:
        before = str(client.config_get("maxclients")["maxclients"])
        client.config_set("maxclients", str(_OWN_CONNECTION))
        try:
            for kind in ("normal", "pubsub"):
                client.client_kill_filter(_type=kind, skipme=True)
            time.sleep(seconds)
        finally:
            client.config_set("maxclients", before)


def poison(url: str) -> None:
    """Every kind of unreadable message, in both queues and to every worker at once."""
    texts = list(poison_messages())
    push_to_queues(url, texts)
    publish_to_workers(url, texts)


def push_to_queues(url: str, texts: Sequence[bytes]) -> None:
    with redis_client.Redis.from_url(url) as client:
        for text in texts:
            for queue in _QUEUES:
                client.lpush(queue, text)


def publish_to_workers(url: str, texts: Sequence[bytes]) -> None:
    with redis_client.Redis.from_url(url) as client:
        for text in texts:
            client.publish(_CONTROL, text)


def poison_messages() -> Iterator[bytes]:
    """Deep, binary, huge, of wrong types, and calls that ask for more than a batch."""
    yield b"[" * _DEEP + b"]" * _DEEP
    yield b'{"a":' * _DEEP + b"1" + b"}" * _DEEP
    yield bytes(range(256)) * 16
    yield b"x" * _HUGE_BYTES
    yield from (b"", b"null", b"[]", b"true", b"1e999", b'"text"', b"{}", b'{"body": 7, "headers": []}')
    values: tuple[object, ...] = (_TYPED, {"__type__": [1], "__value__": 1}, [], None, "x")
    for value in values:
        yield _envelope([[], value, {}])
        yield _envelope(value)
    session = "00000000-0000-4000-8000-000000000000"
    for index in ("2", 2.0, True, None, -1, 10**40):
        yield _envelope([[], {"session_id": session, "batch_index": index}, None])
    links = [{"task": "generation.sweep", "args": [], "kwargs": {}, "options": {}}]
    yield _envelope([[], {"session_id": session, "batch_index": 0}, {"chain": links, "callbacks": links}])
    for method in ("shutdown", "pool_shrink", "cancel_consumer"):
        yield _envelope({"method": method, "arguments": {"n": 4, "queue": "interactive"}})


def _envelope(body: object) -> bytes:
    message = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": "generation.generate_batch", "id": "poison"},
        "properties": {
            "delivery_tag": "poison",
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": "interactive"},
        },
    }
    return json.dumps(message).encode()


def read_only_for(seconds: float, url: str) -> None:
    """New sessions may only read, and the old ones are ended. Whoever connects meanwhile keeps a read-only session."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as owner:
        owner.execute("SET default_transaction_read_only = off")
        database = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database))
        try:
            with contextlib.suppress(psycopg.Error):
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            time.sleep(seconds)
        finally:
            owner.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(database))
