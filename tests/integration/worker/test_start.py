"""Celery's own commands with a wrong setting: a sentence, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tools.stack.processes import PROJECT


@pytest.mark.parametrize(
    "command", [["worker"], ["flower", "--conf=worker/flowerconfig.py"], ["inspect", "ping"]]
)
def test_a_wrong_address_ends_a_command_of_celerys_with_a_sentence(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    environment |= {"REDIS_URL": "redis://:hunter2@h/foo", "TAFAWOQ_ENV": "development"}
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker.app", *command],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("REDIS_URL is not usable: it must end in the number of a database")
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr
