"""Providers whose answers do not end: each is given up at a bound, of its bytes and of its time."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator

import pytest

from generation.errors import ProviderUnreachable, StreamCut
from generation.model_call import StreamEvent, StreamStarted, Usage, UsageSource
from providers.model_check import check_model
from tests.support.providers import ServeClaude, read, text_of
from tests.support.raw_server import STREAMS, Exchange, Script

STARTED = StreamStarted("claude-sonnet-5-5", "msg_1", "req_1", Usage(input=10, output=1))
BLOCK = b" " * 16_384


def endless(kind: str, code: int = 200, *, pause_s: float = 0) -> Script:
    """Blank bytes of this content type until the client hangs up."""

    def play(exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 {code} X\r\ncontent-type: {kind}\r\n\r\n".encode())
        send_until_left(exchange, itertools.repeat(b" " if pause_s else BLOCK), pause_s)

    return play


def send_until_left(exchange: Exchange, blocks: Iterator[bytes], pause_s: float = 0) -> None:
    try:
        for block in blocks:
            exchange.connection.sendall(block)
            if pause_s:
                exchange.left.wait(pause_s)
    except OSError:
        exchange.left.set()


KINDS = pytest.mark.parametrize("kind", ["application/json", "text/html"])


@pytest.fixture
def _small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.answer_bounds.MAX_ANSWER_BYTES", 200_000)
    monkeypatch.setattr("providers.transport.MAX_REPLY_BYTES", 200_000)


@pytest.mark.timeout(20)
@KINDS
def test_a_count_that_trickles_without_end_is_given_up(
    claude: ServeClaude, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Each read gets its byte well within the timeout: only a limit on all of them ends it."""
    monkeypatch.setattr("providers.usage_recovery._TIMEOUT_S", 0.5)
    _, provider = claude(endless(kind, pause_s=0.05))
    assert provider.settle(STARTED, "ب" * 100).usage_source is UsageSource.ESTIMATED


@pytest.mark.timeout(20)
@pytest.mark.usefixtures("_small_bounds")
@KINDS
def test_a_description_of_a_model_that_does_not_end_stops_no_start(claude: ServeClaude, kind: str) -> None:
    server, provider = claude(endless(kind))
    assert any("could not be asked" in warning for warning in check_model(provider).warnings)
    assert server.left.wait(10)


@pytest.mark.timeout(20)
@pytest.mark.usefixtures("_small_bounds")
@pytest.mark.parametrize("code", [200, 400, 529])
def test_an_error_that_does_not_end_is_no_answer(claude: ServeClaude, code: int) -> None:
    _, provider = claude(endless("application/json", code), stall_timeout_s=100, deadline_s=100)
    with pytest.raises(ProviderUnreachable):
        read(provider)


@pytest.mark.timeout(20)
@pytest.mark.usefixtures("_small_bounds")
@pytest.mark.parametrize(
    "more", [b"data: " + BLOCK, b'event: ping\ndata: {"type": "ping"}\n\n'], ids=["one-event", "pings"]
)
def test_a_reply_that_does_not_end_is_cut_and_the_text_before_is_kept(
    claude: ServeClaude, more: bytes
) -> None:
    begun, _, _ = (STREAMS / "ten_questions.sse").read_bytes().partition(b"event: content_block_stop")

    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        send_until_left(exchange, itertools.chain([begun], itertools.repeat(more)))

    _, provider = claude(play, stall_timeout_s=100, deadline_s=100)
    events: list[StreamEvent] = []
    with pytest.raises(StreamCut):
        read(provider, into=events)
    assert len(text_of(events)) > 1_000


@pytest.mark.timeout(20)
def test_a_compressed_reply_is_measured_by_what_it_is_decompressed_to(
    claude: ServeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is whole, so that nothing but its size can end it."""
    monkeypatch.setattr("providers.stream.MAX_REPLY_BYTES", 200_000)
    begun, rest, end = (STREAMS / "ten_questions.sse").read_bytes().partition(b"event: content_block_stop")
    body = gzip.compress(begun + b": " + b" " * 1_000_000 + b"\n\n" + rest + end)
    assert len(body) < 50_000

    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n")
        exchange.send(body)

    _, provider = claude(play)
    with pytest.raises(StreamCut):
        read(provider)
