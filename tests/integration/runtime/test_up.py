from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.processes import PROJECT
from runtime.tcp import accepts, free_port
from tests.support.homes import no_home_left

Up = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def up(tmp_path: Path) -> Up:
    """Runs `make up`'s command with these settings to its end."""

    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "runtime.up"],
            cwd=PROJECT,
            env={**_bare_environment(tmp_path), **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def _bare_environment(tmp_path: Path) -> dict[str, str]:
    theirs = {"DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "TAFAWOQ_ENV", "CLAUDE_BASE_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in theirs}
    ports = {name: str(free_port()) for name in ("API_PORT", "SIMULATOR_PORT", "FLOWER_PORT")}
    return {**kept, **ports, "DATA_DIR": str(tmp_path / "data"), "SPEED": "20"}


def test_a_missing_key_in_production_is_told_before_anything_starts(up: Up, tmp_path: Path) -> None:
    ended = up(TAFAWOQ_ENV="production")

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
    assert "Another stack works in" in ended.stderr


def test_up_says_where_everything_is_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    environment = _bare_environment(tmp_path)
    with (
        no_home_left(tmp_path / "data" / "postgres", tmp_path / "data" / "redis"),
        running_up(environment) as running,
    ):
        assert running.stdout is not None
        said = list(iter(running.stdout.readline, "Ctrl-C stops everything; the data stay.\n"))
        for port in ("API_PORT", "FLOWER_PORT", "SIMULATOR_PORT"):
            assert f":{environment[port]}" in "".join(said)
            assert accepts(int(environment[port]))
        [line] = [line for line in said if line.startswith("operator ")]
        doctor = subprocess.run(
            ["sh", "-c", line.removeprefix("operator ")],
            env=_bare_environment(tmp_path),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert doctor.returncode == 0, doctor.stdout
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == "Stopped.\n"
        assert running.wait(30) == 0

    assert not accepts(int(environment["API_PORT"]))
    assert {path.name for path in (tmp_path / "data" / "logs").iterdir()} >= {"api.log", "interactive.log"}


@contextmanager
def running_up(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "runtime.up"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()
