"""The README's tour of five minutes, done with its own commands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.make_up import MakeUp, environment, making_up
from tools.stack.processes import PROJECT

README = (PROJECT / "README.md").read_text("utf-8")
SPEED = re.search(r"`SPEED=([\d.]+) make up`", README)
#: A lease, the sweep, and a machine that does much else.
TAKEN_OVER_WITHIN_S = 60

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeUp]:
    assert SPEED is not None
    settings = environment(tmp_path_factory.mktemp("tour") / "data") | {"SPEED": SPEED[1]}
    with making_up(settings) as running:
        running.await_ready()
        yield running
        running.end()


def shell(commands: str) -> str:
    """What the commands print; a machine that does much else may take long for them."""
    done = subprocess.run(
        ["timeout", "60", "bash", "-c", commands], capture_output=True, text=True, check=False, env=os.environ
    )
    return done.stdout


def calls(api: str) -> tuple[str, str]:
    """The README's two calls, to this server."""
    block = next(block for block in re.findall(r"```\n(.*?)```", README, re.DOTALL) if "curl -N" in block)
    create, follow = block.replace("http://127.0.0.1:8000", api).split("curl -N")
    return create, f"curl -sN{follow}"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour_starts_sees_kills_a_worker_watches_the_exam_finish_and_reads_the_price(up: MakeUp) -> None:
    api = up.address("API")
    create, follow = calls(api)
    session_id = shell(f"{create}\necho $id").strip()
    page = httpx2.get(f"{api}/ops").text
    assert f"/ops/sessions/{session_id}" in page
    timeline = f"{api}/ops/sessions/{session_id}"

    held = until(timeline, r"written now by process (\d+)", also="<circle class='commit'")
    os.kill(int(held[1]), signal.SIGKILL)
    until(timeline, r"Run 2 begins with \d+ lanes?\. The worker that wrote it vanished in mid-stream")
    until(timeline, r"1 of 10 complete")
    up.await_line(r"is ready again")

    events = shell(f"id={session_id}\n{follow} --max-time 5")
    assert events.count("event: question") == 10
    price = re.search(r"<dt>cost</dt><dd>(\$[\d.]+)</dd>", httpx2.get(timeline).text)
    assert price is not None
    assert price[1] in shell(operator(up, "cost"))


def operator(up: MakeUp, command: str) -> str:
    line = next(line for line in up.lines if line.startswith("operator"))
    words = shlex.split(line)[1:]
    assert words[-1] == "doctor"
    return shlex.join(["env", *words[:-1], command])


def until(url: str, pattern: str, *, also: str = "") -> re.Match[str]:
    """The match, as soon as the page has it and the other text."""
    deadline = time.monotonic() + TAKEN_OVER_WITHIN_S
    while True:
        page = httpx2.get(url, timeout=10).text
        found = re.search(pattern, page)
        if found is not None and also in page:
            return found
        assert time.monotonic() < deadline, f"no {pattern!r} on the page"
        time.sleep(0.2)
