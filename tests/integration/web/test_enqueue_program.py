"""`enqueue.mjs` as somebody runs it for the first time: each mistake is one sentence, and no stack trace."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.node import PROJECT, program
from tools.stack.ports import free_port

PRODUCER = PROJECT / "clients" / "node" / "enqueue.mjs"
SESSION = "6f1c1a52-2f0b-4a43-9d0e-0d8c6a4f2b11"


def run(*arguments: str, redis_url: str) -> tuple[int, str]:
    """The exit code, and all that was said."""
    ended = subprocess.run(
        [program("node"), str(PRODUCER), *arguments],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@contextmanager
def redis_that_says(answer: bytes) -> Iterator[str]:
    """A server that answers the first command with these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=_answer_one, args=(listener, answer))
        answering.start()
        yield f"redis://worker:hunter2@127.0.0.1:{listener.getsockname()[1]}/0"
        answering.join(timeout=30)


def _answer_one(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


@pytest.fixture
def nobody() -> str:
    return f"redis://worker:hunter2@127.0.0.1:{free_port()}/0"


@pytest.mark.parametrize("arguments", [(), (SESSION,), (SESSION, "1", "interactive", "more")])
def test_a_call_that_is_not_complete_prints_how_to_call_it_and_connects_nowhere(
    arguments: tuple[str, ...], nobody: str
) -> None:
    status, said = run(*arguments, redis_url=nobody)

    assert status == 2
    assert said == (
        "Usage: REDIS_URL=redis://... node enqueue.mjs SESSION_ID BATCH_INDEX [interactive|prefetch]\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("no-uuid", "1"), "SESSION_ID must be a UUID, as POST /api/exams answers it.\n"),
        ((SESSION, "-1"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1.5"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, ""), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1001"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1", "Interactive"), "QUEUE must be interactive or prefetch.\n"),
    ],
)
def test_an_argument_that_cannot_be_right_is_named_before_anything_is_sent(
    arguments: tuple[str, ...], sentence: str, nobody: str
) -> None:
    assert run(*arguments, redis_url=nobody) == (2, sentence)


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:6379", "rediss://127.0.0.1:6379"])
def test_an_address_that_is_no_redis_is_named_without_being_quoted(address: str) -> None:
    status, said = run(SESSION, "1", redis_url=address)

    assert status == 2
    assert said.startswith("REDIS_URL must be like redis://")
    assert said.count("\n") == 1


def test_a_broker_that_is_away_is_one_sentence_without_the_password(nobody: str) -> None:
    status, said = run(SESSION, "1", redis_url=nobody)

    place = nobody.partition("@")[2].removesuffix("/0")
    assert status == 1
    assert said == (
        f"Redis at {place} did not take the message: connect ECONNREFUSED {place}. "
        "Start it, or correct REDIS_URL.\n"
    )


def test_a_password_that_is_refused_is_one_sentence() -> None:
    with redis_that_says(b"-WRONGPASS invalid username-password pair\r\n") as url:
        status, said = run(SESSION, "1", redis_url=url)

    assert status == 1
    assert "it refused: WRONGPASS invalid username-password pair." in said
    assert "hunter2" not in said
    assert said.count("\n") == 1


def test_a_broker_that_hangs_up_is_one_sentence() -> None:
    with redis_that_says(b"") as url:
        status, said = run(SESSION, "1", redis_url=url)

    assert status == 1
    assert "it closed the connection" in said or "ECONNRESET" in said
    assert said.count("\n") == 1
