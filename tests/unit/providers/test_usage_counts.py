"""What a reply has used, however its provider reports it: in parts, again, as zeros, as text, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model_call import Usage
from providers.reply import MOST_TOKENS, Reply


def reply_with(
    start: Any, *later: Any, text: str = "نص", cache_ttl: Any = "1h", stop: str = "end_turn"
) -> Reply:
    """A reply whose beginning reports `start`, and each later event one of `later`."""
    reply = Reply(request_id=None, cache_ttl=cache_ttl, asked_model="claude-sonnet-5-5")
    reply.take(
        {"type": "message_start", "message": {"id": "m", "model": "claude-sonnet-5-5", "usage": start}}
    )
    if text:
        reply.take({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}})
    for usage in later:
        reply.take({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage})
    reply.take({"type": "message_stop"})
    return reply


FULL = {"input_tokens": 412, "cache_read_input_tokens": 8_000, "output_tokens": 1}
ZEROS = {"input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


def test_zeros_at_the_end_do_not_erase_the_beginning() -> None:
    reply = reply_with(FULL, {**ZEROS, "output_tokens": 900})
    assert (reply.usage, reply.is_reported) == (Usage(412, 900, 8_000), True)


def test_a_cache_that_is_repeated_as_zero_is_not_lost() -> None:
    reply = reply_with(FULL, {"input_tokens": 412, "cache_read_input_tokens": 0, "output_tokens": 900})
    assert reply.usage == Usage(412, 900, 8_000)


def test_the_end_may_correct_how_the_prompt_was_split() -> None:
    start = {"input_tokens": 8_412, "output_tokens": 1}
    reply = reply_with(start, {**FULL, "output_tokens": 900})
    assert reply.usage == Usage(412, 900, 8_000)


def test_what_the_beginning_did_not_know_comes_at_the_end() -> None:
    reply = reply_with({"input_tokens": 0, "output_tokens": 0}, {**FULL, "output_tokens": 900})
    assert (reply.usage, reply.is_reported) == (Usage(412, 900, 8_000), True)


def test_usage_may_come_in_parts() -> None:
    reply = reply_with({"input_tokens": 412}, {"output_tokens": 900}, {"cache_read_input_tokens": 8_000})
    assert (reply.usage, reply.is_reported) == (Usage(412, 900, 8_000), True)


def test_a_later_part_without_output_does_not_take_it_back() -> None:
    reply = reply_with(FULL, {"output_tokens": 900}, {"output_tokens": 0})
    assert (reply.usage.output, reply.is_reported) == (900, True)


@pytest.mark.parametrize("written", [412, 412.0, "412", "412.0", " 412 "])
def test_a_count_is_understood_however_it_is_written(written: Any) -> None:
    reply = reply_with({"input_tokens": written}, {"output_tokens": written})
    assert (reply.usage, reply.is_reported) == (Usage(412, 412), True)


NO_COUNTS = [
    True,
    -1,
    "-1",
    412.5,
    "412.5",
    float("nan"),
    float("inf"),
    10**5_000,
    MOST_TOKENS + 1,
    "9" * 5_000,
    "²",
    "٤١٢",
    "many",
    "",
    [],
    {},
]


@pytest.mark.parametrize("written", NO_COUNTS, ids=lambda value: str(type(value).__name__))
def test_what_is_no_count_is_never_booked_as_reported(written: Any) -> None:
    for_output = reply_with(FULL, {"output_tokens": written})
    assert (for_output.usage, for_output.is_reported) == (Usage(412, 1, 8_000), False)
    for_input = reply_with({"input_tokens": written}, {"output_tokens": 9})
    assert (for_input.usage, for_input.is_reported) == (Usage(0, 9), False)


@pytest.mark.parametrize("written", NO_COUNTS, ids=lambda value: str(type(value).__name__))
def test_a_count_that_was_unclear_may_become_clear(written: Any) -> None:
    assert reply_with({"input_tokens": written}, {**FULL, "output_tokens": 9}).is_reported


@pytest.mark.parametrize("later", [(), (None,), ({},), ({"output_tokens": None},), ("usage",), ([],)])
def test_the_first_token_alone_is_no_report_of_the_output(later: tuple[Any, ...]) -> None:
    assert not reply_with(FULL, *later).is_reported


def test_no_output_is_no_report_of_a_text_that_came() -> None:
    assert not reply_with({"input_tokens": 412, "output_tokens": 0}, {"output_tokens": 0}).is_reported
    assert reply_with({"input_tokens": 412}, {"output_tokens": 0}, text="").is_reported


def test_a_prompt_of_no_tokens_is_no_report() -> None:
    assert not reply_with({**ZEROS, "output_tokens": 1}, {"output_tokens": 9}).is_reported


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"cache_creation_input_tokens": 100}, (0, 100)),
        (
            {"cache_creation_input_tokens": 100, "cache_creation": {"ephemeral_5m_input_tokens": 100}},
            (100, 0),
        ),
        ({"cache_creation_input_tokens": 100, "cache_creation": {"ephemeral_5m_input_tokens": 40}}, (40, 60)),
        ({"cache_creation_input_tokens": 100, "cache_creation": {}}, (0, 100)),
        ({"cache_creation_input_tokens": "100", "cache_creation": None}, (0, 100)),
        ({"cache_creation": {"ephemeral_1h_input_tokens": "100.0"}}, (0, 100)),
    ],
)
def test_what_was_written_to_the_cache_keeps_its_lifetime(
    reported: dict[str, Any], expected: tuple[int, int]
) -> None:
    usage = reply_with({"input_tokens": 1, **reported}, {**reported, "output_tokens": 9}).usage
    assert (usage.cache_write_5m, usage.cache_write_1h) == expected


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**12),
    st.floats(),
    st.text(max_size=8),
    st.integers(0, 9_999).map(str),
    st.lists(st.integers(), max_size=2),
)
usages = st.dictionaries(
    st.sampled_from(
        [
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation",
        ]
    ),
    anything | st.dictionaries(st.sampled_from(["ephemeral_5m_input_tokens"]), anything),
)


@given(usages | anything, st.lists(usages | anything, max_size=4))
def test_no_report_breaks_a_reply_and_no_total_is_out_of_bounds(start: Any, later: list[Any]) -> None:
    usage = reply_with(start, *later).usage
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    assert all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.lists(usages, max_size=4))
def test_no_total_ever_shrinks(prompt: int, output: int, later: list[Any]) -> None:
    usage = reply_with({"input_tokens": prompt}, {"output_tokens": output}, *later).usage
    assert usage.output >= output
    assert usage.input + usage.cache_read + usage.cache_written >= prompt


@pytest.mark.parametrize("value", [None, 7, True, {}, "", "\x00", "\ud800"])
def test_a_model_that_is_not_named_is_the_one_we_asked(value: Any) -> None:
    reply = Reply(request_id=None, cache_ttl="1h", asked_model="claude-sonnet-5-5")
    started: Any = reply.take({"type": "message_start", "message": {"id": value, "model": value}})
    assert (started.model, started.message_id) == ("claude-sonnet-5-5", "")


def test_names_from_outside_fit_into_any_database() -> None:
    reply = reply_with(FULL, {"output_tokens": 1}, stop="end\x00turn\ud800" + "x" * 10_000)
    assert reply.stop_reason is not None
    assert reply.stop_reason.isprintable()
    assert len(reply.stop_reason) <= 200
