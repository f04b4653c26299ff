"""What anybody may put on our queues: a worker drops it, lives on, and still answers the next bell."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

import redis

from runtime.child import Child

PREFIX = "tafawoq:"
QUEUE = f"{PREFIX}interactive"
#: Where remote control is published to all workers.
CONTROL = f"{PREFIX}/0.celery.pidbox"


def envelope(task: str = "generation.sweep", body: Any = None, **headers: Any) -> dict[str, Any]:
    """The documented message."""
    payload = [[], {}, {}] if body is None else body
    return {
        "body": b64encode(json.dumps(payload).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": str(uuid4()), **headers},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "interactive"},
            "delivery_mode": 2,
            "priority": 0,
        },
    }


def without(path: str) -> dict[str, Any]:
    message = envelope()
    *parents, last = path.split(".")
    place: Any = message
    for name in parents:
        place = place[name]
    del place[last]
    return message


def with_value(path: str, value: Any) -> dict[str, Any]:
    message = envelope()
    *parents, last = path.split(".")
    place: Any = message
    for name in parents:
        place = place[name]
    place[last] = value
    return message


PATHS = (
    "body",
    "content-type",
    "content-encoding",
    "headers",
    "headers.task",
    "headers.id",
    "properties",
    "properties.delivery_tag",
    "properties.delivery_info",
    "properties.delivery_info.exchange",
    "properties.delivery_info.routing_key",
    "properties.body_encoding",
)
WRONG = (None, 7, "text", ["list"], {"an": "object"})

#: Texts that are no envelope at all.
RAW = (b"", b"not json", b"\xff\xfe\x00", b"null", b"7", b'"text"', b"[]", b"{}", b"[[[[", b'{"body": 1}')

#: Texts that kombu's own decoding, or Celery's, fails on in ways of its own.
HOSTILE = (
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 990 + b"1" + b"}" * 990,
    b"[" * 100_000,
    b'{"__type__": "decimal", "__value__": "x"}',
    b'{"__type__": ["list"], "__value__": 1}',
    b'{"__type__": "bytes", "__value__": {}}',
    b'{"__type__": "uuid", "__value__": null}',
    b'{"a": "\\ud800"}',
    b"1" * 5_000,
    b"NaN",
    b" " * 70_000,
)

#: A sound envelope around what no task of ours takes.
BODIES: tuple[Any, ...] = (
    [[], {}],
    [[], {}, {}, {}],
    {},
    7,
    "text",
    [7, {}, {}],
    [[], 7, {}],
    [[], {}, 7],
    [[], {}, []],
    [["positional"], {}, {}],
    [[], {"session_id": "no uuid", "batch_index": 0}, {}],
    [[], {"session_id": str(uuid4()), "batch_index": -1}, {}],
    [[], {"session_id": str(uuid4()), "batch_index": 0, "more": 1}, {}],
    [[], {"session_id": str(uuid4()), "batch_index": 0}, None],
    [[], {"session_id": str(uuid4()), "batch_index": 0}, {"callbacks": 7, "errbacks": "x", "chord": []}],
)

#: Headers that Celery acts on, with values that it does not expect.
HEADERS: tuple[dict[str, Any], ...] = (
    {"timelimit": 7},
    {"timelimit": [1, 2, 3]},
    {"eta": "tomorrow"},
    {"eta": 7},
    {"eta": "9999-12-31T23:59:59"},
    {"expires": "yesterday"},
    {"expires": []},
    {"retries": "many"},
    {"group": {}},
    {"root_id": []},
    {"parent_id": {}},
    {"argsrepr": {}},
    {"kwargsrepr": []},
    {"lang": 7},
    {"origin": []},
    {"ignore_result": "maybe"},
    {"shadow": []},
    {"stamps": 7, "stamped_headers": 7},
    {"compression": "zip of nothing"},
    {"replaced_task_nesting": "deep"},
    {"chord": 7},
)


def foreign_messages() -> list[bytes]:
    shapes = [without(path) for path in PATHS]
    shapes += [with_value(path, value) for path in PATHS for value in WRONG]
    shapes += [
        with_value("content-type", kind) for kind in ("application/x-python-serialize", "text/plain", "")
    ]
    shapes += [with_value("content-encoding", "klingon"), with_value("body", "no base64!")]
    for task in ("generation.generate_batch", "generation.prefetch", "generation.sweep", "nobody.knows"):
        shapes += [envelope(task, body) for body in BODIES]
    shapes += [envelope(**headers) for headers in HEADERS]
    return [*RAW, *HOSTILE, *(json.dumps(shape).encode() for shape in shapes)]


def test_no_foreign_message_stops_a_worker_or_stays_on_the_queue(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """Each one alone, then a sound bell behind it that must be answered by the same worker."""
    for number, raw in enumerate(foreign_messages()):
        redis_client.lpush(QUEUE, raw)
        bell = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(bell).encode())
        await_output(worker_process, bell["headers"]["id"], after=f"message {number}: {raw[:300]!r}")
    output = worker_process.output()
    assert "Connection to broker lost" not in output, "a message counted as a lost connection"
    assert redis_client.llen(QUEUE) == 0
    await_empty(redis_client, f"{PREFIX}unacked")


def test_nothing_published_to_every_worker_stops_one(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """The control channel reaches all workers at once: what one of them dies of, they all die of."""
    bodies: tuple[Any, ...] = (None, 7, "text", [], {}, {"method": "nobody.knows"}, {"method": {}})
    shapes = [envelope(body=body) for body in bodies]
    shapes += [without(path) for path in PATHS] + [
        with_value(path, value) for path in PATHS for value in WRONG
    ]
    for raw in (*RAW, *HOSTILE, *(json.dumps(shape).encode() for shape in shapes)):
        await_listener(redis_client)
        assert redis_client.publish(CONTROL, raw) > 0, f"deaf before {raw[:300]!r}"
        bell = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(bell).encode())
        await_output(worker_process, bell["headers"]["id"], after=f"broadcast {raw[:300]!r}")
    assert "Connection to broker lost" not in worker_process.output()


def test_a_worker_whose_pubsub_connection_is_killed_goes_on_and_listens_again(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """With redis-py's retry the loop that takes messages read the new socket without a limit, for good."""
    for _ in range(3):
        await_listener(redis_client)
        assert redis_client.client_kill_filter(_type="pubsub") > 0
        bell = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(bell).encode())
        await_output(worker_process, bell["headers"]["id"], after="client kill type pubsub")
    await_listener(redis_client)


def await_listener(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while not client.pubsub_numpat():
        assert time.monotonic() < deadline, "the worker does not listen"
        time.sleep(0.01)


def await_empty(client: redis.Redis, name: str) -> None:
    """Acknowledgements follow the answers by a moment."""
    deadline = time.monotonic() + 10
    while left := client.hkeys(name):
        assert time.monotonic() < deadline, f"never acknowledged: {left}"
        time.sleep(0.01)


def await_output(worker: Child, text: str, *, after: str) -> None:
    deadline = time.monotonic() + 10
    while text not in worker.output():
        assert worker.is_alive, f"the worker ended after {after}: {worker.last_words()}"
        assert time.monotonic() < deadline, f"no answer after {after}: {worker.last_words()}"
        time.sleep(0.005)
