"""The peers: Celery's usual template. A prefork worker, a task that makes one SDK call, JSON at the end.

`PEER=plain` waits for the whole reply; `PEER=instructor` streams it through instructor's own scanner. They
check nothing, keep nothing in a database and report to Redis only, which is in their favour. Run with the
interpreter of the peers' environment for the latter.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

import anthropic
from celery import Celery
from redis import Redis

app = Celery("template", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_default_queue="template",
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
redis = Redis.from_url(os.environ["REDIS_URL"])


@cache
def client() -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="simulator", base_url=os.environ["SIMULATOR_URL"], max_retries=0, timeout=120
    )


@app.task(name="bench.template")
def write_batch(key: str, body: dict[str, Any]) -> None:
    began = time.time()
    first = _streamed(body) if os.environ["PEER"] == "instructor" else _whole(body)
    report = {"key": key, "began": began, "first": first, "ended": time.time()}
    redis.rpush("bench:reports", json.dumps(report))


def _whole(body: dict[str, Any]) -> float:
    message = client().messages.create(**{**body, "stream": False})
    for line in message.content[0].text.splitlines():
        json.loads(line)
    return time.time()


def _streamed(body: dict[str, Any]) -> float:
    from instructor.dsl.iterable import IterableBase
    from pydantic import BaseModel, ConfigDict

    class Question(BaseModel):
        model_config = ConfigDict(extra="allow")

    class Questions(IterableBase):
        task_type = Question

    first = 0.0
    with client().messages.create(**body) as events:
        # Its scanner looks for an array; our replies are lines.
        for _ in Questions.tasks_from_chunks(chain(["["], _texts(events))):
            first = first or time.time()
    return first


def _texts(events: Any) -> Iterator[str]:
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield event.delta.text
