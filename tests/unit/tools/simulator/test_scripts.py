"""The timed stream: order, cuts, waits, and what each fault makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.simulator.config import SimulatorConfig
from tools.simulator.faults import Fault, FaultBook, end_of_question, read_faults
from tools.simulator.script import (
    PING,
    Draft,
    Ending,
    Frame,
    Pace,
    Script,
    limited,
    make_script,
    output_tokens,
)
from tools.simulator.text import Text
from tools.simulator.usage_shapes import USAGE_SHAPES

TEXT = "".join(
    f'{{"slot":{i},"q":"سؤالٌ رقمه {i} وفيه \\"اقتباس\\" وكلامٌ طويل يكفي لعدة قطع"}}\n' for i in range(6)
)


def draft(text: str = TEXT, **changes: Any) -> Draft:
    message = {
        "id": "msg_1",
        "content": [],
        "usage": {"input_tokens": 5, "cache_creation": {}, "output_tokens": 1},
    }
    return Draft(**{"message": message, "text": Text(text), "max_tokens": 8000, **changes})


def script_of(fault: Fault | None = None, seed: int = 1, **changes: Any) -> Script:
    rng = Random(seed)
    config = SimulatorConfig()
    script = make_script(limited(draft(**changes), fault, rng), Pace(config, rng, fault), rng, fault)
    return replace(script, frames=list(script.frames))  # so that a test may look at them twice


def frames_of(script: Script) -> list[Frame]:
    return list(script.frames)


def events_of(script: Script) -> list[dict[str, Any]]:
    body = b"".join(frame.data for frame in script.frames).decode()
    lines = (line.removeprefix("data: ") for line in body.split("\n") if line.startswith("data: "))
    return [json.loads(line) for line in lines]


def text_of(script: Script) -> str:
    deltas = (event.get("delta", {}) for event in events_of(script))
    return "".join(delta.get("text", "") for delta in deltas)


def kinds_of(script: Script) -> list[str]:
    """Event types in order, runs of deltas as one, pings left out."""
    kinds: list[str] = []
    for event in events_of(script):
        if event["type"] != "ping" and (not kinds or kinds[-1] != event["type"]):
            kinds.append(event["type"])
    return kinds


def test_the_events_come_in_the_documented_order() -> None:
    script = script_of()
    assert kinds_of(script) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    end = events_of(script)[-2]
    assert end["usage"] == {"input_tokens": 5, "output_tokens": output_tokens(draft())}
    assert end["delta"]["stop_reason"] == "end_turn"
    assert script.ending is Ending.COMPLETE


@given(st.integers(), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_cutting_into_deltas_gives_the_whole_text(seed: int, text: str) -> None:
    script = script_of(seed=seed, text=text)
    assert text_of(script) == text
    pieces = [event["delta"]["text"] for event in events_of(script) if event["type"] == "content_block_delta"]
    assert all(20 <= len(piece) <= 120 for piece in pieces[:-1])


def test_deltas_cut_words_and_part_letters_from_their_marks() -> None:
    starts = set()
    for seed in range(200):
        pieces = [
            event["delta"]["text"]
            for event in events_of(script_of(seed=seed))
            if "text" in event.get("delta", {})
        ]
        starts |= {piece[0] for piece in pieces}
    assert "ٌ" in starts


def test_the_waits_follow_the_pace_and_the_seed() -> None:
    first, same, other = script_of(), script_of(), script_of(seed=2)
    assert [frame.wait_s for frame in first.frames] == [frame.wait_s for frame in same.frames]
    assert frames_of(first)[0].wait_s != frames_of(other)[0].wait_s
    assert 0.5 < frames_of(first)[0].wait_s < 2
    tokens, seconds = frames_of(first)[-1].tokens, sum(frame.wait_s for frame in frames_of(first)[1:])
    assert 50 < tokens / seconds < 200


def test_a_thinking_block_comes_first_and_is_counted() -> None:
    script = script_of(thinking_tokens=300)
    starts = [event for event in events_of(script) if event["type"] == "content_block_start"]
    assert [start["content_block"]["type"] for start in starts] == ["thinking", "text"]
    assert events_of(script)[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 300}
    shown = script_of(thinking_tokens=300, show_thinking=True)
    assert any("thinking" in event.get("delta", {}) for event in events_of(shown))


def test_max_tokens_stops_the_text_where_the_room_ends() -> None:
    script = script_of(max_tokens=50)
    end = events_of(script)[-2]
    assert end["delta"]["stop_reason"] == "max_tokens"
    assert end["usage"]["output_tokens"] <= 50
    assert TEXT.startswith(text_of(script))


@pytest.mark.parametrize("questions", [0, 1, 3])
def test_a_cut_after_so_many_questions_leaves_exactly_those_complete(questions: int) -> None:
    script = script_of(Fault("cut", after_questions=questions, after_chars=11))
    assert script.ending is Ending.CUT
    assert text_of(script).count("\n") == questions
    assert len(text_of(script).rsplit("\n", 1)[-1]) == 11
    assert "message_stop" not in kinds_of(script)


@pytest.mark.parametrize("kind", ["cut", "reset", "stall"])
@pytest.mark.parametrize("size", [1, 100, 777])
def test_a_stream_can_be_cut_at_any_byte(kind: str, size: int) -> None:
    script = script_of(Fault(kind, after_bytes=size))
    whole = b"".join(frame.data for frame in script_of().frames)
    assert b"".join(frame.data for frame in script.frames) == whole[:size]


def test_an_error_event_ends_the_stream_after_what_was_said() -> None:
    script = script_of(Fault("error_event", after_questions=2))
    assert kinds_of(script)[-1] == "error"
    assert events_of(script)[-1]["error"]["type"] == "overloaded_error"
    assert text_of(script).count("\n") == 2
    assert script.ending is Ending.ERROR_EVENT


def test_a_stream_without_a_stop_ends_quietly() -> None:
    script = script_of(Fault("no_stop", after_questions=1))
    assert kinds_of(script)[-1] == "content_block_delta"
    assert script.ending is Ending.NO_STOP


def test_a_refusal_says_nothing_unless_told_to_and_names_its_category() -> None:
    script = script_of(Fault("refusal", category="bio"))
    end = events_of(script)[-2]["delta"]
    assert (end["stop_reason"], end["stop_details"]["category"]) == ("refusal", "bio")
    assert text_of(script) == ""
    assert text_of(script_of(Fault("refusal", after_questions=1))).count("\n") == 1


def test_a_max_tokens_fault_stops_after_the_questions_it_names() -> None:
    script = script_of(Fault("max_tokens", after_questions=4))
    assert events_of(script)[-2]["delta"]["stop_reason"] == "max_tokens"
    assert text_of(script).count("\n") == 4


def test_an_unknown_event_may_turn_up_in_the_middle() -> None:
    script = script_of(Fault("unknown_event"))
    assert "novelty" in kinds_of(script)
    assert text_of(script) == TEXT


def test_slow_faults_stretch_the_waits() -> None:
    usual = sum(frame.wait_s for frame in frames_of(script_of())[1:])
    slow = sum(frame.wait_s for frame in frames_of(script_of(Fault("slow", factor=5)))[1:])
    assert slow == pytest.approx(5 * usual)
    late = script_of(Fault("slow_first_token", seconds=40))
    assert frames_of(late)[0].wait_s > 40


def test_openrouter_streams_begin_with_a_comment() -> None:
    assert frames_of(script_of(openrouter=True))[0].data.startswith(b": OPENROUTER PROCESSING\n\n")


def strike(book: FaultBook, text: str = "س", route: str = "anthropic") -> str | None:
    fault = book.strike(route, "claude-sonnet-5-5", text, Random(1))
    return fault.kind if fault else None


def test_a_fault_strikes_as_often_as_it_may_and_skips_what_it_should() -> None:
    book = FaultBook([Fault("overloaded", times=2, skip=1)])
    assert [strike(book) for _ in range(4)] == [None, "overloaded", "overloaded", None]


def test_a_fault_strikes_only_what_it_matches() -> None:
    book = FaultBook([Fault("cut", route="openrouter", contains="هندسة", model="claude-sonnet-5-5")])
    assert strike(book, "هندسة") is None
    assert strike(book, "جبر", "openrouter") is None
    assert strike(book, "سؤال هندسة", "openrouter") == "cut"


def test_a_rate_strikes_its_share() -> None:
    book, rng = FaultBook([Fault("stall", rate=0.25)]), Random(3)
    struck = sum(book.strike("anthropic", "m", "س", rng) is not None for _ in range(2000))
    assert 420 < struck < 580


def test_faults_are_read_from_short_and_long_specs() -> None:
    assert [(fault.kind, fault.rate) for fault in read_faults("overloaded:0.1, cut")] == [
        ("overloaded", 0.1),
        ("cut", 1),
    ]
    (fault,) = read_faults('[{"kind": "http", "status": 503, "times": 1}]')
    assert (fault.status, fault.times) == (503, 1)
    assert read_faults("") == []
    assert FaultBook([fault]).to_json()[0]["status"] == 503
    with pytest.raises(ValueError, match="no fault 'bang'"):
        read_faults("bang")
    with pytest.raises(ValueError, match="after_questions"):
        read_faults([{"kind": "cut", "when": 3}])


def test_the_end_of_a_question_is_the_end_of_its_line() -> None:
    assert end_of_question("أ\nب\n", 1) == 2
    assert end_of_question("أ\nب\n", 9) == 4


def usages_of(script: Script) -> tuple[Any, list[Any]]:
    """What the beginning reports, and what each later event does."""
    events = events_of(script)
    later = [event["usage"] for event in events if event["type"] == "message_delta"]
    return events[0]["message"]["usage"], later


@pytest.mark.parametrize("shape", sorted(USAGE_SHAPES))
def test_every_shape_of_usage_leaves_the_text_and_the_bill_alone(shape: str) -> None:
    honest, shaped = script_of(), script_of(Fault("usage", usage=shape))
    assert (text_of(shaped), shaped.ending) == (text_of(honest), Ending.COMPLETE)
    assert frames_of(shaped)[-1].tokens == frames_of(honest)[-1].tokens
    assert str(usages_of(shaped)) != str(usages_of(honest))


def test_a_cut_reply_reports_its_beginning_in_the_shape_too() -> None:
    start, later = usages_of(script_of(Fault("cut", usage="zeros_at_start")))
    assert (start["input_tokens"], later) == (0, [])


def test_a_shape_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="zeros_at_end"):
        Fault("usage", usage="odd")


def test_an_error_may_come_as_openrouter_sends_it() -> None:
    script = script_of(Fault("error_event", names_status=402))
    last = frames_of(script)[-1].data
    assert last.startswith(b"data: ")
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == 402


def test_a_delta_whose_ping_is_cut_has_left_and_is_billed() -> None:
    whole = frames_of(script_of(text=TEXT * 40))
    before = 0
    for frame in whole:
        if frame.data.startswith(b"event: content_block_delta") and frame.data.endswith(PING):
            break
        before += len(frame.data)
    delta = len(frame.data) - len(PING)
    for beyond, tokens in ((-1, None), (0, frame.tokens), (1, frame.tokens), (len(PING) - 1, frame.tokens)):
        cut = script_of(Fault("cut", after_bytes=before + delta + beyond), text=TEXT * 40)
        last = frames_of(cut)[-1]
        assert last.tokens == tokens or (tokens is None and last.tokens < frame.tokens)
