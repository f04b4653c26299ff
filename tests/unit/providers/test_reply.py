"""Replies that no recording has: numbers left out, numbers that change, shapes of other gateways."""

from __future__ import annotations

from typing import Any

import pytest

from generation.model_call import StreamStarted, Usage
from providers.messages import CacheTtl
from providers.reply import Reply, UnreadableReply

Transport = dict  #: what the SDK decodes from JSON


def started(usage: Any, *, cache_ttl: CacheTtl = "5m") -> tuple[Reply, StreamStarted]:
    reply = Reply(request_id="req", cache_ttl=cache_ttl)
    message = Transport(id="msg", model="m", usage=usage)
    event = reply.take(Transport(type="message_start", message=message))
    assert isinstance(event, StreamStarted)
    return reply, event


@pytest.mark.parametrize(
    ("cache_ttl", "expected"), [("5m", Usage(cache_write_5m=70)), ("1h", Usage(cache_write_1h=70))]
)
def test_a_write_without_its_time_to_live_is_the_one_we_asked_for(
    cache_ttl: CacheTtl, expected: Usage
) -> None:
    _, event = started(Transport(cache_creation_input_tokens=70), cache_ttl=cache_ttl)
    assert event.usage == expected


def test_totals_at_the_end_replace_those_at_the_start() -> None:
    """Some gateways know the cache only when the reply is over."""
    reply, _ = started(Transport(input_tokens=0, output_tokens=1))
    usage = Transport(
        input_tokens=5, output_tokens=90, cache_read_input_tokens=700, cache_creation_input_tokens=30
    )
    reply.take(Transport(type="message_delta", delta=Transport(stop_reason="end_turn"), usage=usage))
    assert reply.ended().usage == Usage(input=5, output=90, cache_read=700, cache_write_5m=30)


def test_totals_left_out_at_the_end_stay_as_they_were() -> None:
    split = Transport(ephemeral_5m_input_tokens=10, ephemeral_1h_input_tokens=20)
    reply, _ = started(Transport(input_tokens=5, cache_creation=split, cache_creation_input_tokens=30))
    usage = Transport(output_tokens=9, cache_creation_input_tokens=30, cache_read_input_tokens=None)
    reply.take(Transport(type="message_delta", delta=Transport(stop_reason="end_turn"), usage=usage))
    assert reply.ended().usage == Usage(input=5, output=9, cache_write_5m=10, cache_write_1h=20)


def test_a_start_without_usage_counts_nothing() -> None:
    _, event = started(None)
    assert event.usage == Usage()


@pytest.mark.parametrize(
    "event",
    [
        None,
        Transport(type="ping"),
        Transport(type="content_block_delta"),
        Transport(type="content_block_delta", delta=Transport(type="text_delta", text=None)),
        Transport(type="content_block_delta", delta=Transport(type="text_delta", text="")),
        Transport(type="message_delta"),
    ],
)
def test_an_event_without_what_it_should_have_says_nothing(event: Any) -> None:
    reply, _ = started(Transport(input_tokens=3))
    assert reply.take(event) is None
    assert (reply.usage, reply.stop_reason) == (Usage(input=3), None)


def test_an_end_without_a_stop_reason_is_no_end() -> None:
    reply, _ = started(None)
    with pytest.raises(UnreadableReply):
        reply.ended()
