"""A figure is read, checked, drawn and described, and hides what is asked for."""

from __future__ import annotations

from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.figures.catalogue import PATTERNS, asked, caption, check, draw, parse, shown, web_app
from generation.figures.pattern import Pattern
from generation.figures.reasons import Reason
from tools.figures.samples import SAMPLES, sample

CIRCLE = {"pattern": "circle", "radius": 7, "unit": "سم", "points": "م", "ask": ["area"]}
TRIANGLE = {
    "pattern": "right-triangle",
    "base": 12,
    "height": 9,
    "unit": "م",
    "points": "بجأ",
    "ask": ["hypotenuse"],
}


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def test_a_figure_is_drawn_with_what_is_given_and_a_mark_for_what_is_asked() -> None:
    triangle = parse(TRIANGLE)
    assert check(triangle) == ()
    assert sorted(texts(draw(triangle))) == sorted(["12 م", "9 م", "؟", "أ", "ب", "ج"])
    assert caption(triangle) == "مثلث أ ب ج قائم الزاوية في ب، القاعدة 12 م، الارتفاع 9 م"
    assert {name: str(quantity.value) for name, quantity in asked(triangle).items()} == {"hypotenuse": "15"}


def test_what_is_asked_for_is_in_nothing_that_the_student_gets() -> None:
    triangle = parse({**TRIANGLE, "hypotenuse": 15})
    assert check(triangle) == ()
    assert shown(triangle) == {
        "pattern": "right-triangle",
        "unit": "م",
        "points": "بجأ",
        "measures": {"base": 12, "height": 9},
    }
    assert "15" not in caption(triangle) + " ".join(texts(draw(triangle)))


def test_what_is_hidden_shapes_the_drawing_and_is_written_nowhere() -> None:
    wide, narrow = (
        parse({"pattern": "rectangle", "width": 8, "height": height, "hide": ["height"]}) for height in (3, 7)
    )
    assert check(wide) == check(narrow) == ()
    assert draw(wide) != draw(narrow)
    assert texts(draw(narrow)) == ["8"]
    assert shown(narrow)["measures"] == {"width": 8}
    assert "7" not in caption(narrow)


def test_a_right_angle_that_is_not_given_is_not_marked() -> None:
    sides = {"pattern": "triangle", "side_12": 3, "side_23": 4, "side_31": 5, "ask": ["area"]}
    marked = {**sides, "angle_2": 90}
    assert check(sides) == check(marked) == ()
    assert draw(parse(marked)).count("<path") == draw(parse(sides)).count("<path") + 1


def test_half_a_circle_makes_a_right_inscribed_angle() -> None:
    figure = parse({"pattern": "inscribed-angle", "central": 180, "ask": ["inscribed"]})
    assert check(figure) == ()
    assert asked(figure)["inscribed"].value.rational == 90
    assert "؟" in texts(draw(figure))


def test_the_web_app_draws_a_circle_in_its_own_units() -> None:
    assert web_app(parse(CIRCLE)) == {
        "type": "circle",
        "renderHint": "SVG",
        "caption": "دائرة مركزها م، نصف القطر 7 سم",
        "data": {"radius": 12, "labels": {"left": "م"}, "label": "7 سم", "showRadius": True},
    }


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        ({"pattern": "heptagram"}, Reason.UNKNOWN_PATTERN),
        ("circle", Reason.UNKNOWN_PATTERN),
        ({**CIRCLE, "radius": "7"}, Reason.WRONG_PARAMETERS),
        ({**CIRCLE, "side": 7}, Reason.WRONG_PARAMETERS),
        ({**CIRCLE, "radius": -7}, Reason.WRONG_PARAMETERS),
        ({"pattern": "circle"}, Reason.UNDETERMINED),
        ({**CIRCLE, "radius": 3, "diameter": 10}, Reason.INCONSISTENT),
        ({**CIRCLE, "ask": ["side"]}, Reason.UNKNOWN_QUANTITY),
        ({**CIRCLE, "ask": ["radius"]}, Reason.SHOWS_NOTHING),
        ({**CIRCLE, "points": "من"}, Reason.WRONG_POINT_NAMES),
        ({"pattern": "right-triangle", "base": 9, "hypotenuse": 8}, Reason.TRIANGLE_INEQUALITY),
    ],
)
def test_a_figure_that_cannot_be_is_rejected_by_name(figure: object, reason: Reason) -> None:
    assert check(figure) == (reason,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SIZES = st.sampled_from(
    [0.001, 1e-9, 1 / 3, 1, 90, 179.9999, 180, 359.5, 9999.99, 10_000, 12.345678901234567]
)
SIZES |= st.integers(1, 400) | st.floats(0.001, 400)


@given(JSON, st.text(max_size=30), st.text(max_size=10))
def test_whatever_is_written_is_judged_and_never_an_error(written: object, stem: str, answer: str) -> None:
    assert isinstance(check(written, stem=stem, answer=answer), tuple)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_any_parameters_of_a_pattern_are_drawn_or_rejected(name: str, seed: int, data: st.DataObject) -> None:
    written: dict[str, Any] = sample(name, Random(seed))
    fields = [field for field in PATTERNS[name].model_fields if field not in Pattern.model_fields]
    for field in data.draw(st.sets(st.sampled_from(fields), max_size=3)):
        written[field] = data.draw(SIZES | JSON)
    written["ask"] = data.draw(
        st.lists(st.sampled_from([*fields, "area", "perimeter"]), max_size=2, unique=True)
    )
    answer = data.draw(st.sampled_from(["7", "49π", "5√3", "1/0", "3/4", "9" * 40, "2:3", ""]))
    reasons = check(written, stem="نصف القطر 7 سم، وضلع المربع " + "9" * 400, answer=answer)
    assert Reason.UNSOLVABLE not in reasons
    if not reasons:
        figure = parse(written)
        assert caption(figure) in draw(figure)
        assert not set(figure.ask) & set(shown(figure).get("measures", {}))
        web_app(figure)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_wrong_number_of_letters_is_named_whatever_else_is_asked_for(name: str) -> None:
    figures = [sample(name, Random(seed)) for seed in range(8)]
    for written in figures:
        allowed = parse(written).point_counts()
        for letters in {*range(1, 12)} - allowed:
            assert Reason.WRONG_POINT_NAMES in check({**written, "points": "أبجدهوزحطيك"[:letters]})
