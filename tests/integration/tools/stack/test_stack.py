from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx2
import pytest

from tests.support.stack import running_stack
from tools.stack.child import StartFailed
from tools.stack.ports import accepts
from tools.stack.processes import Worker


def test_the_whole_system_writes_a_batch_and_ends_without_a_trace(tmp_path: Path) -> None:
    with running_stack(tmp_path) as stack:
        answer = httpx2.post(f"{stack.api_url}/api/exams", json={"track": "literary"}, timeout=60)
        assert answer.status_code == 201
        assert [question["index"] for question in answer.json()["questions"]] == list(range(10))

        third = stack.start_worker(Worker("third", ("prefetch",), concurrency=2))
        third.send(signal.SIGKILL)
        third.wait(10)
        assert stack.ended() is third
        children = dict(stack.children)
        ports = [int(url.rpartition(":")[2]) for url in (stack.api_url, stack.simulator_url)]

        began = time.monotonic()
    assert time.monotonic() - began < 15
    assert [name for name, child in children.items() if child.is_alive] == []
    assert not any(accepts(port) for port in ports)


def test_a_process_that_cannot_start_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(
        StartFailed, match=r"(?s)simulator ended with status .*simulator\.log:\n.*no-such-option"
    ):
        running_stack(tmp_path, "--no-such-option").__enter__()
