from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.make_up import COMMANDS, MakeUp, environment, making_up
from tools.stack.ports import accepts, free_port
from tools.stack.processes import PROJECT

Up = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def up(tmp_path: Path) -> Up:
    """Runs `make up`'s command with these settings to its end."""

    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.stack"],
            cwd=PROJECT,
            env={**environment(tmp_path / "data"), **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_missing_key_in_production_is_told_before_anything_starts(up: Up, tmp_path: Path) -> None:
    ended = up(TAFAWOQ_ENV="production", API_SERVICE_TOKEN="a-token-of-many-characters")

    assert ended.returncode == 2
    assert ended.stderr.startswith("ANTHROPIC_API_KEY is not set.")
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_told_with_its_variable(up: Up) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = up(SIMULATOR_PORT=str(port))

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Port {port} is in use by another program. Stop it, or choose another port with SIMULATOR_PORT.\n"
    )


@pytest.mark.parametrize(("variable", "scheme"), [("DATABASE_URL", "postgresql"), ("REDIS_URL", "redis")])
def test_a_server_that_is_not_there_is_told_without_its_password(up: Up, variable: str, scheme: str) -> None:
    port = free_port()
    ended = up(**{variable: f"{scheme}://user:hidden@127.0.0.1:{port}/0"})

    assert ended.returncode == 2
    assert f"{variable} names a" in ended.stderr
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "hidden" not in ended.stderr


def test_a_second_stack_on_the_same_data_is_refused(up: Up, tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = up()

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Another stack works in {tmp_path / 'data'}. Stop it, or choose another directory with DATA_DIR.\n"
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[MakeUp]:
    with making_up(environment(tmp_path / "data")) as running:
        running.await_ready()
        yield running


@pytest.mark.timeout(240)
def test_up_says_what_is_ready_what_to_open_and_what_to_call_and_ends_on_ctrl_c(
    running: MakeUp, tmp_path: Path
) -> None:
    for part in (*COMMANDS, "migrations"):
        assert (
            sum(re.fullmatch(rf" *\d+\.\d s  {part} ready", line) is not None for line in running.lines) == 1
        )
    api = running.address("API")
    assert f"           {api}/docs" in running.lines
    assert httpx2.get(f"{running.address('metrics +api')}").status_code == 200
    for label in ("API", "Flower", "simulator"):
        assert accepts(urlsplit(running.address(label)).port or 0)
    if shutil.which("curl"):
        require_exam_from_the_pasted_calls(running)
    require_healthy_by_the_pasted_command(running, environment(tmp_path / "data"))

    assert running.end() == 0
    assert running.lines[-1] == "Stopped."
    assert not accepts(urlsplit(api).port or 0)
    assert {path.name for path in (tmp_path / "data" / "logs").iterdir()} >= {"api.log", "interactive.log"}


def require_exam_from_the_pasted_calls(running: MakeUp) -> None:
    create, follow, read = (
        line.strip() for line in running.lines if line.startswith("  ") and "curl " in line
    )
    reported = pasted(f"{create}\n{follow} --max-time 30 | grep --max-count 1 question", {**os.environ})
    assert "event: question" in reported
    assert json.loads(pasted(f"{create}\n{read}", {**os.environ}))["totalQuestions"] == 96


def require_healthy_by_the_pasted_command(running: MakeUp, bare: dict[str, str]) -> None:
    [line] = [line for line in running.lines if line.startswith("operator ")]
    pasted(line.removeprefix("operator "), bare)


def pasted(commands: str, environment: dict[str, str]) -> str:
    """What these lines print in another terminal."""
    done = subprocess.run(
        ["sh", "-c", commands], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
