"""A batch that fails again and again: given up with its reason, seen by everybody, and cured by one command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from runtime.processes import PROJECT
from runtime.stack import Stack
from tests.integration.stack.student import Student
from tests.support.stack import running_stack

#: Two tries, so that the third failure in a row does not already rest the provider.
SOON_GIVEN_UP = {
    "GENERATION_LANES": "1",
    "GENERATION_MAX_FAILED_RUNS": "2",
    "GENERATION_RETRY_BASE_S": "0.05",
    "SWEEP_PERIOD_S": "0.2",
}
NEVER = [{"kind": "http", "status": 400, "error_type": "invalid_request_error"}]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path, "--faults", json.dumps(NEVER), speed=40, environment=SOON_GIVEN_UP) as stack:
        yield stack


def operator(stack: Stack, *arguments: str) -> str:
    """What `tafawoq-worker` prints."""
    command = [sys.executable, "-m", "worker.cli", *arguments]
    ran = subprocess.run(
        command, cwd=PROJECT, env=stack.environment, capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout


@pytest.mark.timeout(120)
def test_a_poisoned_batch_is_given_up_told_to_everybody_and_cured_by_retry(stack: Stack) -> None:
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
