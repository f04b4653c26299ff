"""Node and the client's tools for tests; a machine without them is told so, by the reason of a skipped test."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).parents[2]
CLIENT = PROJECT / "clients" / "typescript"
DEMO = PROJECT / "clients" / "demo"

_INSTALLS_WITHIN_S = 200


def node(*arguments: str, within_s: float, **environment: str) -> str:
    """What a script printed. Fails the test with what it said when it ends badly."""
    return _ran([program("node"), *arguments], cwd=PROJECT, within_s=within_s, **environment)


def tool(name: str, *arguments: str, cwd: Path = CLIENT) -> str:
    """Run tsc or openapi-typescript as this project locks it; the first test to ask installs them."""
    return _ran([program("node"), str(installed(f".bin/{name}", cwd)), *arguments], cwd=cwd, within_s=100)


def installed(name: str, project: Path) -> Path:
    """Where this package or program is in the project, as its lock says."""
    with (project / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        path = project / "node_modules" / name
        if not path.exists():
            npm("ci", "--ignore-scripts", cwd=project)
    return path.resolve()


def npm(*arguments: str, cwd: Path) -> None:
    """Run npm; a machine whose npm cannot fetch packages is told so."""
    command = [program("npm"), *arguments, "--no-audit", "--no-fund"]
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALLS_WITHIN_S, check=False
    )
    if ended.returncode != 0:
        missing(f"`npm {arguments[0]}` in {cwd.name} failed: {ended.stderr[-500:]}")


def program(name: str) -> str:
    """Where it is."""
    return shutil.which(name) or missing(
        f"{name} is not installed, and the web client needs Node 20 or newer"
    )


def missing(reason: str) -> NoReturn:
    """Skips the test with this reason, which pytest prints at its end."""
    pytest.skip(reason)


def _ran(command: list[str], *, cwd: Path, within_s: float, **environment: str) -> str:
    ended = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
