"""A connection that is over is freed at once: until a full garbage collection memory would grow, and every reader waits for it."""

from __future__ import annotations

import gc
import socket
import struct
from collections.abc import Iterator

import pytest

from api.connection import BoundedProtocol
from tests.integration.api.bare import CHUNKED, HEALTH, STREAM, Bare, bare_app, serving, until, without_auth

CLIENTS = 20
#: What a client sends before it leaves, and whether it waits for an answer.
SENT = {
    "nothing": (b"", False),
    "half a head": (HEALTH, False),
    "no HTTP": (b"\x00 nonsense\r\n\r\n", True),
    "a call": (HEALTH + b"\r\n", True),
    "a call for what is not there": (HEALTH.replace(b"/healthz", b"/nowhere") + b"\r\n", True),
    "a body without end": (HEALTH + CHUNKED + b"1\r\nx\r\n", False),
    "a call for an event stream": (STREAM, True),
}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bare]:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    with serving(bare_app(without_auth())) as bare:
        yield bare


@pytest.fixture
def _no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collections")
@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(("sent", "is_answered"), SENT.values(), ids=SENT)
def test_a_connection_that_its_client_ends_is_freed_without_a_collection(
    bare: Bare, sent: bytes, is_answered: bool, is_reset: bool
) -> None:
    for _ in range(CLIENTS):
        with bare.connect() as client:
            client.sendall(sent)
            if is_answered:
                assert client.recv(1)
            until(lambda: bare.connections == 1)
            if is_reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until(lambda: bare.connections == 0)

    until(lambda: connections_in_memory() <= 1)


def connections_in_memory() -> int:
    """The latest may still be named by the loop's last turn."""
    return sum(isinstance(each, BoundedProtocol) for each in gc.get_objects())
