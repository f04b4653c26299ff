"""`make up` while its processes are killed, one after another: each comes back, and the exam goes on."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import redis

from tests.integration.stack.student import Student
from tests.support.make_up import COMMANDS, TIMEOUT_S, MakeUp, environment, making_up, runs
from tools.stack.ports import LOOPBACK

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


SIZES = [10, 10, 10, 10, 10, 7, 10, 10, 10, 9]
AT_ONCE = {"prefer": "respond-async"}


def patiently(call: Callable[[], httpx2.Response]) -> Any:
    """The body of the first answer that is 200, as a web app gets it that tries again."""
    deadline = time.monotonic() + TIMEOUT_S
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = call()
            if last.status_code == 200:
                return last.json()
        except httpx2.TransportError as err:  # the API was away
            last = err
        time.sleep(0.1)
    raise AssertionError(f"no answer: {last}")


def kill(running: MakeUp, name: str) -> None:
    """Return when it is ready again."""
    ready_again = rf"s  {name} is ready again$"
    before = sum(line.endswith(f"  {name} is ready again") for line in running.lines)
    os.kill(running.pids()[name], signal.SIGKILL)
    running.await_line(ready_again, count=before + 1)


@pytest.mark.timeout(400)
def test_each_process_is_killed_and_comes_back_while_an_exam_is_written_whole(tmp_path: Path) -> None:
    """N8: the whole stack ended with the first of its processes."""
    with making_up(environment(tmp_path / "data")) as running:
        running.await_ready()
        before = running.pids()
        assert before.keys() == COMMANDS.keys()
        student = Student(running.address("API"))
        student.begin({"track": "scientific"})
        for batch_index, name in zip_longest(range(1, len(SIZES)), COMMANDS):
            student.call(
                "POST", f"/{student.session_id}/questions", json={"batchIndex": batch_index}, **AT_ONCE
            )
            if name is not None:
                kill(running, name)
            patiently(partial(student.ask, batch_index))
        session = patiently(partial(student.call, "GET", f"/{student.session_id}"))
        assert [question["index"] for question in session["questions"]] == list(range(96))
        assert len({question["id"] for question in session["questions"]}) == 96
        assert stored_positions(running, student) == list(range(96))
        assert set(running.pids().values()).isdisjoint(before.values())
        require_all_at_the_printed_addresses(running)
        assert running.end() == 0
        assert running.lines[-1] == "Stopped."


def stored_positions(running: MakeUp, student: Student) -> list[int]:
    query = "SELECT position FROM generation.questions WHERE session_id = %s ORDER BY position"
    with psycopg.connect(running.address("Postgres")) as connection:
        return [position for (position,) in connection.execute(query, [student.session_id])]


def require_all_at_the_printed_addresses(running: MakeUp) -> None:
    """A process that was started again is where it was."""
    pages = [
        f"{running.address('API')}/readyz",
        running.address("Flower"),
        f"{running.address('simulator')}/_simulator/bill",
        *(running.address(f"metrics +{name}") for name in ("api", "interactive", "prefetch")),
    ]
    assert {page: httpx2.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    with redis.Redis.from_url(running.address("Redis")) as client:
        assert client.ping()


@pytest.mark.timeout(240)
def test_a_port_that_another_program_took_meanwhile_ends_it_with_the_reason(tmp_path: Path) -> None:
    settings = environment(tmp_path / "data")
    with making_up(settings) as running:
        running.await_ready()
        pids = running.pids()
        os.kill(pids["simulator"], signal.SIGKILL)
        with taken(int(settings["SIMULATOR_PORT"])):
            status = running.wait()
        assert status == 1
        assert (
            "simulator failed at its start 3 times, so everything is stopped. Port "
            f"{settings['SIMULATOR_PORT']} is in use by another program. "
            "Stop it, or choose another port with SIMULATOR_PORT."
        ) in running.lines
        assert not any(runs(pid) for pid in pids.values())


@pytest.mark.timeout(240)
def test_no_process_outlives_a_make_up_that_is_killed_and_the_next_one_starts(tmp_path: Path) -> None:
    settings = environment(tmp_path / "data")
    with making_up(settings) as running:
        running.await_ready()
        pids = running.pids()
        running.process.kill()
        running.wait()
        deadline = time.monotonic() + TIMEOUT_S
        while left := {name for name, pid in pids.items() if runs(pid)}:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    with making_up(settings) as running:
        running.await_ready()
        assert running.end(signal.SIGTERM) == 0


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program that takes the port as soon as it is free."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                other.bind((LOOPBACK, port))
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.005)
        other.listen()
        yield
