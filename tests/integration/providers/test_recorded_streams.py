"""Recorded replies over a real socket through the real SDK, whatever pieces the network makes of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import ProviderBusy, ProviderRefused, ProviderUnreachable, StreamCut
from generation.model_call import StreamEvent, StreamStarted, TextDelta, Usage
from tests.support.providers import (
    ServeClaude,
    ServeOpenRouter,
    deliver_in_pieces,
    end_of,
    read,
    text_of,
)
from tests.support.raw_server import STREAMS, Exchange, Script, recorded

TEN_USAGE = Usage(input=412, output=1974, cache_read=4380)
COMPLETE = [
    "ten_questions.sse",
    "cache_written.sse",
    "max_tokens.sse",
    "arabic_split_in_codepoint.sse",
    "arabic_split_in_diacritic.sse",
    "done_with_event_name.sse",
    "thinking_first.sse",
    "events_of_tomorrow.sse",
]


def slots(text: str) -> list[int]:
    """The slots of every complete line."""
    return [json.loads(line)["slot"] for line in text.split("\n")[:-1]]


def recorded_text(name: str) -> str:
    """The text of a recording, read by the plainest means."""
    lines = (STREAMS / name).read_text(encoding="utf-8").split("\n")
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    deltas = [event["delta"] for event in data if event["type"] == "content_block_delta"]
    return "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")


def test_a_whole_reply_arrives_as_start_text_and_end(claude: ServeClaude) -> None:
    _, provider = claude(recorded("ten_questions.sse"))
    events = read(provider)
    assert events[0] == StreamStarted(
        model="claude-sonnet-5-5",
        message_id="msg_ten",
        request_id="req_recorded",
        usage=Usage(input=412, output=1, cache_read=4380),
    )
    assert slots(text_of(events)) == list(range(10))
    assert (end_of(events).stop_reason, end_of(events).usage) == ("end_turn", TEN_USAGE)
    assert all(isinstance(event, TextDelta) for event in events[1:-1])


@pytest.mark.parametrize("name", COMPLETE)
def test_the_size_of_the_pieces_changes_nothing(claude: ServeClaude, name: str) -> None:
    _, provider = claude(recorded(name))
    for size in (1, 2, 3, 7, 64, 1000):
        deliver_in_pieces(provider, [size])
        events = read(provider)
        assert text_of(events) == recorded_text(name)
        assert end_of(events).usage.output > 1


def test_no_cutting_of_the_bytes_changes_the_events(claude: ServeClaude) -> None:
    server, provider = claude(recorded("ten_questions.sse"))

    @settings(max_examples=60, deadline=None)
    @given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=30))
    def check(sizes: list[int]) -> None:
        deliver_in_pieces(provider, sizes)
        events = read(provider)
        assert text_of(events) == recorded_text("ten_questions.sse")
        assert end_of(events).usage == TEN_USAGE

    check()
    assert server.connections >= 60  # each example on a connection of its own


@pytest.mark.parametrize("size", [1, 5, 500])
def test_a_server_that_sends_a_few_bytes_at_a_time_is_understood(claude: ServeClaude, size: int) -> None:
    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        stream = (STREAMS / "arabic_split_in_codepoint.sse").read_bytes()
        for start in range(0, len(stream), size):
            exchange.send_chunk(stream[start : start + size])
        exchange.send(b"0\r\n\r\n")

    _, provider = claude(play)
    assert text_of(read(provider)) == recorded_text("arabic_split_in_codepoint.sse")


def test_a_mark_may_come_in_another_delta_than_its_letter(claude: ServeClaude) -> None:
    _, provider = claude(recorded("arabic_split_in_diacritic.sse"))
    deltas = [event.text for event in read(provider) if isinstance(event, TextDelta)]
    assert any(0x64B <= ord(delta[0]) <= 0x652 for delta in deltas)
    assert "".join(deltas) == recorded_text("arabic_split_in_codepoint.sse")


def test_cache_writes_are_counted_by_their_time_to_live(claude: ServeClaude) -> None:
    _, provider = claude(recorded("cache_written.sse"))
    events = read(provider)
    assert end_of(events).usage == Usage(input=398, output=201, cache_write_5m=1380, cache_write_1h=3000)


def test_the_reason_of_a_cache_miss_is_told_at_the_start(claude: ServeClaude) -> None:
    _, provider = claude(recorded("cache_written.sse"))
    started = read(provider)[0]
    assert isinstance(started, StreamStarted)
    assert started.cache_miss_reason == "system_changed"


def test_a_reply_that_ran_out_of_tokens_is_a_normal_end(claude: ServeClaude) -> None:
    _, provider = claude(recorded("max_tokens.sse"))
    events = read(provider)
    assert slots(text_of(events)) == [0, 1, 2]
    assert end_of(events).stop_reason == "max_tokens"


def test_an_error_in_the_stream_keeps_what_came_before(claude: ServeClaude) -> None:
    _, provider = claude(recorded("overloaded_after_three.sse"))
    events: list[StreamEvent] = []
    with pytest.raises(ProviderBusy) as caught:
        read(provider, into=events)
    assert slots(text_of(events)) == [0, 1, 2]
    assert (caught.value.provider, caught.value.request_id) == ("claude", "req_recorded")
    assert caught.value.context["error_type"] == "overloaded_error"


def test_an_error_in_the_place_of_a_reply_is_told_as_one(claude: ServeClaude) -> None:
    _, provider = claude(recorded("error_before_the_start.sse"))
    with pytest.raises(ProviderUnreachable) as caught:
        read(provider)
    assert caught.value.code == "provider_unreachable"


def test_a_connection_dropped_in_a_string_is_a_cut(claude: ServeClaude) -> None:
    _, provider = claude(recorded("cut_mid_string.sse", complete=False))
    events: list[StreamEvent] = []
    with pytest.raises(StreamCut) as caught:
        read(provider, into=events)
    assert slots(text_of(events))[:3] == [0, 1, 2]
    assert caught.value.request_id == "req_recorded"


@pytest.mark.parametrize(
    "name", ["ends_without_stop.sse", "cut_mid_string.sse", "garbled_data.sse", "text_before_start.sse"]
)
def test_a_stream_that_ends_in_order_but_without_a_stop_reason_is_a_cut(
    claude: ServeClaude, name: str
) -> None:
    _, provider = claude(recorded(name))
    with pytest.raises(StreamCut):
        read(provider)


def test_a_cut_anywhere_keeps_the_lines_before_it(claude: ServeClaude) -> None:
    whole = (STREAMS / "ten_questions.sse").read_bytes()
    text = recorded_text("ten_questions.sse")
    server, provider = claude(recorded("ten_questions.sse"))
    for cut_at in range(0, 6500, 97):
        server.script = _cut_after(whole[:cut_at])
        events: list[StreamEvent] = []
        with pytest.raises(StreamCut):
            read(provider, into=events)
        assert text.startswith(text_of(events))
        assert all(slot == index for index, slot in enumerate(slots(text_of(events))))


def _cut_after(data: bytes) -> Script:
    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        if data:
            exchange.send_chunk(data)
        exchange.connection.close()

    return play


def test_a_refusal_in_the_stream_names_its_category_and_its_cost(claude: ServeClaude) -> None:
    _, provider = claude(recorded("refusal_mid_stream.sse"))
    with pytest.raises(ProviderRefused) as caught:
        read(provider)
    assert caught.value.context["category"] == "bio"
    assert caught.value.usage == Usage(input=412, output=77, cache_read=4380)


@pytest.mark.parametrize("complete", [True, False])
def test_what_breaks_after_the_answer_is_complete_is_of_no_interest(
    openrouter: ServeOpenRouter, complete: bool
) -> None:
    _, provider = openrouter(recorded("done_with_event_name.sse", complete=complete))
    events = read(provider)
    assert end_of(events).stop_reason == "end_turn"
    assert slots(text_of(events)) == [0]


def test_thinking_is_no_part_of_the_answer(claude: ServeClaude) -> None:
    _, provider = claude(recorded("thinking_first.sse"))
    assert slots(text_of(read(provider))) == [0]


def test_events_we_do_not_know_are_passed_over(claude: ServeClaude) -> None:
    _, provider = claude(recorded("events_of_tomorrow.sse"))
    assert slots(text_of(read(provider))) == [0]


def test_a_reply_read_to_its_end_leaves_the_connection_for_the_next_one(claude: ServeClaude) -> None:
    server, provider = claude(recorded("ten_questions.sse"))
    for _ in range(3):
        read(provider)
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_page_in_the_place_of_a_stream_is_a_cut(claude: ServeClaude) -> None:
    def play(exchange: Exchange) -> None:
        exchange.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>"
        )

    _, provider = claude(play)
    with pytest.raises(StreamCut):
        read(provider)
