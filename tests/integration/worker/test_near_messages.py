"""Messages of the documented shape whose values are near what kombu, Celery and our own code can carry."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.integration.worker.conftest import running_worker
from tests.integration.worker.test_foreign_messages import (
    BATCH,
    CONTROL,
    PREFIX,
    QUEUE,
    await_empty,
    await_listener,
    await_output,
    envelope,
    with_value,
)
from tools.stack.child import Child

SURROGATE = "\ud800"


def asking(session_id: Any = SURROGATE, batch_index: Any = 0, **more: Any) -> dict[str, Any]:
    return envelope(BATCH, [[], {"session_id": session_id, "batch_index": batch_index, **more}, {}])


#: Places of a number, and what no number is.
ODD: tuple[Any, ...] = (1e999, -1, "x", {}, [], None, 10**300, True)
NOT_A_LIST_OF_NAMES: tuple[Any, ...] = (None, [SURROGATE], [[]], "x", {})

NEAR: tuple[dict[str, Any], ...] = (
    *(
        with_value(path, text)
        for path in (
            "headers.task",
            "headers.id",
            "properties.delivery_tag",
            "properties.delivery_info.routing_key",
        )
        for text in (SURROGATE, "a\nb\r\n{}", "\u2028\x00\x1b[31m", "\u202e", "")
    ),
    *(
        envelope(**{name: text})
        for name in ("root_id", "parent_id", "origin", "argsrepr", "kwargsrepr", "lang")
        for text in (SURROGATE, "\x00")
    ),
    *(
        with_value(f"properties.{name}", value)
        for name in ("priority", "delivery_mode", "reply_to", "correlation_id", "expiration")
        for value in (*ODD, SURROGATE)
    ),
    asking(),
    asking(str(uuid4()), 2**31),
    asking(str(uuid4()), 2**63),
    asking(str(uuid4()), 10**300),
    asking(str(uuid4()), 1e999),
    asking(7),
    asking([]),
    asking(str(uuid4()), **{SURROGATE: 1}),
    asking("\x00"),
    envelope(BATCH, [[], {SURROGATE: SURROGATE}, {}]),
)


def test_no_value_that_is_near_the_documented_one_stops_a_worker(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    for number, message in enumerate(NEAR):
        redis_client.lpush(QUEUE, json.dumps(message))
        sound = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(sound))
        await_output(
            worker_process, sound["headers"]["id"], after=f"message {number}: {json.dumps(message)[:900]}"
        )
    output = worker_process.output()
    for trouble in ("Connection to broker lost", "Traceback", "Logging error"):
        assert trouble not in output, output[output.index(trouble) - 1500 :][:4000]
    await_empty(redis_client, f"{PREFIX}unacked")


def test_messages_with_one_and_the_same_tag_are_all_answered(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    messages = [with_value("properties.delivery_tag", "the same") for _ in range(20)]
    for message in messages:
        redis_client.lpush(QUEUE, json.dumps(message))
    for message in messages:
        await_output(worker_process, message["headers"]["id"], after="equal tags")
    await_empty(redis_client, f"{PREFIX}unacked")
    assert "Traceback" not in worker_process.output()


@pytest.mark.parametrize("value", [1e999, "x", {}, [], True])
def test_a_message_is_given_back_whatever_its_priority_is(
    value: Any, tmp_path: Any, worker_env: dict[str, str], redis_client: redis.Redis
) -> None:
    odd, lost = with_value("properties.priority", value), envelope("generation.sweep")
    for number, message in enumerate((odd, lost)):
        redis_client.hset(f"{PREFIX}unacked", f"tag-{number}", json.dumps([message, "", "interactive"]))
        redis_client.zadd(f"{PREFIX}unacked_index", {f"tag-{number}": number + 1})
    with running_worker(tmp_path / "worker.log", worker_env) as worker:
        await_output(worker, lost["headers"]["id"], after=f"priority {value!r}", within_s=30)
        assert "Traceback" not in worker.output()


def test_a_flood_of_commands_does_not_keep_a_worker_from_its_queue(
    worker_process: Child, redis_client: redis.Redis
) -> None:
    await_listener(redis_client)
    bodies = [
        {"method": method, "destination": destination, "ticket": SURROGATE, "arguments": {"x": SURROGATE}}
        for method in (
            "ping",
            "stats",
            "conf",
            "shutdown",
            "pool_shrink",
            "rate_limit",
            "add_consumer",
            SURROGATE,
            "a\nb",
        )
        for destination in NOT_A_LIST_OF_NAMES
    ]
    for _ in range(20):
        for body in bodies:
            redis_client.publish(CONTROL, json.dumps(envelope(body=body)))
    sound = envelope("generation.sweep")
    redis_client.lpush(QUEUE, json.dumps(sound))
    await_output(worker_process, sound["headers"]["id"], after="a flood of commands")
    assert "Traceback" not in worker_process.output()
