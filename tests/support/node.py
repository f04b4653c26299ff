"""Node and the client's tools for tests; a machine without them is told so, and in CI that is an error."""

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
EXAMPLE = PROJECT / "clients" / "web"

_INSTALLS_WITHIN_S = 110


def node(*arguments: str, within_s: float, **environment: str) -> str:
    """What a script printed. Fails the test with what it said when it ends badly."""
    return _ran([program("node"), *arguments], cwd=PROJECT, within_s=within_s, **environment)


def tool(name: str, *arguments: str, cwd: Path = CLIENT) -> str:
    """Run tsc or openapi-typescript as locked; the first test to ask installs them."""
    return _ran([program("node"), str(_installed(name)), *arguments], cwd=cwd, within_s=100)


def built_example(directory: Path) -> Path:
    """The example as JavaScript, in this directory; the folder that holds its programs."""
    tool("tsc", "--project", str(EXAMPLE), "--outDir", str(directory))
    (directory / "package.json").write_text('{"type": "module"}', "utf-8")
    return directory / "clients" / "web"


def _installed(name: str) -> Path:
    with (CLIENT / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        path = CLIENT / "node_modules" / ".bin" / name
        if not path.exists():
            _install()
    return path.resolve()


def _install() -> None:
    command = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(
        command, cwd=CLIENT, capture_output=True, text=True, timeout=_INSTALLS_WITHIN_S, check=False
    )
    if ended.returncode != 0:
        _without(f"`npm ci` in {CLIENT.relative_to(PROJECT)} failed: {ended.stderr[-500:]}")


def program(name: str) -> str:
    """Where it is."""
    return shutil.which(name) or _without(
        f"{name} is not installed, and the web client needs Node 20 or newer"
    )


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
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
