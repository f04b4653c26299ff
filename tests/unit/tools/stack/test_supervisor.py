from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tools.stack.child import Child, StartFailed, launch
from tools.stack.restarts import FAILED_STARTS_ALLOWED, LONGEST_PAUSE_S
from tools.stack.supervisor import GaveUp, Supervisor

RUNS = "print('up', flush=True); import time; time.sleep(60)"
FAILS = "print('the port is gone'); raise SystemExit(3)"


class Parts:
    """Two processes of our own, a server first; what each runs when it is started again can be changed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs = {"server": RUNS, "client": RUNS}
        self.children: dict[str, Child] = {}
        self.started: list[str] = []
        for name in self.programs:
            self._launch(name)

    def _launch(self, name: str) -> None:
        program = [sys.executable, "-c", self.programs[name]]
        self.children[name] = launch(name, program, log=self.directory / f"{name}.log")

    def running(self) -> Mapping[str, Child]:
        return self.children

    def restart(self, name: str) -> None:
        self.started.append(name)
        self._launch(name)
        if self.is_server(name):
            while not self.is_ready(name):
                time.sleep(0.01)

    def is_ready(self, name: str) -> bool:
        child = self.children[name]
        return child.is_up(lambda: "up" in child.output(), within_s=20)

    def is_server(self, name: str) -> bool:
        return name == "server"

    def title(self, name: str) -> str:
        return f"the {name}"

    def kill(self, name: str) -> None:
        self.children[name].stop(grace_s=0)


class Watched:
    """A supervisor whose clock stands still until it is moved."""

    def __init__(self, parts: Parts) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.supervisor = Supervisor(parts, self.said.append, clock=lambda: self.now)

    def look(self) -> None:
        self.supervisor.look()

    def look_until(self, end: str) -> None:
        """Look again and again, all pauses over, until a line ends so."""
        deadline = time.monotonic() + 30
        while not any(line.endswith(end) for line in self.said):
            assert time.monotonic() < deadline, self.said
            self.now += LONGEST_PAUSE_S
            self.look()
            time.sleep(0.01)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = Parts(tmp_path)
    while not all(parts.is_ready(name) for name in parts.programs):
        time.sleep(0.01)
    yield parts
    for child in parts.children.values():
        child.stop(grace_s=0)


@pytest.fixture
def watched(parts: Parts) -> Watched:
    watched = Watched(parts)
    watched.look()
    return watched


def test_who_runs_is_left_alone(parts: Parts, watched: Watched) -> None:
    watched.now += 1000
    watched.look()
    assert (parts.started, watched.said) == ([], [])


def test_who_ended_is_started_again_after_its_pause_with_a_line_that_says_why(
    parts: Parts, watched: Watched
) -> None:
    parts.kill("client")
    watched.look()
    [line] = watched.said
    assert line.startswith("the client was ended by SIGKILL; it is started again in 0.5 s. Its last line in ")
    assert line.endswith("client.log: up")
    watched.look()
    assert parts.started == []
    watched.look_until("the client is ready again")
    assert parts.started == ["client"]
    assert parts.children["client"].is_alive


def test_nobody_is_started_while_a_server_is_away(parts: Parts, watched: Watched) -> None:
    parts.kill("client")
    watched.look()
    parts.kill("server")
    watched.look()
    watched.now += 0.4
    watched.look()
    assert parts.started == []
    watched.look_until("the client is ready again")
    assert parts.started == ["server", "client"]


@pytest.mark.parametrize("name", ["client", "server"])
def test_who_fails_at_its_start_again_and_again_ends_it_with_the_last_words(
    parts: Parts, watched: Watched, name: str
) -> None:
    parts.programs[name] = FAILS
    parts.kill(name)
    with pytest.raises(GaveUp, match=rf"(?s)^the {name} failed at its start 3 times, .*the port is gone$"):
        watched.look_until("ready again")
    assert parts.started == [name] * FAILED_STARTS_ALLOWED


def test_who_starts_after_two_failures_may_fail_twice_again(parts: Parts, watched: Watched) -> None:
    for _ in range(2):
        watched.said.clear()
        parts.programs["client"] = FAILS
        parts.kill("client")
        failures = len(parts.started) + FAILED_STARTS_ALLOWED - 1
        while len(parts.started) < failures:
            watched.now += LONGEST_PAUSE_S
            watched.look()
        parts.children["client"].wait(20)
        watched.look()
        parts.programs["client"] = RUNS
        watched.look_until("the client is ready again")
        watched.now += 1000


def test_a_start_that_is_refused_counts_as_failed(parts: Parts, watched: Watched) -> None:
    def refuse(name: str) -> None:
        raise StartFailed(f"{name} cannot be started.")

    parts.restart = refuse  # type: ignore[method-assign]
    parts.kill("client")
    with pytest.raises(GaveUp, match=r"client cannot be started\.$"):
        watched.look_until("ready again")
