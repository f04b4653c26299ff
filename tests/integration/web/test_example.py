"""The clients over the real stack: Node takes an exam as a browser would, and Node enqueues a batch."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest

from tests.integration.stack.student import TIMEOUT_S, Student
from tests.support.node import PROJECT, node
from tools.stack.stack import Stack

REJECTED = 'tafawoq_messages_refused_total{why="fields"} 1.0'
GUIDE = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
PRODUCER = PROJECT / "clients" / "node" / "enqueue.mjs"


@pytest.mark.timeout(300)
def test_plain_node_takes_a_whole_exam_over_a_connection_that_is_cut_repeatedly(stack: Stack) -> None:
    """D7, D10: the reader misses no event over many cuts; a double click creates one session."""
    user = str(uuid4())
    # The guide's own command, against this stack.
    shown = re.search(r"^node (\S+) http://127.0.0.1:8000$", GUIDE, flags=re.MULTILINE)
    assert shown is not None
    printed = node(shown[1], stack.api_url, "--user", user, "--cut-after", "10", within_s=200)
    result: dict[str, Any] = json.loads(printed)
    committed = positions(stack.environment["DATABASE_URL"], result["sessionId"])

    assert result["order"] == list(range(96)) == committed
    assert result["leaks"] == []
    assert result["sameSession"] is True
    assert result["cacheHit"] is True
    assert result["joined"] == 1
    assert result["cuts"] >= 4
    assert result["reconnects"] in {result["cuts"], result["cuts"] - 1}, (
        "the last cut may come with the last question"
    )
    assert result["streams"] == result["reconnects"] + 1


@pytest.mark.timeout(120)
def test_a_batch_enqueued_by_node_is_written(stack: Stack) -> None:
    student = Student(stack.api_url)
    student.begin({"track": "literary"}, prefer=f"wait={TIMEOUT_S}")
    enqueue(stack, student.session_id, "1")
    until(lambda: student.session()["generatedBatches"] == 2, "the batch was not written")

    assert [question["index"] for question in student.session()["questions"]] == list(range(20))


@pytest.mark.timeout(120)
def test_an_undocumented_field_is_rejected_with_a_sentence(stack: Stack) -> None:
    script = f"""
      import {{ command, key, message }} from {json.dumps(PRODUCER.as_uri())};
      const sent = message({json.dumps(str(uuid4()))}, 0);
      const [args, kwargs, options] = JSON.parse(Buffer.from(sent.body, "base64"));
      sent.body = Buffer.from(JSON.stringify([args, {{ ...kwargs, colour: "سر" }}, options])).toString("base64");
      await command(process.env.REDIS_URL, "LPUSH", key(), JSON.stringify(sent));
    """
    node("--input-type=module", "--eval", script, within_s=30, REDIS_URL=stack.environment["REDIS_URL"])
    logs = [stack.logs / f"{name}.log" for name in stack.metrics_urls]
    until(lambda: any("PayloadRefused" in log.read_text("utf-8") for log in logs), "no worker rejected it")
    logged = "".join(log.read_text("utf-8") for log in logs)

    assert "`colour`: extra inputs are not permitted" in logged
    assert "It takes session_id and batch_index" in logged
    assert "سر" not in logged
    assert any(REJECTED in httpx2.get(url, timeout=10).text for url in stack.metrics_urls.values())
    assert stack.ended() is None


@pytest.mark.timeout(60)
def test_the_producer_sends_the_documented_message(stack: Stack) -> None:
    script = f"""
      import {{ key, message }} from {json.dumps(PRODUCER.as_uri())};
      console.log(JSON.stringify([key("prefetch"), message("s", 3, "prefetch")]));
    """
    name, sent = json.loads(node("--input-type=module", "--eval", script, within_s=30))
    page = (PROJECT / "docs" / "queue-messages.md").read_text("utf-8")
    shown = json.loads(page.partition("```json")[2].partition("```")[0])

    assert name == "tafawoq:prefetch"
    assert shape(sent) == shape(shown)
    assert json.loads(b64decode(sent["body"]))[:2] == [[], {"session_id": "s", "batch_index": 3}]


def enqueue(stack: Stack, *arguments: str) -> None:
    node(str(PRODUCER), *arguments, within_s=30, REDIS_URL=stack.environment["REDIS_URL"])


def shape(message: Any) -> Any:
    """The names of all fields and the types of their values."""
    if isinstance(message, dict):
        return {name: shape(value) for name, value in message.items()}
    return type(message)


def until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def positions(database_url: str, session_id: str) -> list[int]:
    query = "SELECT position FROM generation.questions WHERE session_id = %s ORDER BY position"
    with psycopg.connect(database_url) as connection:
        return [position for (position,) in connection.execute(query, (session_id,))]
