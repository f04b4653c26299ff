"""A reply that is written while it leaves says to the byte what one that was written first would have said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.simulator.admission import Call, admit
from tools.simulator.asked import Asked, Wanted
from tools.simulator.config import SimulatorConfig
from tools.simulator.faults import LATE, Fault
from tools.simulator.http_server import Request
from tools.simulator.left import whole_lines
from tools.simulator.reply import write_lines, write_reply
from tools.simulator.script import Draft, Pace, Script, limited, make_script, output_tokens
from tools.simulator.state import SeenRequest, State
from tools.simulator.text import Text
from tools.simulator.tokens import count_tokens

SLOTS = [{"slot": i, "type": ("mcq", "comparison")[i % 2], "topic": "algebra"} for i in range(6)]
ASKED = Asked(tuple(Wanted(i, ("mcq", "comparison")[i % 2], "algebra") for i in range(6)), avoid=("سؤال",))
FLAWS = ("missing", "repeat", "reject", "wrong_key", "broken", "surplus")

pieces = st.lists(st.text(alphabet="سؤالab \n٣", max_size=30), max_size=8)
rates = st.dictionaries(st.sampled_from([f"{flaw}_rate" for flaw in FLAWS]), st.sampled_from([0.3, 1.0]))
faults = st.none() | st.builds(
    Fault,
    st.sampled_from(sorted(LATE | {"slow"})),
    after_questions=st.none() | st.integers(0, 7),
    after_chars=st.none() | st.integers(0, 2_000),
    after_bytes=st.none() | st.integers(1, 20_000),
)


def ignored(_question: dict[str, Any], _key: str) -> None:
    pass


def drafted(text: Text, **changes: Any) -> Draft:
    return Draft(**{"message": {"usage": {"input_tokens": 5}}, "text": text, "max_tokens": 8_000, **changes})


def played(draft: Draft, fault: Fault | None) -> tuple[Any, ...]:
    """Everything that anybody is told of a stream: its frames, how it ended, what is billed."""
    rng = Random(1)
    draft = limited(draft, fault, rng)
    script = make_script(draft, Pace(SimulatorConfig(), rng, fault), rng, fault)
    frames = list(script.frames)
    left = whole_lines(draft.text.written, frames[-1].lines)
    return frames, script.ending, draft.stop_reason, draft.stop_details, output_tokens(draft), left


@given(
    seed=st.integers(0, 50),
    flaws=rates,
    fault=faults,
    max_tokens=st.integers(0, 2_500) | st.just(8_000),
    thinking=st.sampled_from([0, 0, 200]),
)
def test_a_text_written_while_it_leaves_makes_the_frames_of_one_written_first(
    seed: int, flaws: dict[str, Any], fault: Fault | None, max_tokens: int, thinking: int
) -> None:
    config = SimulatorConfig(seed=seed, **flaws)
    limits = {"max_tokens": max_tokens, "thinking_tokens": min(thinking, max_tokens), "cost": float}
    first = Text(write_reply(ASKED, config, "x"))
    meanwhile = Text(write_lines(ASKED, config, "x", ignored))
    assert played(drafted(meanwhile, **limits), fault) == played(drafted(first, **limits), fault)


@given(pieces, st.integers(-2, 80))
def test_a_text_within_its_room_is_the_longest_beginning_that_costs_no_more(
    found: list[str], room: int
) -> None:
    whole = "".join(found)
    fitting = [whole[:end] for end in range(len(whole) + 1) if count_tokens(whole[:end]) <= room]
    text = Text(found).within(room)
    assert text.whole() == (fitting[-1] if fitting else "")
    assert text.cut_short == (count_tokens(whole) > room)
    assert text.tokens() == count_tokens(text.whole())


@given(pieces, st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=6))
def test_parts_of_a_text_are_slices_in_whatever_order_they_are_read(
    found: list[str], places: list[tuple[int, int]]
) -> None:
    whole, text = "".join(found), Text(found)
    for start, end in places:
        assert text.part(start, end) == whole[start:end]
        assert text.reaches(start) == (start < len(whole))
        assert text.within(1_000).part(start, end) == whole[start:end]
    assert text.whole() == whole


def test_room_within_room_is_the_smaller_one() -> None:
    assert Text("س" * 100).within(10).within(20).whole() == Text("س" * 100).within(10).whole()
    assert Text("س" * 100).within(20).within(10).whole() == Text("س" * 100).within(10).whole()


def noted(taken: list[str], *words: str) -> Iterator[str]:
    """Each word in its turn, and a note of it."""
    for word in words:
        taken.append(word)
        yield word


def test_a_text_takes_no_piece_before_it_is_read() -> None:
    taken: list[str] = []
    text = Text(noted(taken, "واحد", "اثنان", "ثلاثة"))
    assert taken == []
    assert text.part(0, 4) == "واحد"
    assert taken == ["واحد"]
    assert text.reaches(4)
    assert text.written == "واحداثنان"


def test_a_text_that_is_cut_short_takes_no_piece_beyond_its_end() -> None:
    taken: list[str] = []
    text = Text(noted(taken, "س" * 40, "ص" * 40, "ع" * 40)).within(20)
    assert text.cut_short
    assert taken == ["س" * 40, "ص" * 40]


def test_a_change_of_the_configuration_is_for_the_next_reply() -> None:
    config = SimulatorConfig()
    expected = write_reply(ASKED, config, "x")
    lines = write_lines(ASKED, config, "x", ignored)
    begun = next(lines)
    config.update({"seed": 9, "broken_rate": 1})
    assert begun + "".join(lines) == expected
    assert write_reply(ASKED, config, "x") != expected


def admitted(state: State, **changes: Any) -> Call:
    words = "\n".join(json.dumps(slot) for slot in SLOTS)
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8_000,
        "stream": True,
        "thinking": {"type": "between_tools"},
        "messages": [{"role": "user", "content": words}],
        **changes,
    }
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "simulator"}
    seen = SeenRequest(0, "POST", "/v1/messages", headers, {}, "req_1")
    return admit(
        state, Request("POST", "/v1/messages", {}, headers, json.dumps(body).encode()), "anthropic", seen
    )


def script_of(state: State, call: Call) -> Script:
    return make_script(call.draft, Pace(state.config, call.rng, call.fault), call.rng, call.fault)


def test_a_stream_that_has_begun_has_not_yet_written_its_last_question() -> None:
    state = State()
    call = admitted(state)
    frames = iter(script_of(state, call).frames)
    assert call.draft.text.written == ""
    for line in range(1, 6):
        while next(frames).lines < line:
            assert call.draft.text.written.count("\n") <= line
        assert call.draft.text.written.count("\n") <= line + 1
    assert len(list(frames)) > 1
    assert call.draft.text.written.count("\n") == 6
    assert call.draft.stop_reason == "end_turn"


def test_a_fault_that_strikes_in_the_text_has_it_written_first() -> None:
    state = State()
    state.faults.faults.append(Fault("cut", after_questions=2))
    call = admitted(state)
    script_of(state, call)
    assert call.draft.text.written.count("\n") == 6


def test_a_stop_sequence_is_looked_for_in_the_whole_text() -> None:
    call = admitted(State(), stop_sequences=['{"slot":3'])
    assert call.draft.text.whole().count("\n") == 3
    assert (call.draft.stop_reason, call.draft.message["stop_sequence"]) == ("stop_sequence", '{"slot":3')


def test_nothing_is_thought_where_nothing_is_said() -> None:
    adaptive = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    assert admitted(State(), **adaptive).draft.thinking_tokens > 0
    assert admitted(State(), **adaptive, stop_sequences=["{"]).draft.thinking_tokens == 0
