"""A recorded reply: what differs from what we build on is a sentence, and what may not be kept is gone."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.expected_stream import (
    FIRST_TEXT_S,
    HEADERS,
    TOKENS_PER_S,
    differences,
    final_usage,
    time_differences,
)
from providers.recording import Recording
from tests.support.raw_server import STREAMS
from tools.simulator.config import SimulatorConfig

HEAD = {"content-type": "text/event-stream; charset=utf-8"} | dict.fromkeys(HEADERS, "7")
TEN = (STREAMS / "ten_questions.sse").read_text(encoding="utf-8")


def recording(text: str = TEN, *, status: int = 200) -> Recording:
    return Recording(status, HEAD, [text.encode()])


def test_a_reply_of_the_known_shape_has_no_difference() -> None:
    assert differences(recording()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "event: ping\n",
            'event: tomorrow\ndata: {"type":"tomorrow"}\n\nevent: ping\n',
            "the type 'tomorrow'",
        ),
        ('"cache_read_input_tokens":4380,', "", "no number 'cache_read_input_tokens'"),
        ('"input_tokens":412', '"input_tokens":"412"', "no number 'input_tokens'"),
        ('"end_turn"', '"max_tokens"', "stopped with 'max_tokens'"),
        ('{"type":"message_stop"}', '{"type":"bye"}', "where message_start, content_block_start"),
        ('{"type":"message_stop"}', "{not JSON", "'unreadable'"),
        ('"text_delta"', '"thinking_delta"', "text_delta alone"),
    ],
)
def test_what_differs_in_the_stream_is_named(old: str, new: str, said: str) -> None:
    assert old in TEN
    assert any(said in sentence for sentence in differences(recording(TEN.replace(old, new, 1))))


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_missing_is_named(name: str) -> None:
    whole = recording()
    head = {key: value for key, value in whole.headers.items() if key != name}
    [sentence] = differences(Recording(200, head, whole.chunks))
    assert name in sentence


def test_a_refused_call_is_named_by_its_status() -> None:
    assert differences(recording(status=529)) == ["The answer has the status 529 where 200 is expected."]


def test_deltas_of_another_size_are_named() -> None:
    whole = json.dumps({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "س" * 900}})
    lines = [line for line in TEN.split("\n") if '"content_block_delta"' not in line]
    start = next(number for number, line in enumerate(lines) if '"content_block_start"' in line)
    text = "\n".join([*lines[: start + 1], f"data: {whole}", *lines[start + 1 :]])
    assert any("900 characters" in sentence for sentence in differences(recording(text)))


def test_times_beside_the_expected_ones_are_named() -> None:
    config = SimulatorConfig()
    assert time_differences(first_text_s=config.ttft_s, tokens_per_s=config.tokens_per_s) == []
    assert time_differences(first_text_s=None, tokens_per_s=None) == []
    assert len(time_differences(first_text_s=FIRST_TEXT_S[1] + 1, tokens_per_s=TOKENS_PER_S[0] - 1)) == 2


def test_the_later_number_of_a_reply_is_its_final_one() -> None:
    usage = final_usage(recording().events())
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]) == (
        412,
        1974,
        4380,
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
_EVENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message_start", "message_delta", "content_block_delta", "ping", 5, None]),
        "message": _JSON,
        "usage": _JSON,
        "delta": _JSON,
    },
)


@given(events=st.lists(_EVENT, max_size=6))
def test_no_stream_of_objects_breaks_the_comparison(events: list[dict[str, Any]]) -> None:
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    found = differences(recording(text))
    assert found, "none of these is a whole reply"
    assert all(len(sentence) < 1000 for sentence in found)
    final_usage(recording(text).events())


@given(noise=st.binary(max_size=200))
def test_no_bytes_break_the_comparison(noise: bytes) -> None:
    assert differences(Recording(200, HEAD, [b"data: ", noise]))


def test_a_compressed_reply_is_read() -> None:
    packed = Recording(200, HEAD | {"content-encoding": "gzip"}, [gzip.compress(TEN.encode())])
    assert packed.text == TEN
    assert differences(packed) == []
    assert differences(Recording(200, HEAD | {"content-encoding": "gzip"}, [b"\x1f\x8bno"]))


def test_keys_ids_and_addresses_are_scrubbed_and_the_texts_stay() -> None:
    planted = [
        "sk-ant-api03-AbCd_1234-efgh",
        "req_011CSHoEeqs5C35K",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
        "someone@school.example",
    ]
    scrubbed = recording(TEN + "".join(f": {secret}\n" for secret in planted)).scrubbed()
    assert scrubbed.startswith(TEN.replace("msg_ten", "msg_recorded"))
    assert not any(secret in scrubbed for secret in planted)
