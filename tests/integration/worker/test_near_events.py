"""What anybody may publish as an event: Flower's pages go on showing the workers and their tasks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import redis

from tests.integration.worker.test_accounts import until
from tests.integration.worker.test_foreign_messages import PREFIX, QUEUE, envelope
from tools.stack.child import Child, launch
from tools.stack.ports import free_port
from tools.stack.processes import PROJECT, flower

EVENTS = f"{PREFIX}/0.celeryev/worker.heartbeat"
SURROGATE = "\ud800"
ROWS = "draw=1&start=0&length=50&search[value]=&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
PAGES = (
    "/workers",
    "/workers?json=1",
    "/tasks",
    "/api/tasks",
    "/metrics",
    "/broker",
    f"/tasks/datatable?{ROWS}",
)

NO_NAMES: tuple[Any, ...] = (SURROGATE, {}, None, "", 7, "x" * 300)
NO_NUMBERS: tuple[Any, ...] = ("x", {}, [], 1e999, 10**300, 2**63, -(2**63), SURROGATE)
NO_LOADS: tuple[Any, ...] = ([], [1], ["x", 1, 1], [[], 1, 1])
NO_TEXTS: tuple[Any, ...] = (SURROGATE, {}, [], 1e999)

#: Each alone makes an event that Celery or Flower takes for its own.
ODD: tuple[dict[str, Any], ...] = (
    *({"hostname": value} for value in NO_NAMES),
    *({"type": value} for value in NO_NAMES[:-1]),
    *(
        {name: value}
        for name in ("timestamp", "clock", "freq", "utcoffset", "active", "processed", "pid", "loadavg")
        for value in NO_NUMBERS
    ),
    *({"loadavg": value} for value in NO_LOADS),
    {"type": "task-received"},
    {"type": "task-received", "uuid": {}},
    *(
        {"type": kind, "uuid": "4e5ae5f0-0000-4000-8000-000000000000", name: value}
        for kind in ("task-received", "task-succeeded", "task-failed")
        for name in (
            "name",
            "args",
            "kwargs",
            "result",
            "exception",
            "traceback",
            "runtime",
            "eta",
            "retries",
        )
        for value in NO_TEXTS
    ),
)


def event(**fields: Any) -> dict[str, Any]:
    heartbeat: dict[str, Any] = {
        "type": "worker-heartbeat",
        "hostname": "odd@host",
        "timestamp": time.time(),
        "utcoffset": 0,
        "pid": 1,
        "clock": 1,
        "freq": 2.0,
        "active": 0,
        "processed": 0,
        "loadavg": [0.1, 0.1, 0.1],
        "sw_ident": "py-celery",
        "sw_ver": "5",
        "sw_sys": "Linux",
    }
    return heartbeat | fields


def published(body: Any) -> str:
    message = envelope(body=body)
    message["properties"]["delivery_info"] = {"exchange": "celeryev", "routing_key": "worker.heartbeat"}
    return json.dumps(message)


@pytest.mark.timeout(180)
def test_no_event_takes_flowers_pages_away(
    tmp_path: Path, worker_process: Child, worker_env: dict[str, str], redis_client: redis.Redis
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {**worker_env, "FLOWER_UNAUTHENTICATED_API": "true"}
    page = launch("flower", flower(port=port), log=tmp_path / "flower.log", env=env, cwd=PROJECT)
    try:
        until(lambda: redis_client.publish(EVENTS, published(event())) > 0, "Flower listens to no events")
        odd = [event(**fields) for fields in ODD]
        bodies: list[Any] = [*odd, [event(), 7, None], odd[:3], [], {}, [[]]]
        for body in bodies:
            redis_client.publish(EVENTS, published(body))
        last = event(hostname=f"last-{uuid4()}")
        redis_client.publish(EVENTS, published(last))
        until(lambda: last["hostname"] in httpx2.get(f"{url}/workers").text, "Flower takes no more events")

        message = envelope("generation.sweep")
        redis_client.lpush(QUEUE, json.dumps(message))
        task = f"{url}/api/task/info/{message['headers']['id']}"
        until(lambda: httpx2.get(task).status_code == 200, "Flower hears nothing of the worker's tasks")
        assert {path: httpx2.get(f"{url}{path}", timeout=20).status_code for path in PAGES} == dict.fromkeys(
            PAGES, 200
        )
        assert "Uncaught exception" not in page.output()
        assert "No worker has been assembled" not in page.output()
    finally:
        page.stop(grace_s=10)
    assert worker_process.is_alive
