"""How the server handles bytes that are not a well-formed call."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.integration.api.served import Served

CALL = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
LAST = CALL + b"Connection: close\r\n\r\n"


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(served.url).port or 0), timeout=20)


def answered(served: Served, sent: bytes) -> bytes:
    """Everything the server sends until it closes the connection."""
    with connected(served) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="TLS"),
        pytest.param(b"hello\r\n\r\n", id="not HTTP"),
        pytest.param(CALL + b"no colon\r\n\r\n", id="not a header"),
        pytest.param(CALL + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two lengths"),
        pytest.param(
            CALL + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="smuggled"
        ),
        pytest.param(CALL + b"Content-Length: -1\r\n\r\n", id="a length below zero"),
    ],
)
def test_malformed_bytes_get_400_and_the_api_keeps_serving(served: Served, sent: bytes) -> None:
    assert answered(served, sent).startswith(b"HTTP/1.1 400 ")
    assert httpx2.get(f"{served.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"GET /", id="an address"),
        pytest.param(CALL + b"X-Endless: ", id="a header"),
        pytest.param(CALL + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Endless: ", id="a trailer"),
    ],
)
def test_a_head_without_end_is_disconnected(served: Served, begun: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(begun)
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 40_000_000)
    assert httpx2.get(f"{served.url}/healthz").status_code == 200


def test_a_far_too_long_body_gets_413(served: Served) -> None:
    head = b"POST /api/exams HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with connected(served) as connection:
        connection.sendall(head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_pipelined_calls_are_answered_in_order(served: Served) -> None:
    first = CALL.replace(b"/healthz", b"/nowhere") + b"X-Request-Id: first\r\n\r\n"
    answers = answered(served, first + LAST)

    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.index(b" 404 ") < answers.index(b" 200 ")
    assert answers.lower().count(b"x-request-id: first") == 1


def test_a_request_to_upgrade_the_protocol_is_ignored(served: Served) -> None:
    sent = CALL + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"

    assert answered(served, sent).startswith(b"HTTP/1.1 200 ")


def test_a_call_in_many_small_pieces_is_one_call(served: Served) -> None:
    with connected(served) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in LAST:
            connection.sendall(bytes([byte]))
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_an_idle_connection_is_kept_longer_than_load_balancers_keep_theirs(served: Served) -> None:
    assert served.server.config.timeout_keep_alive == 75
