"""Stalls, deadlines and stop signals on a real socket: how a read ends that nothing else would end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from generation.cancellation import CancellationSignal, StopReason
from generation.errors import ProviderUnreachable, StreamCut, StreamStalled
from generation.model_call import StreamEvent, StreamStarted
from providers.claude import make_claude
from providers.transport import watch_sockets
from runtime.settings import ClaudeSettings
from tests.support.promptness import in_the_quickest_of_three, require_within
from tests.support.providers import PROMPT, ServeClaude, end_of, read, text_of
from tests.support.raw_server import STREAMS, Exchange, RawServer, Script, recorded
from tests.support.self_signed import self_signed

#: From the signal to the end of the read.
AT_ONCE_S = 0.2
#: Long enough for a script's first bytes on a machine that does much else; a test of a stall waits so long.
STALL_S = 1.2

#: Shorter than a script goes on by itself.
LEFT_WITHIN_S = 3

PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def silent_after(name: str) -> Script:
    """Play a recording and then say nothing more, with the connection open."""

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk((STREAMS / name).read_bytes())
        exchange.wait_until_left()

    return play


def pinging_after(name: str, period_s: float = 0.02) -> Script:
    """Play a recording, then only pings until the client has had enough."""

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk((STREAMS / name).read_bytes())
        _repeat(exchange, PING, period_s)

    return play


def mute(exchange: Exchange) -> None:
    """Take the request and never answer."""
    exchange.wait_until_left()


def _repeat(exchange: Exchange, chunk: bytes, period_s: float) -> None:
    until = time.monotonic() + 5
    exchange.connection.settimeout(period_s)
    while time.monotonic() < until:
        exchange.send_chunk(chunk)
        try:
            if exchange.connection.recv(1) == b"":
                exchange.left.set()
                return
        except TimeoutError:
            continue
        except OSError:
            return


def _fail_at(events: Iterator[StreamEvent]) -> None:
    next(events)
    raise LookupError("the reader's own")


def stopping_when(
    ready: Callable[[], bool], stop: CancellationSignal, *, after_s: float = 0.02
) -> tuple[threading.Thread, list[float]]:
    """Set the signal from another thread as soon as `ready`; the list gets the moment it was set."""
    moments: list[float] = []

    def run() -> None:
        while not ready():
            time.sleep(0.005)
        time.sleep(after_s)  # let the reader block again
        moments.append(time.monotonic())
        stop.set(StopReason.LEASE_LOST)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, moments


def test_a_reply_that_is_complete_waits_for_no_goodbye(claude: ServeClaude) -> None:
    """A server that hangs once it has said why it stopped has nothing more that we want."""

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk((STREAMS / "ten_questions.sse").read_bytes().partition(b"event: message_stop")[0])
        exchange.wait_until_left()

    _, provider = claude(play, stall_timeout_s=9)
    began = time.monotonic()
    assert end_of(read(provider)).stop_reason == "end_turn"
    assert time.monotonic() - began < 5


def test_pings_do_not_keep_a_stalled_reply_alive(claude: ServeClaude) -> None:
    server, provider = claude(pinging_after("pings_only_stall.sse"), stall_timeout_s=STALL_S)
    events: list[StreamEvent] = []
    began = time.monotonic()
    with pytest.raises(StreamStalled) as caught:
        read(provider, into=events)
    assert STALL_S <= time.monotonic() - began < 4, "the pings go on for five seconds"
    assert text_of(events).endswith("\n")
    assert (caught.value.provider, caught.value.request_id) == ("claude", "req_recorded")
    assert server.left.wait(LEFT_WITHIN_S)


def test_silence_is_a_stall(claude: ServeClaude) -> None:
    _, provider = claude(silent_after("pings_only_stall.sse"), stall_timeout_s=STALL_S)
    with pytest.raises(StreamStalled):
        read(provider)


def test_silence_for_the_read_timeout_is_a_stall_too(claude: ServeClaude) -> None:
    script = silent_after("pings_only_stall.sse")
    _, provider = claude(script, stall_timeout_s=5, claude_read_timeout_s=f"{STALL_S}")
    with pytest.raises(StreamStalled):
        read(provider)


def test_text_that_keeps_coming_is_no_stall(claude: ServeClaude) -> None:
    written = (STREAMS / "ten_questions.sse").read_bytes().split(b"\n\n")
    pause_s = 1.5 * STALL_S / len(written)

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        for event in written:
            exchange.send_chunk(event + b"\n\n")
            time.sleep(pause_s)
        exchange.send(b"0\r\n\r\n")

    _, provider = claude(play, stall_timeout_s=STALL_S)
    began = time.monotonic()
    assert end_of(read(provider)).stop_reason == "end_turn"
    assert time.monotonic() - began > STALL_S


def test_the_readers_own_slowness_is_not_the_providers_stall(claude: ServeClaude) -> None:
    _, provider = claude(recorded("ten_questions.sse"), stall_timeout_s=STALL_S)
    with provider.stream(PROMPT, CancellationSignal()) as events:
        assert isinstance(next(events), StreamStarted)
        time.sleep(1.5 * STALL_S)
        assert end_of(list(events)).stop_reason == "end_turn"


def test_a_reply_that_outlives_the_deadline_is_cut_although_it_grows(claude: ServeClaude) -> None:
    delta = (STREAMS / "arabic_split_in_codepoint.sse").read_bytes().split(b"\n\n")[2] + b"\n\n"

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk((STREAMS / "pings_only_stall.sse").read_bytes())
        _repeat(exchange, delta, 0.02)

    server, provider = claude(play, stall_timeout_s=5, deadline_s=STALL_S)
    with pytest.raises(StreamCut) as caught:
        read(provider)
    assert caught.value.context["deadline_s"] == STALL_S
    assert server.left.wait(LEFT_WITHIN_S)


def test_a_provider_that_never_answers_is_unreachable(claude: ServeClaude) -> None:
    server, provider = claude(mute, stall_timeout_s=0.2)
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert caught.value.code == "provider_unreachable"
    assert server.left.wait(LEFT_WITHIN_S)


@pytest.mark.parametrize(
    "script", [silent_after("pings_only_stall.sse"), pinging_after("pings_only_stall.sse")]
)
@in_the_quickest_of_three
def test_a_stop_signal_ends_a_blocked_read_at_once(claude: ServeClaude, script: Script) -> None:
    server, provider = claude(script)
    stop = CancellationSignal()
    events: list[StreamEvent] = []
    thread, moments = stopping_when(lambda: text_of(events).endswith("\n"), stop)
    with provider.stream(PROMPT, stop) as stream:
        events.extend(stream)
    require_within(AT_ONCE_S, since=moments[0])
    thread.join()
    assert isinstance(events[0], StreamStarted)
    assert server.left.wait(LEFT_WITHIN_S)


@in_the_quickest_of_three
def test_a_stop_signal_ends_the_wait_for_headers_at_once(claude: ServeClaude) -> None:
    server, provider = claude(mute)
    stop = CancellationSignal()
    thread, moments = stopping_when(lambda: bool(server.requests), stop)
    assert read(provider, stop) == []
    require_within(AT_ONCE_S, since=moments[0])
    thread.join()
    assert server.left.wait(LEFT_WITHIN_S)


@in_the_quickest_of_three
def test_a_stop_signal_reaches_a_connection_that_is_used_again(claude: ServeClaude) -> None:
    server, provider = claude(recorded("ten_questions.sse"))
    read(provider)
    server.script = mute
    stop = CancellationSignal()
    thread, moments = stopping_when(lambda: len(server.requests) == 2, stop, after_s=0.4)
    assert read(provider, stop) == []
    require_within(AT_ONCE_S, since=moments[0])
    assert server.connections == 1
    thread.join()


def test_nothing_is_asked_when_the_signal_is_set_already(claude: ServeClaude) -> None:
    server, provider = claude(recorded("ten_questions.sse"))
    stop = CancellationSignal()
    stop.set(StopReason.SHUTDOWN)
    assert read(provider, stop) == []
    assert server.connections == 0


def test_a_signal_between_two_events_ends_the_stream_without_an_end(claude: ServeClaude) -> None:
    _, provider = claude(recorded("ten_questions.sse"))
    stop = CancellationSignal()
    with provider.stream(PROMPT, stop) as events:
        first = next(events)
        stop.set(StopReason.DEADLINE)
        rest = list(events)
    assert isinstance(first, StreamStarted)
    assert rest == []


def test_leaving_early_closes_the_connection(claude: ServeClaude) -> None:
    server, provider = claude(silent_after("pings_only_stall.sse"))
    with provider.stream(PROMPT, CancellationSignal()) as events:
        next(events)
    assert server.left.wait(LEFT_WITHIN_S)


def test_an_error_of_the_reader_closes_the_connection_and_stays_what_it_is(claude: ServeClaude) -> None:
    server, provider = claude(silent_after("pings_only_stall.sse"))
    with (
        pytest.raises(LookupError, match="the reader's own"),
        provider.stream(PROMPT, CancellationSignal()) as events,
    ):
        _fail_at(events)
    assert server.left.wait(LEFT_WITHIN_S)


def test_a_late_signal_leaves_the_connections_next_user_alone(claude: ServeClaude) -> None:
    """The race of a signal that is set when the attempt it was meant for is over."""
    go_on = threading.Event()

    def play_in_two_parts(exchange: Exchange) -> None:
        stream = (STREAMS / "ten_questions.sse").read_bytes()
        exchange.begin_stream()
        exchange.send_chunk(stream[:2000])
        go_on.wait(5)
        exchange.send_chunk(stream[2000:])
        exchange.send(b"0\r\n\r\n")

    server, provider = claude(recorded("ten_questions.sse"))
    late = CancellationSignal()
    with provider.stream(PROMPT, late) as events:
        list(events)
        server.script = play_in_two_parts
        with provider.stream(PROMPT, CancellationSignal()) as others:
            next(others)
            late.set(StopReason.SHUTDOWN)
            go_on.set()
            assert end_of(list(others)).stop_reason == "end_turn"
    assert server.connections == 1


def test_one_attempts_signal_stops_no_other(claude: ServeClaude) -> None:
    _, provider = claude(silent_after("pings_only_stall.sse"), stall_timeout_s=STALL_S)
    stop = CancellationSignal()
    stalled = []

    def other() -> None:
        try:
            read(provider)
        except StreamStalled as err:
            stalled.append(err)

    thread = threading.Thread(target=other)
    thread.start()
    with provider.stream(PROMPT, stop) as events:
        next(events)
        stop.set(StopReason.LEASE_LOST)
        assert list(events) == []
    thread.join()
    assert len(stalled) == 1


def test_a_server_that_lingers_after_the_answer_delays_it_hardly(claude: ServeClaude) -> None:
    _, provider = claude(silent_after("ten_questions.sse"))
    began = time.monotonic()
    assert end_of(read(provider)).stop_reason == "end_turn"
    assert time.monotonic() - began < 3, "the server would linger for ten seconds"


@in_the_quickest_of_three
def test_a_stop_signal_wakes_a_read_through_tls(cleanup: ExitStack, tmp_path: Path) -> None:
    server_side, client_side = self_signed(tmp_path)
    server = cleanup.enter_context(RawServer(pinging_after("pings_only_stall.sse", 5), server_side).running())
    provider = make_claude(
        ClaudeSettings.model_validate({"claude_base_url": server.url}), stall_timeout_s=5, deadline_s=5
    )
    cleanup.callback(provider.close)
    trusting = httpx2.Client(transport=httpx2.HTTPTransport(verify=client_side))
    cleanup.callback(trusting.close)
    watch_sockets(trusting)
    provider.client._client = trusting
    stop = CancellationSignal()
    events: list[StreamEvent] = []
    thread, moments = stopping_when(lambda: text_of(events).endswith("\n"), stop)
    with provider.stream(PROMPT, stop) as stream:
        events.extend(stream)
    require_within(AT_ONCE_S, since=moments[0])
    thread.join()


def test_a_client_whose_sockets_cannot_be_watched_is_refused() -> None:
    with (
        httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200))) as client,
        pytest.raises(TypeError, match="watched"),
    ):
        watch_sockets(client)
