"""Signing keys over real sockets: whatever the endpoint does, there are keys or a sentence within the deadline."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from runtime.api_settings import SigningKeySettings
from runtime.jwks import MAX_BYTES, FetchOutcome, KeySetUnavailable, fetch_key_set
from tests.support.published_keys import published
from tests.support.raw_server import Exchange, RawServer, Script
from tests.support.self_signed import self_signed
from worker.doctor import Finding, Health
from worker.signing_key_check import examine_signing_keys

KEYS = published({"current": ec.generate_private_key(ec.SECP256R1())})
SECRET = "a-secret-in-the-address"


def answering(body: bytes, status: str = "200 OK", *headers: str) -> Script:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])

    def play(exchange: Exchange) -> None:
        exchange.send(head.encode() + body)

    return play


def resetting(exchange: Exchange) -> None:
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()


def cut(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + KEYS[:20])
    exchange.connection.shutdown(socket.SHUT_RDWR)


def endless(exchange: Exchange) -> None:
    exchange.begin_stream()
    while not exchange.left.is_set():
        try:
            exchange.connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        except OSError:
            exchange.left.set()


def dripping(exchange: Exchange) -> None:
    exchange.begin_stream()
    while not exchange.left.wait(0.02):
        try:
            exchange.connection.sendall(b"1\r\n \r\n")
        except OSError:
            exchange.left.set()


def silent(exchange: Exchange) -> None:
    exchange.wait_until_left()


def problem(url: str, deadline_s: float = 10.0) -> KeySetUnavailable:
    with pytest.raises(KeySetUnavailable) as unavailable:
        asyncio.run(fetch_key_set(url, deadline_s=deadline_s))
    assert SECRET not in str(unavailable.value)
    return unavailable.value


def test_the_published_keys_are_there() -> None:
    with RawServer(answering(KEYS)).running() as server:
        assert list(asyncio.run(fetch_key_set(f"{server.url}/jwks.json"))) == ["current"]


@pytest.mark.parametrize(
    ("script", "outcome", "says"),
    [
        pytest.param(answering(b"<html>"), FetchOutcome.UNUSABLE, "not JSON", id="web page"),
        pytest.param(answering(b"[" * 50_000), FetchOutcome.UNUSABLE, "not JSON", id="deep nesting"),
        pytest.param(answering(b'{"keys": []}'), FetchOutcome.UNUSABLE, "none of", id="empty set"),
        pytest.param(answering(KEYS, "404 Not Found"), FetchOutcome.STATUS, "404", id="404"),
        pytest.param(answering(KEYS, "503 Busy"), FetchOutcome.STATUS, "503", id="503"),
        pytest.param(
            answering(b"", "302 Found", "location: http://127.0.0.1:1/"),
            FetchOutcome.STATUS,
            "redirects",
            id="redirect",
        ),
        pytest.param(answering(b" " * (MAX_BYTES + 1)), FetchOutcome.TOO_LARGE, "more than", id="too large"),
        pytest.param(endless, FetchOutcome.TOO_LARGE, "more than", id="endless"),
        pytest.param(
            answering(gzip.compress(b" " * 10_000_000), "200 OK", "content-encoding: gzip"),
            FetchOutcome.UNUSABLE,
            "not JSON",
            id="compressed",
        ),
        pytest.param(resetting, FetchOutcome.UNREACHABLE, "cannot be reached", id="reset"),
        pytest.param(cut, FetchOutcome.UNREACHABLE, "cannot be reached", id="cut"),
        pytest.param(answering(b"", "HELLO"), FetchOutcome.UNREACHABLE, "cannot be reached", id="no HTTP"),
    ],
)
def test_an_endpoint_that_fails_is_told_in_a_sentence(
    script: Script, outcome: FetchOutcome, says: str
) -> None:
    with RawServer(script).running() as server:
        found = problem(f"{server.url}/jwks.json?apikey={SECRET}")
    assert found.outcome is outcome
    assert says in str(found)


@pytest.mark.parametrize("script", [dripping, silent])
def test_an_endpoint_that_takes_its_time_is_left_at_the_deadline(script: Script) -> None:
    with RawServer(script).running() as server:
        began = time.monotonic()
        found = problem(server.url, deadline_s=0.5)
        took_s = time.monotonic() - began
        assert server.left.wait(5), "the connection is still open"
    assert found.outcome is FetchOutcome.TIMEOUT
    assert "0.5 s" in str(found)
    assert took_s < 5


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1/", "cannot be reached"),
        ("http://", "cannot be reached"),
        ("http://[::1/", "cannot be reached"),
        ("http://127.0.0.1:port/", "cannot be reached"),
        ("http://" + "a" * 70 + ".example/", "cannot be reached"),
        ("http://\udcff/", "cannot be reached"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_in_a_sentence(address: str, says: str) -> None:
    assert says in str(problem(address))


@contextmanager
def plain_text_server() -> Iterator[str]:
    """Answers the first bytes of a TLS handshake in plain text, as a web server does on the wrong port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def test_a_server_that_does_not_speak_tls_is_told_in_a_sentence() -> None:
    with plain_text_server() as url:
        assert "TLS" in str(problem(url))


def test_a_certificate_that_nobody_vouches_for_is_told_in_a_sentence(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with RawServer(answering(KEYS), tls=context).running() as server:
        assert "certificate cannot be verified" in str(problem(server.url))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:1"), ("HTTP_PROXY", "ftp://x"), ("SSL_CERT_FILE", "/nowhere.pem")],
)
def test_a_proxy_or_authorities_that_cannot_be_used_are_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert str(problem("http://signing-keys.invalid/"))


# --- what the doctor says ---------------------------------------------------------------------------


def finding(url: str | None) -> list[Finding]:
    return list(examine_signing_keys(SigningKeySettings(supabase_jwks_url=url)))


def test_the_doctor_says_whether_the_endpoint_publishes_usable_keys() -> None:
    with RawServer(answering(KEYS)).running() as server:
        [well] = finding(server.url)
        server.script = answering(b"<html>")
        [broken] = finding(server.url)

    assert (well.health, well.says) == (Health.WELL, "1 usable keys are published")
    assert broken.health is Health.BROKEN
    assert "not JSON" in broken.says
    assert "24 h" in broken.remedy


def test_the_doctor_says_nothing_where_no_address_is_set() -> None:
    assert finding(None) == []
