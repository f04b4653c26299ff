"""Workers that are frozen and wake, or told to end, in the middle of a question; and a batch that none can fill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.integration.stack.student import Student
from tests.support.stack import running_stack
from tools.stack.child import Child
from tools.stack.processes import PROJECT, Worker
from tools.stack.stack import Stack

WORKERS = tuple(Worker(name, ("interactive", "prefetch"), concurrency=8) for name in ("one", "two", "three"))
QUICK_LEASES = {
    "LEASE_TTL_S": "3",
    "LEASE_HEARTBEAT_S": "0.5",
    "SWEEP_PERIOD_S": "0.5",
    "GENERATION_LANES": "1",
    "WORKER_SHUTDOWN_GRACE_S": "8",
    # Two tries: a third failure in a row would already rest the provider.
    "GENERATION_MAX_FAILED_RUNS": "2",
    "GENERATION_RETRY_BASE_S": "0.05",
}
NEVER = [{"kind": "http", "status": 400, "error_type": "invalid_request_error"}]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("stopped")
    with running_stack(directory, speed=6, workers=WORKERS, environment=QUICK_LEASES) as stack:
        yield stack


def rows(stack: Stack, query: str, *values: Any) -> list[Any]:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        return connection.execute(query, values).fetchall()


def until(happened: Callable[[], bool], *, within_s: float = 60) -> float:
    """How long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within_s, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - began


def in_the_middle_of_a_batch(stack: Stack) -> tuple[Student, Child]:
    """A student whose first batch has a few questions and not all, and the worker that writes it."""
    student = Student(stack.api_url)
    student.begin({"track": "scientific"}, prefer="respond-async")
    until(lambda: len(written(stack, student)) >= 2)
    [(owner,)] = rows(stack, "SELECT owner FROM generation.batches WHERE session_id = %s", student.session_id)
    worker = next(child for child in stack.children.values() if owner and owner.endswith(f":{child.pid}"))
    return student, worker


def written(stack: Stack, student: Student) -> list[tuple[int, int]]:
    """Position and epoch of every committed question."""
    return rows(
        stack,
        "SELECT q.position, a.epoch FROM generation.questions q JOIN generation.attempts a "
        "ON a.id = q.attempt_id WHERE q.session_id = %s ORDER BY q.created_at",
        student.session_id,
    )


def outcomes(stack: Stack, student: Student) -> dict[int, str]:
    """By epoch, how its first call ended."""
    found = rows(
        stack,
        "SELECT epoch, outcome FROM generation.attempts WHERE session_id = %s ORDER BY opened_at DESC",
        student.session_id,
    )
    return dict(found)


@pytest.mark.timeout(120)
def test_a_frozen_worker_that_wakes_after_its_lease_writes_nothing(stack: Stack) -> None:
    student, frozen = in_the_middle_of_a_batch(stack)
    frozen.send(signal.SIGSTOP)
    try:
        before = written(stack, student)
        assert len(student.take(0)) == 10
    finally:
        frozen.send(signal.SIGCONT)
    whole = written(stack, student)
    assert sorted(position for position, _ in whole) == list(range(10))
    assert [entry for entry in whole if entry[1] == 1] == before
    assert {epoch for _, epoch in whole} == {1, 2}
    until(lambda: outcomes(stack, student)[1] in {"lease_lost", "fence_lost"})
    assert written(stack, student) == whole
    assert frozen.is_alive


@pytest.mark.timeout(120)
def test_a_worker_told_to_end_finishes_its_question_and_hands_the_batch_on_at_once(
    stack: Stack, tmp_path: Path
) -> None:
    student, ending = in_the_middle_of_a_batch(stack)
    before = len(written(stack, student))
    ending.send(signal.SIGTERM)
    took_s = until(lambda: not ending.is_alive, within_s=20)
    assert ending.wait(0) == 0
    assert took_s < float(QUICK_LEASES["WORKER_SHUTDOWN_GRACE_S"])
    until(lambda: len(student.take(0)) == 10)
    by_epoch = [epoch for _, epoch in written(stack, student)]
    assert by_epoch.count(1) >= before
    assert outcomes(stack, student)[1] == "shutdown"
    [(asked,)] = rows(
        stack,
        "SELECT asked FROM generation.attempts WHERE session_id = %s AND epoch = 2 ORDER BY opened_at LIMIT 1",
        student.session_id,
    )
    assert asked == 10 - by_epoch.count(1), "nothing that was finished is asked for again"


def operator(stack: Stack, *arguments: str) -> str:
    """What `tafawoq-worker` prints."""
    command = [sys.executable, "-m", "worker.cli", *arguments]
    ran = subprocess.run(
        command, cwd=PROJECT, env=stack.environment, capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout


@pytest.mark.timeout(120)
def test_a_poisoned_batch_is_given_up_told_to_everybody_and_cured_by_retry(stack: Stack) -> None:
    httpx2.post(f"{stack.simulator_url}/_simulator/faults", json=NEVER).raise_for_status()
    student = Student(stack.api_url)
    student.begin({"track": "scientific"}, prefer="respond-async")

    refused = student.ask(0)
    assert refused.status_code == 503
    assert refused.json()["code"] == "generation_unavailable"
    assert int(refused.headers["Retry-After"]) >= 1

    [batch] = json.loads(operator(stack, "show", student.session_id, "--json"))["batches"]
    assert (batch["status"], batch["last_error"]) == ("failed", "provider_misused")

    httpx2.post(f"{stack.simulator_url}/_simulator/faults", json=[]).raise_for_status()
    assert "Batch 0 is queued." in operator(stack, "retry", student.session_id)
    assert len(student.take(0)) == 10
