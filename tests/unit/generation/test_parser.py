"""The parser extracts objects while the reply streams, and a broken object does not affect another."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import parser
from generation.parser import MAX_NESTING, MAX_OBJECT_CHARS, QuestionParser

ARABIC = st.text(alphabet='سؤال قيمةجوب{}[]":,\\\n\t«»١٢0123()²٫ــ', max_size=60)
FIGURES = st.none() | st.fixed_dictionaries(
    {
        "kind": ARABIC,
        "measures": st.dictionaries(
            ARABIC, st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=3
        ),
    }
)
OBJECTS = st.fixed_dictionaries(
    {
        "slot": st.integers(0, 95),
        "q": ARABIC,
        "f": FIGURES,
        "w": ARABIC,
        "a": ARABIC,
        "d": st.lists(ARABIC, max_size=3),
    }
)
REPLIES = st.lists(OBJECTS, min_size=1, max_size=6)


def lines_of(objects: Sequence[dict[str, Any]]) -> list[str]:
    return [json.dumps(item, ensure_ascii=False) for item in objects]


def chunks_of(text: str, cuts: Sequence[int]) -> list[str]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(edges)]


def parse(*chunks: str) -> tuple[list[dict[str, Any]], int]:
    parser = QuestionParser()
    found = [item for chunk in chunks for item in parser.feed(chunk)]
    return found, parser.finish()


@given(REPLIES, st.lists(st.integers(0, 10_000), max_size=40))
def test_any_chunking_gives_the_same_objects(objects: list[dict[str, Any]], cuts: list[int]) -> None:
    text = "\n".join(lines_of(objects))
    assert parse(*chunks_of(text, cuts)) == (objects, 0)
    assert parse(*text) == (objects, 0)


@given(REPLIES, st.integers(0, 10_000))
def test_a_truncated_reply_loses_only_its_last_incomplete_object_d20(
    objects: list[dict[str, Any]], cut: int
) -> None:
    text = "\n".join(lines_of(objects))
    kept = text[: cut % (len(text) + 1)]
    whole = sum(1 for end in _ends(lines_of(objects)) if end <= len(kept))
    found, broken = parse(kept)
    assert found == objects[:whole]
    assert broken <= 1


def _ends(lines: list[str]) -> list[int]:
    ends, place = [], 0
    for line in lines:
        ends.append(place + len(line))
        place += len(line) + 1
    return ends


DAMAGES = st.tuples(
    st.integers(0, 100),
    st.integers(0, 10_000),
    st.sampled_from(["", '"', "{", "}", "[", "]", "\\", ",", ":", "\n", "x", '"{', "}}"]),
    st.booleans(),
)


@given(REPLIES, DAMAGES, st.lists(st.integers(0, 10_000), max_size=10))
def test_corrupting_one_object_loses_no_other(
    objects: list[dict[str, Any]], damage: tuple[int, int, str, bool], cuts: list[int]
) -> None:
    which, at, sign, replace = damage
    lines = lines_of(objects)
    victim = which % len(lines)
    place = at % len(lines[victim])
    lines[victim] = lines[victim][:place] + sign + lines[victim][place + replace :]
    found, _ = parse(*chunks_of("\n".join(lines), cuts))
    others = [item for index, item in enumerate(objects) if index != victim]
    remaining = iter(found)
    assert all(any(item == candidate for candidate in remaining) for item in others)


@given(st.text(alphabet='{}[]":,\\\n \t0a', max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_no_text_crashes_the_parser_and_chunking_never_matters(text: str, cuts: list[int]) -> None:
    assert parse(*chunks_of(text, cuts)) == parse(text)


@pytest.mark.parametrize(
    "wrap",
    ["```json\n{}\n```", "إليك الأسئلة:\n{}\nانتهت.", "[{}]", "\ufeff{}", "[\n  {}\n]"],
)
def test_fences_prose_and_arrays_around_the_objects_do_not_matter(wrap: str) -> None:
    objects = [{"slot": 1, "q": "س {١} «ب»"}, {"slot": 2, "q": "ص"}]
    for separator in ("\n", ",\n", ",", " ", "", "\r\n", "\n\nثم:\n"):
        text = wrap.replace("{}", separator.join(lines_of(objects)))
        assert parse(text) == (objects, 0)


def test_an_indented_array_is_read_object_by_object() -> None:
    objects = [{"slot": 1, "f": {"points": [{"x": 1}, {"x": 2}]}}, {"slot": 2, "f": {}}]
    assert parse(json.dumps(objects, indent=2)) == (objects, 0)


def test_an_object_is_there_at_its_closing_brace() -> None:
    parser = QuestionParser()
    assert parser.feed('{"slot": 1, "q": "}"') == []
    assert parser.feed("}") == [{"slot": 1, "q": "}"}]


def test_an_unclosed_object_does_not_swallow_the_next_line() -> None:
    for broken in (
        '{"slot":1,"q":"س',
        '{"slot":1,"d":["a","b",',
        '{"slot":1,"f":',
        '{"slot":1,"f":{"a":1}',
        '{"slot":1,',
    ):
        assert parse(broken + '\n{"slot":2}') == ([{"slot": 2}], 1)


def test_an_unclosed_object_in_an_indented_array_does_not_swallow_the_next() -> None:
    assert parse('[\n  {"slot":1,"f":{"a":1},\n  {"slot":2},\n  {"slot":3}\n]') == (
        [{"slot": 2}, {"slot": 3}],
        1,
    )


def test_text_is_never_repaired_d21() -> None:
    """Braces and brackets inside a text stay as written; an object that needs repair is dropped."""
    assert parse('{"q": "{1,2} {3,4} [1,2,]"}') == ([{"q": "{1,2} {3,4} [1,2,]"}], 0)
    assert parse('{"d": ["1","2",]}\n{"slot": 2}') == ([{"slot": 2}], 1)


@pytest.mark.parametrize(
    "odd",
    [
        '{"slot": NaN}',
        '{"slot": Infinity}',
        '{"slot": 1' + "0" * 5_000 + "}",
        '{"a": "x", "a": "y"}',
        '{"f": {"m": 1, "m": 2}}',
        '{"a": ' + "[" * 3_000 + "]" * 3_000 + "}",
        '{"a": ' * 3_000 + "1" + "}" * 3_000,
        "{'a': 1}",
        '{"q": "مسافة\tخام"}',
        '{"a": 1]}',
    ],
)
def test_what_is_not_plain_json_is_dropped_and_counted(odd: str) -> None:
    found, broken = parse(odd + '\n{"slot": 2}')
    assert found[-1] == {"slot": 2}
    assert len(found) == 1
    assert broken >= 1


def test_an_endless_object_is_dropped_and_memory_stays_bounded() -> None:
    parser = QuestionParser()
    parser.feed('{"q": "')
    for _ in range(100):
        assert parser.feed("س" * 1_000) == []
        assert len(parser._text) <= MAX_OBJECT_CHARS
    assert parser.feed('"}\n{"slot": 2}') == [{"slot": 2}]
    assert parser.finish() >= 1


def test_text_between_objects_is_not_kept() -> None:
    parser = QuestionParser()
    parser.feed("كلام طويل " * 1_000)
    assert parser._text == ""


def nested(kinds: Sequence[bool], inmost: str = "1") -> str:
    """An object with one nested level for each kind: an object for true, a list for false."""
    opened = ['{"a": ' if is_object else "[" for is_object in (True, *kinds)]
    closed = ["}" if is_object else "]" for is_object in (True, *kinds)]
    return "".join(opened) + inmost + "".join(reversed(closed))


KINDS = st.lists(st.booleans(), min_size=MAX_NESTING, max_size=200)
#: Deeper than any Python decodes, without generating each brace by itself.
FAR_DEEPER = st.builds(lambda kinds, times: kinds * times, KINDS, st.integers(1, 20))


@given(REPLIES, FAR_DEEPER, st.integers(0, 6), st.lists(st.integers(0, 30_000), max_size=20))
def test_an_object_nested_deeper_than_the_limit_is_dropped_and_its_neighbours_are_found(
    objects: list[dict[str, Any]], kinds: list[bool], at: int, cuts: list[int]
) -> None:
    lines = lines_of(objects)
    lines.insert(at, nested(kinds))
    for separator in ("\n", ", ", ""):
        assert parse(*chunks_of(separator.join(lines), cuts)) == (objects, 1)


@given(REPLIES, FAR_DEEPER, st.integers(0, 100_000), st.lists(st.integers(0, 30_000), max_size=20))
def test_a_deep_object_that_is_cut_off_anywhere_loses_no_line_after_it(
    objects: list[dict[str, Any]], kinds: list[bool], end: int, cuts: list[int]
) -> None:
    deep = nested(kinds)
    cut_off = deep[: 1 + end % (len(deep) - 1)]
    assert parse(*chunks_of("\n".join([cut_off, *lines_of(objects)]), cuts)) == (objects, 1)


@given(st.lists(st.booleans(), max_size=MAX_NESTING - 1), ARABIC)
def test_every_object_nested_up_to_the_limit_is_decoded(kinds: list[bool], text: str) -> None:
    whole = nested(kinds, json.dumps(text + "[{" * MAX_NESTING, ensure_ascii=False))
    assert parse(whole) == ([json.loads(whole)], 0)


def test_the_limit_is_exact() -> None:
    assert parse(nested([False] * (MAX_NESTING - 1)))[1] == 0
    assert parse(nested([False] * MAX_NESTING)) == ([], 1)


@given(st.sampled_from(["{", '{"a":', '{"a":[', "[", '{"a":[[1],']), st.integers(MAX_NESTING, 20_000))
def test_endless_nesting_costs_one_step_per_character_and_never_reaches_the_decoder(
    opening: str, depth: int
) -> None:
    counted = CountedSteps()
    pieces = chunks_of(opening * depth, range(0, len(opening) * depth, 97))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parser, "_decoded", pytest.fail)
        assert [item for piece in pieces for item in counted.feed(piece)] == []
        assert len(counted._text) <= MAX_OBJECT_CHARS
    assert counted.steps <= len(opening) * depth + len(pieces)


class CountedSteps(QuestionParser):
    """Each step begins where the last one ended, so the number of steps is the cost of a reply."""

    steps = 0

    def _next_mark(self) -> int | None:
        self.steps += 1
        before = self._scanned
        mark = super()._next_mark()
        assert self._scanned >= before
        return mark


@pytest.mark.parametrize("chunk_chars", [10, 1_000, 100_000])
def test_a_too_long_object_is_dropped_however_it_is_cut(chunk_chars: int) -> None:
    text = json.dumps({"q": "س" * MAX_OBJECT_CHARS}, ensure_ascii=False) + '\n{"slot": 2}'
    pieces = [text[at : at + chunk_chars] for at in range(0, len(text), chunk_chars)]
    found, broken = parse(*pieces)
    assert found == [{"slot": 2}]
    assert broken >= 1


def test_an_object_cut_off_at_the_end_is_counted_once() -> None:
    parser = QuestionParser()
    parser.feed('{"slot": 1}\n{"slot": 2, "q": "س')
    assert (parser.finish(), parser.finish()) == (1, 1)


def test_no_pattern_uses_what_early_python_311_matches_wrongly() -> None:
    """Debian 12's Python 3.11.2 loses matches with possessive quantifiers: every question looked broken."""
    patterns = [value.pattern for value in vars(parser).values() if isinstance(value, re.Pattern)]

    assert len(patterns) >= 3
    assert not [pattern for pattern in patterns if re.search(r"[+*?}]\+|\(\?>", pattern)]
