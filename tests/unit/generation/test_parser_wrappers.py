"""Good questions are kept whatever they are wrapped in, and a broken one hides no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import QuestionType
from generation.parser import MAX_NESTING, MAX_OBJECT_CHARS, LeftBehind, QuestionParser
from tests.support.reply_lines import GOOD, line
from tests.support.wrappings import wrapped

#: Ten good questions, of every type.
TEN = [line(kind, position=place) for place, kind in enumerate([*GOOD, QuestionType.MCQ])]
ONE, TWO, THREE = ({**line(QuestionType.MCQ, position=place)} for place in (1, 2, 3))


def in_pieces(text: str, chars: int) -> Iterator[str]:
    return (text[at : at + chars] for at in range(0, len(text), chars))


def cut(text: str, rng: Random) -> list[str]:
    longest = rng.choice((1, 4, 40, 400))
    edges = [0]
    while edges[-1] < len(text):
        edges.append(edges[-1] + rng.randint(1, longest))
    return [text[start:end] for start, end in pairwise(edges)]


def questions(*pieces: str) -> list[dict[str, Any]]:
    return result(*pieces)[0]


def result(*pieces: str) -> tuple[list[dict[str, Any]], dict[LeftBehind, int]]:
    parser = QuestionParser()
    found = [item for piece in pieces for item in parser.feed(piece)]
    parser.finish()
    return found, dict(parser.left_behind)


def one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


WRAPPERS = {
    "an envelope on one line": one_line({"questions": TEN}),
    "an indented envelope": json.dumps({"questions": TEN}, ensure_ascii=False, indent=2),
    "an envelope with a question a line": '{"questions": [\n' + ",\n".join(map(one_line, TEN)) + "\n]}",
    "an object a line": "\n".join(one_line({"question": question}) for question in TEN),
    "by number": one_line({str(number): question for number, question in enumerate(TEN, 1)}),
    "a key a question": json.dumps({f"question_{n}": q for n, q in enumerate(TEN)}, indent=1),
    "envelopes two deep": one_line({"ok": True, "result": {"count": 10, "questions": TEN}}),
    "envelopes four deep": one_line({"a": {"b": {"c": {"d": [[question] for question in TEN]}}}}),
    "an array": one_line(TEN),
    "nothing between": "".join(map(one_line, TEN)),
    "a fence each": "\n".join(f"```json\n{one_line(question)}\n```" for question in TEN),
    "template braces": "\n".join("{" + one_line(question) + "}" for question in TEN),
    "prose and fence": f"Sure! Here you go:\n```\n{one_line({'questions': TEN})}\n```\nDone {{10}}.",
    "with the slot last": "\n".join(
        one_line({**{name: question[name] for name in question if name != "slot"}, "slot": question["slot"]})
        for question in TEN
    ),
}


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("chars", [1, 7, 40, 100_000])
def test_ten_questions_are_kept_in(name: str, chars: int) -> None:
    assert questions(*in_pieces(WRAPPERS[name], chars)) == TEN


def test_of_200_random_wrappings_at_least_99_percent_of_the_questions_are_kept() -> None:
    kept = 0
    for seed in range(200):
        rng = Random(seed)
        text = wrapped(TEN, rng)
        found = questions(*cut(text, rng))
        kept += sum(question in found for question in TEN)
    assert kept >= 0.99 * 200 * len(TEN)


@given(st.integers(0, 2**32))
def test_a_random_wrapping_gives_the_same_at_every_chunking(seed: int) -> None:
    rng = Random(seed)
    text = wrapped(rng.sample(TEN, 3), rng)
    assert result(*cut(text, rng)) == result(text)


@given(st.integers(0, 2**32), st.integers(0, 10_000), st.sampled_from('"{}[]\\:,\nxس'), st.booleans())
def test_a_harmed_wrapping_gives_the_same_at_every_chunking(
    seed: int, at: int, sign: str, replace: bool
) -> None:
    rng = Random(seed)
    text = wrapped(rng.sample(TEN, 2), rng)
    at %= len(text)
    text = text[:at] + sign + text[at + replace :]
    assert result(*cut(text, rng)) == result(text)


@pytest.mark.parametrize("name", ["an envelope on one line", "by number", "envelopes two deep", "an array"])
def test_a_question_in_a_wrapper_is_there_at_its_own_closing_brace(name: str) -> None:
    text = WRAPPERS[name]
    parser = QuestionParser()
    end = text.index('}, {"slot": 1') if '}, {"slot": 1' in text else text.index('}, "2"')
    assert parser.feed(text[:end]) == []
    assert parser.is_in_an_object
    assert parser.feed("}") == TEN[:1]
    assert not parser.is_in_an_object


WOUNDS = {
    "one unescaped quote": lambda text: text.replace("إذا كان", 'إذا "كان', 1),
    "two unescaped quotes": lambda text: text.replace("إذا كان", 'إذا "كان"', 1),
    "no opening quote": lambda text: text.replace('"إذا', "إذا", 1),
    "no closing quote": lambda text: text.replace('؟"', "؟", 1),
    "no closing quote at the end": lambda text: text.replace('14"]', "14]", 1),
    "no closing bracket": lambda text: text.replace('14"]', '14"', 1),
    "no closing brace": lambda text: text.removesuffix("}"),
    "a brace in the place of a quote": lambda text: text.replace('"14"', '{14"', 1),
    "a quote before the brace": lambda text: text.replace('14"]}', '14"]"}', 1),
    "nothing after a comma": lambda text: text.replace('14"]}', '14"],}', 1),
    "cut off in the distractors": lambda text: text[: text.index('"14"')],
    "cut off in a string": lambda text: text[: text.index("4.")],
}


@pytest.mark.parametrize("wound", WOUNDS)
@pytest.mark.parametrize("frame", ["[{}]", '{"questions":[{}]}', "{}"])
@pytest.mark.parametrize("between", [", ", ",", "", " "])
def test_a_broken_question_on_a_line_with_others_loses_only_itself(
    wound: str, frame: str, between: str
) -> None:
    broken = WOUNDS[wound](one_line(TWO))
    assert broken != one_line(TWO)
    text = frame.replace("{}", between.join([one_line(ONE), broken, one_line(THREE), one_line(TEN[4])]))
    for chars in (1, 11, len(text)):
        found, left = result(*in_pieces(text, chars))
        assert [ONE, THREE, TEN[4]] == [item for item in found if item.get("slot") != 2]
        assert sum(left.values()) >= 1


@pytest.mark.parametrize("stem_chars", [MAX_OBJECT_CHARS - 500, MAX_OBJECT_CHARS + 500, 3 * MAX_OBJECT_CHARS])
@pytest.mark.parametrize("chars", [3, 40, 5_000, 1_000_000])
@pytest.mark.parametrize("frame", ["{}", "[{}]", '{"questions":[{}]}'])
def test_a_large_question_is_treated_the_same_however_it_is_cut(
    stem_chars: int, chars: int, frame: str
) -> None:
    large = {**TWO, "q": "س" * stem_chars}
    text = frame.replace("{}", ",".join(map(one_line, [ONE, large, THREE])))
    fits = stem_chars < MAX_OBJECT_CHARS
    expected = ([ONE, large, THREE], {}) if fits else ([ONE, THREE], {LeftBehind.TOO_LARGE: 1})
    assert result(*in_pieces(text, chars)) == expected


@given(st.integers(-3, 3), st.integers(1, 2_000))
def test_the_bound_on_the_size_is_exact_at_every_chunking(over: int, chars: int) -> None:
    empty = one_line({"slot": 1, "q": ""})
    text = one_line({"slot": 1, "q": "x" * (MAX_OBJECT_CHARS + over - len(empty))})
    assert bool(questions(*in_pieces(f"[{text}]", chars))) == (over <= 0)


def test_a_wrapper_may_be_larger_than_a_question_and_is_not_kept_in_memory() -> None:
    parser = QuestionParser()
    kept = parser.feed('{"questions": [')
    for place in range(2_000):
        kept += parser.feed(one_line({**ONE, "slot": place}) + ", ")
        assert len(parser._text) <= 100
    assert [item["slot"] for item in kept] == list(range(2_000))
    parser.feed('null], "note": "' + "x" * MAX_OBJECT_CHARS)
    assert len(parser._text) <= 100


def deep(levels: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return {**TWO, "f": value}


@pytest.mark.parametrize("levels", [MAX_NESTING, MAX_NESTING + 1, 500])
def test_the_depth_of_a_question_is_counted_from_its_own_brace(levels: int) -> None:
    expected = (
        ([ONE, deep(levels), THREE], {})
        if levels <= MAX_NESTING
        else ([ONE, THREE], {LeftBehind.TOO_DEEP: 1})
    )
    assert result(one_line({"a": {"b": [ONE, deep(levels), THREE]}})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (one_line(ONE), {}),
        (one_line({"questions": TEN}), {}),
        ('{"slot": 1, "q": x}', {LeftBehind.MALFORMED: 1}),
        ('[{"slot": 1, "slot": 2}, ' + one_line(THREE) + "]", {LeftBehind.MALFORMED: 1}),
        ('{"slot": 1, "q": "' + "x" * MAX_OBJECT_CHARS + '"}', {LeftBehind.TOO_LARGE: 1}),
        ('{"slot": 1, "q": ' + "[" * 40 + "]" * 40 + "}", {LeftBehind.TOO_DEEP: 1}),
        ('{"questions": [' + one_line(ONE) + ', {"slot": 2, "q": "س', {LeftBehind.TRUNCATED: 1}),
    ],
)
def test_what_is_left_behind_is_counted_by_reason(text: str, expected: dict[LeftBehind, int]) -> None:
    assert result(text)[1] == expected


def test_the_figure_of_a_question_is_no_question() -> None:
    figured = line(QuestionType.DIAGRAM)
    assert questions(one_line({"questions": [figured]})) == [figured]


def test_an_object_without_any_question_is_returned_for_the_validator_to_reject() -> None:
    refusal = {"error": "cannot", "details": {"type": "slot"}}
    assert questions(one_line(refusal)) == [refusal]


class CountedSteps(QuestionParser):
    """Each step reads on from where the last one ended, so the number of steps is the cost of a reply."""

    steps = 0

    def _next_mark(self) -> int | None:
        self.steps += 1
        return super()._next_mark()


@pytest.mark.parametrize("chars", [40, 1_000_000])
@pytest.mark.parametrize(
    "pump",
    [
        '{"slot":"',
        '{"a":{"slot":1',
        '{"',
        '"},{',
        '"{"',
        "{{",
        "}{",
        '{"x":"slot","y":',
        '{"slot":1,"d":[',
        '{"slot":1,"f":{"slot":2}}',
        '{"questions":[{"slot":1,"q":"a"b"}]}',
        '\n{"a"',
        " ",
        '{"a" ',
    ],
)
def test_no_reply_costs_more_than_a_few_steps_a_sign_or_is_kept_in_memory(pump: str, chars: int) -> None:
    counted = CountedSteps()
    text = (pump * 100_000)[:100_000]
    for piece in in_pieces(text, chars):
        counted.feed(piece)
        assert len(counted._text) <= MAX_OBJECT_CHARS
    assert counted.steps <= 2 * len(text) + len(text) // chars + 1
