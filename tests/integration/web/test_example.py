"""The example takes an exam over the real stack, in Node, as a browser would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.node import PROJECT, built_example, node
from tests.support.stack import running_stack

PRODUCER = PROJECT / "examples" / "node-producer" / "enqueue.mjs"


@pytest.mark.timeout(300)
def test_the_example_takes_a_whole_exam_with_its_connection_cut_in_the_middle(tmp_path: Path) -> None:
    """D7, D10: cut again and again, the reader misses nothing; a double click made one session."""
    example = built_example(tmp_path / "built")
    user = str(uuid4())
    with running_stack(tmp_path / "stack", speed=60) as stack:
        printed = node(
            str(example / "runner.js"), stack.api_url, "--user", user, "--cut-after", "20", within_s=200
        )
        told: dict[str, Any] = json.loads(printed)
        committed = positions(stack.environment["DATABASE_URL"], told["sessionId"])

    assert told["order"] == list(range(96)) == committed
    assert told["leaks"] == []
    assert told["sameSession"] is True
    assert told["cacheHit"] is True
    assert told["joined"] == 1
    assert told["reconnects"] >= 4
    assert told["streams"] == told["reconnects"] + 1


def positions(database_url: str, session_id: str) -> list[int]:
    query = "SELECT position FROM generation.questions WHERE session_id = %s ORDER BY position"
    with psycopg.connect(database_url) as connection:
        return [position for (position,) in connection.execute(query, (session_id,))]
