"""What anybody may put on our queues: a worker drops it, lives on, and still answers the next message."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.worker.conftest import running_worker
from tools.stack.child import Child

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
    {"shadow": "a name of its own"},
    {"argsrepr": "x" * 60_000},
)

#: What Celery would obey, and what only looks like the documented message.
SESSION = str(uuid4())
BATCH = "generation.generate_batch"
REFUSED: tuple[dict[str, Any], ...] = (
    envelope(
        BATCH, [[], {"session_id": SESSION, "batch_index": 0}, {"chain": [{"task": "generation.sweep"}]}]
    ),
    envelope(
        BATCH, [[], {"session_id": SESSION, "batch_index": 0}, {"callbacks": [{"task": "generation.sweep"}]}]
    ),
    envelope(
        BATCH, [[], {"session_id": SESSION, "batch_index": 0}, {"errbacks": [{"task": "generation.sweep"}]}]
    ),
    envelope(BATCH, [[], {"session_id": SESSION, "batch_index": 0}, {"more": None}]),
    envelope(BATCH, [[SESSION, 0], {}, {}]),
    with_value("properties.delivery_info.exchange", "celeryev"),
    with_value("headers.id", "x" * 300),
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
    shapes += REFUSED
    return [*RAW, *HOSTILE, *(json.dumps(shape).encode() for shape in shapes)]


def test_no_foreign_message_stops_a_worker_or_stays_on_the_queue(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """Each one alone, then a sound message behind it that must be answered by the same worker."""
    for number, raw in enumerate(foreign_messages()):
        redis_client.lpush(QUEUE, raw)
        message = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(message).encode())
        await_output(worker_process, message["headers"]["id"], after=f"message {number}: {raw[:300]!r}")
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
        message = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(message).encode())
        await_output(worker_process, message["headers"]["id"], after=f"broadcast {raw[:300]!r}")
    assert "Connection to broker lost" not in worker_process.output()


def test_a_worker_whose_pubsub_connection_is_killed_goes_on_and_listens_again(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """With redis-py's retry the loop that takes messages read the new socket without a limit, for good."""
    for _ in range(3):
        await_listener(redis_client)
        assert redis_client.client_kill_filter(_type="pubsub") > 0
        message = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(message).encode())
        await_output(worker_process, message["headers"]["id"], after="client kill type pubsub")
    await_listener(redis_client)


def test_what_is_not_the_documented_message_is_dropped_and_its_options_are_not_obeyed(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    for message in REFUSED:
        redis_client.lpush(QUEUE, json.dumps(message))
    message = envelope("generation.sweep")
    redis_client.lpush(QUEUE, json.dumps(message))
    await_output(worker_process, message["headers"]["id"], after="messages with options")
    output = worker_process.output()
    assert output.count("message_dropped") == len(REFUSED)
    assert not [each for each in REFUSED if each["headers"]["id"] in output]


#: Into kombu's own keys: what a worker has taken, and where answers go.
KEPT = (*RAW, *HOSTILE, b"[1, 2, 3]", b'[{}, "", ""]', b'[{"headers": 7}, "", "interactive"]')


def test_nothing_in_the_brokers_own_keys_stops_a_worker_or_keeps_it_from_giving_back(
    tmp_path: Path, worker_env: dict[str, str], redis_client: redis.Redis
) -> None:
    """Garbage stands before a message that a worker took and did not finish; that one is given back."""
    lost = envelope("generation.sweep")
    for number, text in enumerate(KEPT):
        redis_client.hset(f"{PREFIX}unacked", f"garbage-{number}", text)
        redis_client.zadd(f"{PREFIX}unacked_index", {f"garbage-{number}": number + 2})
    redis_client.hset(f"{PREFIX}unacked", "lost", json.dumps([lost, "", "interactive"]))
    redis_client.zadd(f"{PREFIX}unacked_index", {b"lost": 1, b"\xff": 1, b"nothing kept": 1})
    redis_client.set(f"{PREFIX}unacked_mutex", "held for ever")
    for exchange in ("interactive", "celery.pidbox", "reply.celery.pidbox"):
        redis_client.sadd(f"{PREFIX}_kombu.binding.{exchange}", b"", b"\xff", b"\x06\x16", b"a\x06\x16b")
    with running_worker(tmp_path / "worker.log", worker_env) as worker:
        await_output(worker, lost["headers"]["id"], after="garbage in unacked", within_s=30)
        answer = {"exchange": "reply.celery.pidbox", "routing_key": "asks"}
        binding = "asks\x06\x16\x06\x16asks.reply.celery.pidbox"
        redis_client.sadd(f"{PREFIX}_kombu.binding.reply.celery.pidbox", binding)
        command = envelope(body={"method": "ping", "reply_to": answer, "ticket": "t"})
        redis_client.publish(CONTROL, json.dumps(command))
        assert redis_client.blpop([f"{PREFIX}asks.reply.celery.pidbox"], 10), "its answer reached nobody"
    await_empty(redis_client, f"{PREFIX}unacked")


@pytest.mark.parametrize("name", ["interactive", "unacked", "unacked_index", "_kombu.binding.interactive"])
def test_a_key_of_another_type_is_deleted_and_the_worker_goes_on(
    name: str, worker_process: Child, redis_client: redis.Redis
) -> None:
    """While the worker runs, and while none does; Celery connects again, and finds it then."""
    redis_client.delete(f"{PREFIX}{name}")
    if name == "interactive":
        redis_client.set(f"{PREFIX}{name}", "no list")
    else:
        redis_client.lpush(f"{PREFIX}{name}", "no set")
        redis_client.lpush(QUEUE, json.dumps(envelope("generation.sweep")))
        redis_client.client_kill_filter(_type="normal", skipme=True)
    await_output(worker_process, "broker_key_deleted", after=f"a foreign {name}", within_s=30)
    message = envelope("generation.sweep")
    redis_client.lpush(QUEUE, json.dumps(message))
    await_output(worker_process, message["headers"]["id"], after=f"a foreign {name}", within_s=30)


def test_no_bytes_stop_a_worker_wherever_they_are_put(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    """Bytes, JSON of any shape, and the documented envelope around them, on a queue and on the control channel."""

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(text=st.binary(max_size=200) | anything.map(as_text) | anything.map(around))
    def survives(text: bytes) -> None:
        redis_client.lpush(QUEUE, text)
        redis_client.publish(CONTROL, text)
        message = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(message))
        await_output(worker_process, message["headers"]["id"], after=repr(text[:300]))

    survives()
    assert "Connection to broker lost" not in worker_process.output()


NAMES = st.sampled_from(
    ["body", "headers", "method", "destination", "pattern", "matcher", "reply_to", "__type__"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def as_text(value: Any) -> bytes:
    return json.dumps(value).encode()


def around(value: Any) -> bytes:
    return as_text(envelope(body=value))


def await_listener(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while not client.pubsub_numpat():
        assert time.monotonic() < deadline, "the worker does not listen"
        time.sleep(0.01)


def await_empty(client: redis.Redis, name: str) -> None:
    """Acknowledgements follow the answers by a moment."""
    deadline = time.monotonic() + 30
    while left := client.hkeys(name):
        assert time.monotonic() < deadline, f"never acknowledged: {left}"
        time.sleep(0.01)


def await_output(worker: Child, text: str, *, after: str, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while text not in worker.output():
        assert worker.is_alive, f"the worker ended after {after}: {worker.last_words()}"
        assert time.monotonic() < deadline, f"no answer after {after}: {worker.last_words()}"
        time.sleep(0.005)
