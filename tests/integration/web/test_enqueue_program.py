"""Mistakes in the first use of `enqueue.mjs`: each one prints a sentence and no stack trace."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.support.node import PROJECT, program
from tools.stack.ports import free_port

PRODUCER = PROJECT / "clients" / "node" / "enqueue.mjs"
SESSION = "6f1c1a52-2f0b-4a43-9d0e-0d8c6a4f2b11"


def run(*arguments: str, redis_url: str) -> tuple[int, str]:
    """The exit code and the output."""
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
def redis_that_answers(answer: bytes) -> Iterator[str]:
    """A server that answers the first command with these bytes and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=_answer_one, args=(listener, answer))
        answering.start()
        try:
            yield f"redis://worker:hunter2@127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            with suppress(OSError):  # it has answered
                listener.shutdown(socket.SHUT_RDWR)
            answering.join(timeout=30)


def _answer_one(listener: socket.socket, answer: bytes) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:  # the test ended, or was skipped, before anything connected
        return
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


@pytest.fixture
def unreachable() -> str:
    return f"redis://worker:hunter2@127.0.0.1:{free_port()}/0"


@pytest.mark.parametrize("arguments", [(), (SESSION,), (SESSION, "1", "interactive", "more")])
def test_a_wrong_number_of_arguments_prints_the_usage_and_connects_nowhere(
    arguments: tuple[str, ...], unreachable: str
) -> None:
    status, output = run(*arguments, redis_url=unreachable)

    assert status == 2
    assert output == (
        "Usage: REDIS_URL=redis://... node enqueue.mjs SESSION_ID BATCH_INDEX [interactive|prefetch]\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("no-uuid", "1"), "SESSION_ID must be a UUID, as POST /api/exams returns it.\n"),
        ((SESSION, "-1"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1.5"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, ""), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1001"), "BATCH_INDEX must be a whole number from 0 to 1000.\n"),
        ((SESSION, "1", "Interactive"), "QUEUE must be interactive or prefetch.\n"),
    ],
)
def test_an_invalid_argument_is_named_before_anything_is_sent(
    arguments: tuple[str, ...], sentence: str, unreachable: str
) -> None:
    assert run(*arguments, redis_url=unreachable) == (2, sentence)


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:6379", "rediss://127.0.0.1:6379"])
def test_an_invalid_redis_url_is_reported_without_being_quoted(address: str) -> None:
    status, output = run(SESSION, "1", redis_url=address)

    assert status == 2
    assert output.startswith("REDIS_URL must be like redis://")
    assert output.count("\n") == 1


def test_an_unreachable_broker_is_one_sentence_without_the_password(unreachable: str) -> None:
    status, output = run(SESSION, "1", redis_url=unreachable)

    place = unreachable.partition("@")[2].removesuffix("/0")
    assert status == 1
    assert output == (
        f"Redis at {place} did not take the message: connect ECONNREFUSED {place}. "
        "Start it, or correct REDIS_URL.\n"
    )


def test_a_rejected_password_is_one_sentence() -> None:
    with redis_that_answers(b"-WRONGPASS invalid username-password pair\r\n") as url:
        status, output = run(SESSION, "1", redis_url=url)

    assert status == 1
    assert "it answered: WRONGPASS invalid username-password pair." in output
    assert "hunter2" not in output
    assert output.count("\n") == 1


def test_a_broker_that_closes_the_connection_is_one_sentence() -> None:
    with redis_that_answers(b"") as url:
        status, output = run(SESSION, "1", redis_url=url)

    assert status == 1
    assert "it closed the connection" in output or "ECONNRESET" in output
    assert output.count("\n") == 1
