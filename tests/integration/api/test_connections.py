"""No client can harm the others by holding a connection, sending or receiving without end."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.connection import SWEPT_AT_ONCE, BoundedProtocol
from api.server import ACCEPTED_AT_ONCE
from tests.integration.api.bare import (
    CHUNKED,
    HEALTH,
    POST,
    STREAM,
    Bare,
    bare_app,
    everything,
    serving,
    status_of_answer,
    until,
    without_auth,
)

BIG_CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
LIMITS: dict[str, Any] = {
    "api_head_timeout_s": 1,
    "api_body_timeout_s": 1,
    "api_idle_timeout_s": 2,
    "api_send_timeout_s": 2,
}


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def bare(stack: ExitStack) -> Bare:
    return stack.enter_context(serving(bare_app(without_auth(**LIMITS))))


# --- what is sent too slowly


def test_a_head_that_never_ends_is_answered_408(bare: Bare) -> None:
    answer = bare.exchange(HEALTH + b"X-Slow: ")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer
    assert b"connection: close\r\n" in answer
    assert bare.cut("head_timeout") == 1


def test_a_head_that_drips_is_answered_408(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.sendall(HEALTH + b"X-Slow: ")
        connection.settimeout(0.1)
        began = time.monotonic()
        while True:
            connection.sendall(b"x")
            try:
                answer = connection.recv(12)
            except TimeoutError:
                assert time.monotonic() - began < 20
                continue
            break
    assert answer == b"HTTP/1.1 408"


def test_a_later_head_that_never_ends_is_answered_408(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.sendall(HEALTH + b"\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"GET /hea")
        assert b"HTTP/1.1 408 " in everything(connection)


def test_a_silent_connection_is_closed_without_an_answer(bare: Bare) -> None:
    assert bare.exchange(b"") == b""
    assert bare.cut("silent") == 1


def test_a_connection_between_two_calls_is_closed_after_its_time(bare: Bare) -> None:
    assert bare.exchange(HEALTH + b"\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "body", [pytest.param(b"Content-Length: 10\r\n\r\n{", id="length"), pytest.param(CHUNKED, id="chunked")]
)
def test_a_body_that_never_ends_is_answered_408_in_our_shape(bare: Bare, body: bytes) -> None:
    answer = bare.exchange(POST + body)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer
    assert b"connection: close\r\n" in answer


def test_a_body_that_drips_into_a_stream_of_events_ends_the_stream(bare: Bare) -> None:
    answer = bare.exchange(STREAM[:-2] + CHUNKED + b"1\r\nx\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not answer.endswith(b"0\r\n\r\n")


# --- requests that are too long


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 414, "url_too_long"),
        (b"GET /" + b"x" * 90_000, 414, "url_too_long"),
        (HEALTH + b"X: " + b"x" * 33_000 + b"\r\n\r\n", 431, "request_head_too_large"),
        (HEALTH + b"X: " + b"x" * 90_000, 431, "request_head_too_large"),
        (HEALTH + b"X: x\r\n" * 100 + b"\r\n", 431, "request_head_too_large"),
        (HEALTH + CHUNKED + b"0\r\nX: " + b"x" * 90_000, 200, ""),
    ],
)
def test_a_head_over_a_limit_gets_the_error_of_that_limit(
    bare: Bare, sent: bytes, status: int, code: str
) -> None:
    answer = bare.exchange(sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert code.encode() in answer


def test_a_head_of_the_maximum_length_is_read(bare: Bare) -> None:
    headers = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 300) for number in range(90))
    assert bare.exchange(HEALTH + headers + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("head", [HEALTH, POST, STREAM[:-2]], ids=["never read", "read", "stream"])
@pytest.mark.parametrize("chunk", [BIG_CHUNK, b"1\r\nx\r\n" * 10_000], ids=["big", "tiny"])
def test_a_body_without_end_is_disconnected_and_its_answer_can_still_be_read(
    bare: Bare, head: bytes, chunk: bytes
) -> None:
    with bare.connect() as connection:
        connection.sendall(head + CHUNKED)
        with pytest.raises(ConnectionError):
            connection.sendall(chunk * (64_000_000 // len(chunk)))
        # 408: on a busy machine the time that a body may take ends before its bytes do.
        assert connection.recv(12) in {b"HTTP/1.1 200", b"HTTP/1.1 413", b"HTTP/1.1 408"}
    until(lambda: bare.connections == 0)


def test_a_declared_body_that_continues_after_its_answer_is_disconnected(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.sendall(HEALTH + b"Content-Length: 1000000000\r\n\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 64_000_000)
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert bare.cut("unread_body") == 1


def test_a_connection_whose_body_comes_after_its_answer_can_be_used_again(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.sendall(HEALTH + b"Content-Length: 10\r\n\r\n")
        assert status_of_answer(connection) == 200
        connection.sendall(b"0123456789" + HEALTH + b"\r\n")
        assert status_of_answer(connection) == 200


def test_a_call_with_connection_close_may_still_send_its_body(bare: Bare) -> None:
    """A close with unread bytes would send a reset, and the client would lose the answer."""
    head = POST + b"Connection: close\r\nContent-Length: 900000\r\n\r\n"
    answer = bare.exchange(head + b"x" * 900_000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")


def test_too_many_pipelined_calls_are_not_kept(bare: Bare) -> None:
    answers = bare.exchange((HEALTH + b"\r\n") * 2_000)
    assert answers.count(b"HTTP/1.1 200 ") == 17
    assert answers.count(b"connection: close") == 1
    assert bare.cut("pipelined") == 1


def test_malformed_bytes_after_a_call_end_the_connection_after_its_answer(bare: Bare) -> None:
    answer = bare.exchange(HEALTH + b"\r\nnonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_malformed_bytes_do_not_corrupt_an_event_stream(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.sendall(STREAM + b"nonsense\r\n\r\n")
        until(lambda: bare.cut("malformed") == 1)
        until(lambda: bare.app.state.context.notifier.readers == 1)
        bare.app.state.context.notifier.close()
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " not in answer
    assert answer.endswith(b"0\r\n\r\n")


# --- answers that are not read


def test_a_client_that_never_reads_its_answers_is_disconnected(bare: Bare) -> None:
    with bare.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 15)
        until(lambda: bare.connections == 1)
        until(lambda: bare.connections == 0)
    assert bare.is_well()


def test_a_stream_that_is_never_read_is_disconnected(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(**LIMITS, api_heartbeat_s=0.000_1))))
    bare.listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096
    )  # inherited by connections; otherwise the kernel buffers megabytes
    with bare.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.sendall(STREAM)
        until(lambda: bare.connections == 1)
        until(lambda: bare.connections == 0)
    until(lambda: bare.app.state.context.notifier.readers == 0)


# --- the other clients meanwhile


def test_no_turn_of_the_loop_is_long_during_bodies_without_end(
    bare: Bare, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()  # CPU time of this thread: the machine has other work
        run(handle)
        slow.append(time.thread_time() - began)

    gc.freeze()  # what a whole test run has made is not this server's garbage to look through
    stack.callback(gc.unfreeze)
    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            with bare.connect() as connection:
                try:
                    connection.sendall(HEALTH + CHUNKED)
                    while not stop.is_set():
                        connection.sendall(b"1\r\nx\r\n" * 10_000)
                except ConnectionError:
                    continue

    threads = [threading.Thread(target=flood) for _ in range(16)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: bare.cut("unread_body") >= 32)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert max(slow) < 0.1


def test_connections_are_swept_some_at_a_time(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a flood are overdue all at once, and each is written an answer."""
    turns: list[int] = []
    run, end = asyncio.Handle._run, BoundedProtocol.end_if_overdue

    def counted(connection: BoundedProtocol, now: float) -> None:
        turns[-1] += 1
        end(connection, now)

    def turn(handle: asyncio.Handle) -> None:
        turns.append(0)
        run(handle)

    monkeypatch.setattr(asyncio.Handle, "_run", turn)
    monkeypatch.setattr(BoundedProtocol, "end_if_overdue", counted)
    bare = stack.enter_context(serving(bare_app(without_auth(**LIMITS))))
    for _ in range(200):
        stack.enter_context(bare.connect()).sendall(HEALTH)
    until(lambda: bare.cut("head_timeout") == 200)
    assert max(turns) == SWEPT_AT_ONCE


# --- what of uvicorn and asyncio is not promised to us


def test_uvicorn_still_has_the_internals_that_our_bounds_use(bare: Bare) -> None:
    held = set(HttpToolsProtocol.__init__.__code__.co_names)
    assert {"cycle", "pipeline", "transport", "app_state", "headers"} <= held
    call = set(RequestResponseCycle.__init__.__code__.co_names)
    assert {"keep_alive", "more_body", "disconnected", "message_event", "response_started"} <= call
    for name in ("send_400_response", "on_response_complete", "on_headers_complete", "on_message_complete"):
        assert callable(getattr(HttpToolsProtocol, name))
    with bare.connect() as connection:
        connection.sendall(HEALTH)
        until(lambda: bare.connections == 1)
        [served] = bare.server.server_state.connections
        assert served._socket.max_size == 4_096  # type: ignore[union-attr]
        connection.sendall(b"\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert bare.server.config.backlog == ACCEPTED_AT_ONCE
    assert bare.server.config.get_loop_factory() is asyncio.SelectorEventLoop
