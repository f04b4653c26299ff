"""The whole system when the model writes badly, and when a worker is killed in the middle."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.integration.stack.student import Student
from tests.support.stack import running_stack

BAD_MODEL = (
    *("--reject-rate", "0.15", "--repeat-rate", "0.15", "--missing-rate", "0.15"),
    *("--surplus-rate", "0.15", "--broken-rate", "0.15"),
)

#: Calls one after another, so that who asked for what can be followed call by call.
ONE_CALL = {"GENERATION_LANES": "1"}


def rows(url: str, query: str, *values: Any) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


@pytest.mark.timeout(180)
def test_a_model_that_writes_badly_still_fills_exactly_its_slots(tmp_path: Path) -> None:
    """D5, D20: three of ten broken made seven in the original; here the rest is asked for again."""
    with running_stack(tmp_path, *BAD_MODEL, speed=60, environment=ONE_CALL) as stack:
        student = Student(stack.api_url)
        taken = [student.begin({"track": "scientific"})["questions"]]
        taken += [student.take(batch_index) for batch_index in range(1, 4)]
        assert [len(batch) for batch in taken] == [10, 10, 10, 10]
        assert [question["index"] for batch in taken for question in batch] == list(range(40))
        attempts = rows(
            stack.environment["DATABASE_URL"],
            "SELECT batch_index, asked, accepted, rejected FROM generation.attempts "
            "WHERE purpose = 'write' ORDER BY opened_at",
        )
    left = Counter({0: 10, 1: 10, 2: 10, 3: 10})
    for batch_index, asked, accepted, _ in attempts:
        # After a call that brought nothing, a part of them (decision 0022).
        assert 0 < asked <= left[batch_index], "a call asks for open slots and no other"
        left[batch_index] -= accepted
    assert set(left.values()) == {0}
    assert sum(rejected for *_, rejected in attempts) > 0


def question_events(stack_url: str, student: Student, count: int) -> list[int]:
    """Positions of the first questions told live, as soon as there are so many."""
    url = f"{stack_url}/api/exams/{student.session_id}/events"
    positions: list[int] = []
    with httpx2.stream("GET", url, headers={"X-User-Id": student.user_id}, timeout=60) as response:
        for line in response.iter_lines():
            if line.startswith("data:") and '"index"' in line:
                positions.append(json.loads(line.removeprefix("data:"))["index"])
                if len(positions) == count:
                    break
    return positions


@pytest.mark.timeout(180)
def test_a_worker_killed_in_mid_batch_loses_no_question_and_doubles_none(tmp_path: Path) -> None:
    """D2: the original's lock stayed for ever; here another run fills what is open, and only that."""
    with running_stack(tmp_path, speed=6, environment=ONE_CALL) as stack:
        student = Student(stack.api_url)
        student.begin({"track": "scientific"}, prefer="respond-async")
        database = stack.environment["DATABASE_URL"]
        question_events(stack.api_url, student, 3)
        owner = rows(database, "SELECT owner FROM generation.batches")[0][0]
        victim = next(child for child in stack.children.values() if owner.endswith(f":{child.pid}"))
        victim.send(signal.SIGKILL)
        before = rows(database, "SELECT position, content FROM generation.questions ORDER BY position")
        assert 3 <= len(before) < 10
        assert len(student.take(0)) == 10
        after = rows(database, "SELECT position, content FROM generation.questions ORDER BY position")
        assert [position for position, _ in after] == list(range(10))
        assert after[: len(before)] == before
        asked = rows(database, "SELECT asked, outcome FROM generation.attempts ORDER BY opened_at")
        assert asked[0] in {(10, "open"), (10, "lost")}
        assert asked[1][0] <= 10 - len(before)
        [(runs, epoch)] = rows(database, "SELECT runs, epoch FROM generation.batches")
        assert (runs, epoch) == (2, 2)
