"""Next.js projects made from scratch build with the client and the hook, and show an exam in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.support.browser import Seen, chromium
from tests.support.node import CLIENT, npm
from tests.support.stack import running_stack
from tools.stack.ports import LOOPBACK, free_port

#: Takes long, and is run by `make proof`.
pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

SOURCES: Final = Path(__file__).parent / "next_page"
BUILT_WITHIN_S: Final = 400
STARTED_WITHIN_S: Final = 60
WAIT_MS: Final = 60_000
QUIET: Final = {"NEXT_TELEMETRY_DISABLED": "1"}


@dataclass(frozen=True)
class Wanted:
    name: str
    packages: tuple[str, ...]
    build: tuple[str, ...]
    strict: bool


_TYPES = ("typescript@5", "@types/node@20")
_NEXT_14 = ("next@14", "react@18", "react-dom@18", "@types/react@18", *_TYPES)
_NEXT_16 = ("next@16", "react@19", "react-dom@19", "@types/react@19", *_TYPES)

PROJECTS = (
    Wanted("next 14, webpack", _NEXT_14, (), strict=False),
    Wanted("next 16, webpack", _NEXT_16, ("--webpack",), strict=True),
    Wanted("next 16, turbopack", _NEXT_16, ("--turbopack",), strict=False),
)


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {wanted.name: free_port() for wanted in PROJECTS}


@pytest.fixture(scope="module")
def api_url(ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API that the pages of all projects may call."""
    origins = ",".join(address(port) for port in ports.values())
    directory = tmp_path_factory.mktemp("stack")
    with running_stack(directory, speed=60, environment={"API_CORS_ORIGINS": origins}) as stack:
        yield stack.api_url


@pytest.mark.parametrize("wanted", PROJECTS, ids=lambda wanted: wanted.name)
def test_a_new_project_builds_with_the_client_and_shows_an_exam(
    wanted: Wanted, ports: dict[str, int], api_url: str, tmp_path: Path
) -> None:
    install(wanted, tmp_path)
    build(wanted, tmp_path, api_url)
    with served(tmp_path, ports[wanted.name]) as page_url, chromium() as browser:
        page = browser.new_page()
        seen = Seen.of(page)
        page.goto(page_url)
        page.get_by_role("button", name="ابدأ").click()
        for number in range(1, 13):
            expect(page.get_by_role("heading")).to_have_text(str(number), timeout=WAIT_MS)
            expect(page.get_by_role("listitem")).to_have_count(4, timeout=WAIT_MS)
            page.get_by_role("button", name="التالي").click()

    assert seen.errors == []


def install(wanted: Wanted, project: Path) -> None:
    """As a stranger does it: an empty folder, the framework by name, then the client."""
    shutil.copytree(SOURCES, project / "app")
    (project / "package.json").write_text('{"private": true}', "utf-8")
    options = {"compilerOptions": {"strict": wanted.strict}}  # Next adds the rest
    (project / "tsconfig.json").write_text(json.dumps(options), "utf-8")
    npm("install", *wanted.packages, cwd=project)
    npm("install", "--install-links", str(CLIENT), cwd=project)


def build(wanted: Wanted, project: Path, api_url: str) -> None:
    command = [str(next_of(project)), "build", *wanted.build]
    environment = {**os.environ, **QUIET, "NEXT_PUBLIC_API": api_url}
    ended = subprocess.run(
        command,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILT_WITHIN_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads((project / "tsconfig.json").read_text("utf-8"))["compilerOptions"]["strict"] is (
        wanted.strict
    )


@contextmanager
def served(project: Path, port: int) -> Iterator[str]:
    """The built project's address, while it is served."""
    command = [str(next_of(project)), "start", "--hostname", LOOPBACK, "--port", str(port)]
    with (project / "served.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=project,
            env={**os.environ, **QUIET},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            await_port(port, process)
            yield address(port)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail("the built project was not served")


def next_of(project: Path) -> Path:
    return project / "node_modules" / ".bin" / "next"


def address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
