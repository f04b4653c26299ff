"""Equal calls for a prefetch that is being written, over two API processes: one waits, the others are told so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.integration.stack.student import Student
from tests.support.stack import running_stack
from tools.stack.stack import Stack

#: Slow enough that a prefetched batch of ten takes longer than twelve calls need to arrive.
SPEED = 2


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path, speed=SPEED) as stack:
        yield stack


@pytest.mark.timeout(240)
def test_twelve_equal_calls_are_one_200_after_the_wait_and_eleven_409_and_one_generation(
    stack: Stack,
) -> None:
    other = stack.add_api()
    student = Student(stack.api_url)
    student.begin({"track": "literary"})
    assert student.reach(8) == 1
    path = f"/api/exams/{student.session_id}/questions"

    def ask(url: str) -> httpx2.Response:
        return httpx2.post(
            url + path, json={"batchIndex": 1}, headers={"X-User-Id": student.user_id}, timeout=120
        )

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, [stack.api_url, other] * 6))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 11]
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 409} == {"2"}
    (served,) = (answer for answer in answers if answer.status_code == 200)
    assert served.json()["meta"] == {"batchIndex": 1, "totalLoaded": 20, "cacheHit": False}
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        batch = "session_id = %s AND batch_index = 1"
        runs = connection.execute(f"SELECT runs FROM generation.batches WHERE {batch}", [student.session_id])
        assert runs.fetchone() == (1,)
        written = connection.execute(
            f"SELECT sum(asked) FROM generation.attempts WHERE {batch} AND purpose = 'write'",
            [student.session_id],
        )
        assert written.fetchone() == (10,)
