"""A figure is read, checked, drawn and described, and hides what is asked for."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from generation.figures.catalogue import asked, caption, check, draw, parse, shown, web_app
from generation.figures.reasons import Reason

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
