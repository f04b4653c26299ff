"""Connections that were dead when a call used them, and calls that found none free: nobody else's fault."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import ExitStack

import pytest

from generation.cancellation import CancellationSignal
from generation.error_kinds import AskNext, Scope
from generation.errors import ConnectionsExhausted, ProviderUnreachable, StaleConnection
from providers import client as client_module
from providers.breaker_rules import BreakerRules, Kind, verdict_on
from tests.support.providers import PROMPT, ServeClaude, end_of, read
from tests.support.raw_server import Exchange, recorded
from tools.stack.ports import free_port

REPLY = recorded("ten_questions.sse")


def reset(exchange: Exchange) -> None:
    """Hang up so that the other side gets a reset."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()


class Forgetful:
    """Answers, until it forgets the connections that it has: then they are dead, and new ones are answered."""

    def __init__(self, last_words: bytes = b"") -> None:
        self.known: set[object] = set()
        self.forgotten: set[object] = set()
        self._last_words = last_words

    def forget(self) -> None:
        self.forgotten = set(self.known)

    def __call__(self, exchange: Exchange) -> None:
        connection = exchange.connection.getpeername()
        self.known.add(connection)
        if connection not in self.forgotten:
            REPLY(exchange)
            return
        exchange.send(self._last_words)
        reset(exchange)


def test_a_dead_kept_alive_connection_is_told_apart_and_the_next_call_goes_over_a_fresh_one(
    claude: ServeClaude,
) -> None:
    server, provider = claude(forgetful := Forgetful())
    read(provider)
    forgetful.forget()
    with pytest.raises(StaleConnection) as caught:
        read(provider)
    assert (caught.value.ask_next, caught.value.scope) == (AskNext.SAME, Scope.CALL)
    assert verdict_on(caught.value, BreakerRules()).kind is Kind.UNSENT
    assert end_of(read(provider)).stop_reason
    assert (len(server.requests), server.connections) == (3, 2), "one request a call: no hidden second one"


def test_where_one_was_dead_none_of_its_neighbours_is_tried(claude: ServeClaude) -> None:
    server, provider = claude(forgetful := Forgetful())
    read(provider)  # the others would wait for who warms the prefix
    with ExitStack() as stack:
        streams = [stack.enter_context(provider.stream(PROMPT, CancellationSignal())) for _ in range(4)]
        for stream in streams:
            list(stream)
    forgetful.forget()
    with pytest.raises(StaleConnection):
        read(provider)
    assert end_of(read(provider)).stop_reason
    assert server.connections == 5


def test_a_reset_of_a_fresh_connection_is_the_providers(claude: ServeClaude) -> None:
    _, provider = claude(reset)
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert not isinstance(caught.value, StaleConnection)
    assert verdict_on(caught.value, BreakerRules()).kind is Kind.COUNT


def test_a_reset_after_the_first_byte_of_an_answer_is_the_providers(claude: ServeClaude) -> None:
    _, provider = claude(forgetful := Forgetful(last_words=b"HTTP/1.1 2"))
    read(provider)
    forgetful.forget()
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert not isinstance(caught.value, StaleConnection)


def test_a_call_that_finds_no_free_connection_is_our_own_affair(
    claude: ServeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_POOL_TIMEOUT_S", 0.05)
    may_end = threading.Event()

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        may_end.wait(10)

    server, provider = claude(play, claude_max_connections="1")
    with provider.stream(PROMPT, CancellationSignal()), pytest.raises(ConnectionsExhausted) as caught:
        read(provider)
    may_end.set()
    assert caught.value.costs_nothing
    assert verdict_on(caught.value, BreakerRules()).kind is Kind.UNSENT
    assert "connections" in str(caught.value)
    assert len(server.requests) == 1


def test_nothing_is_owed_where_no_connection_came_about(claude: ServeClaude) -> None:
    _, provider = claude(REPLY, claude_base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert caught.value.costs_nothing
