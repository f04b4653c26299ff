"""How many connections and streams there may be, and who gives way to whom."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.server import affordable_connections
from tests.integration.api.bare import (
    CHUNKED,
    HEALTH,
    POST,
    STREAM,
    bare_app,
    serving,
    status_of_answer,
    until,
    without_auth,
)


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_silent_connection_gives_way_to_a_newcomer(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(api_max_connections=20))))
    silent = [stack.enter_context(bare.connect()) for _ in range(100)]
    assert bare.is_well()
    assert silent[0].recv(1) == b""
    assert bare.connections <= 20


@pytest.mark.parametrize("head", [POST, STREAM[:-2]], ids=["a call", "a stream"])
def test_who_has_not_sent_their_body_gives_way_to_a_newcomer(stack: ExitStack, head: bytes) -> None:
    settings = without_auth(api_max_connections=5, api_streams_per_user=0)
    bare = stack.enter_context(serving(bare_app(settings)))
    for _ in range(5):
        connection = stack.enter_context(bare.connect())
        connection.sendall(head + CHUNKED + b"1\r\nx\r\n")
    assert bare.is_well()
    assert bare.cut("gave_way") >= 1


def test_who_was_answered_before_gives_way_after_who_was_not(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(api_max_connections=20))))
    kept = stack.enter_context(bare.connect())
    kept.sendall(HEALTH + b"\r\n")
    assert status_of_answer(kept) == 200
    for _ in range(100):
        stack.enter_context(bare.connect())
    until(lambda: bare.cut("gave_way") >= 81)
    kept.sendall(HEALTH + b"\r\n")
    assert status_of_answer(kept) == 200


def test_a_newcomer_is_not_pushed_out_by_others_before_it_has_spoken(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(api_max_connections=20))))
    for _ in range(20):
        kept = stack.enter_context(bare.connect())
        kept.sendall(HEALTH + b"\r\n")
        assert status_of_answer(kept) == 200
    newcomer = stack.enter_context(bare.connect())
    for _ in range(5):
        stack.enter_context(bare.connect())
    until(lambda: bare.cut("gave_way") == 6)
    newcomer.sendall(HEALTH + b"\r\n")
    assert status_of_answer(newcomer) == 200


def test_when_everybody_is_being_served_a_newcomer_is_told_503_and_when_to_come_back(
    stack: ExitStack,
) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(api_max_connections=5))))
    streams = [stack.enter_context(bare.connect()) for _ in range(5)]
    for stream in streams:
        stream.sendall(STREAM)
        assert stream.recv(12) == b"HTTP/1.1 200"
    answer = bare.exchange(HEALTH + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2\r\n" in answer
    assert b'"code":"service_unavailable"' in answer
    streams[0].close()
    until(lambda: bare.connections <= 5)
    until(bare.is_well)


def test_more_connections_than_files_are_lowered_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert affordable_connections(4_096, other_files=140) == 116
    said = capsys.readouterr().out
    assert "API_MAX_CONNECTIONS=4096" in said
    assert "ulimit -n" in said


def test_the_process_raises_its_own_limit_of_files_when_the_system_lets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 1_000_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert affordable_connections(4_096, other_files=140) == 4_096
    assert raised == [(4_236, 1_000_000)]


def test_one_user_may_have_so_many_streams_and_is_told_so(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth(api_streams_per_user=3))))
    streams = [stack.enter_context(bare.connect()) for _ in range(3)]
    for stream in streams:
        stream.sendall(STREAM)
        assert stream.recv(12) == b"HTTP/1.1 200"
    refused = bare.exchange(STREAM[:-2] + b"Connection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b'"code":"too_many_requests"' in refused
    assert b"retry-after: 10\r\n" in refused
    other = STREAM[:-2] + b"X-User-Id: 00000000-0000-4000-8000-00000000000a\r\n\r\n"
    with bare.connect() as connection:
        connection.sendall(other)
        assert connection.recv(12) == b"HTTP/1.1 200"
    streams[0].close()
    until(lambda: bare.app.state.context.notifier.readers == 2)
    with bare.connect() as connection:
        connection.sendall(STREAM)
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_streams_that_are_opened_all_at_once_are_counted_too(stack: ExitStack) -> None:
    bare = stack.enter_context(serving(bare_app(without_auth())))
    for connection in [stack.enter_context(bare.connect()) for _ in range(60)]:
        connection.sendall(STREAM)
    metrics = bare.app.state.context.metrics.registry
    until(lambda: metrics.get_sample_value("tafawoq_event_streams_refused_total") == 40)
    assert bare.app.state.context.notifier.readers == 20
