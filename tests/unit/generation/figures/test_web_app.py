"""The web app's own renderers get data that they draw rightly, or none."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from generation.figures.catalogue import check, parse, web_app
from generation.figures.pattern import Pattern
from generation.figures.web_app import WEB_APP_SAFE
from generation.prompts.patterns import written_as
from tests.support.figure_rules import web_app_faults
from tools.figures.samples import SAMPLES, sample

#: Quantities without a place in any drawing: asking for them adds nothing to it.
PLACELESS = frozenset({"area", "perimeter", "circumference"})


def is_safe(written: dict[str, Any]) -> bool:
    used = written.keys() - {"pattern", "unit", "points", "ask", "symbol"}
    return used | set(written.get("ask", ())) - PLACELESS <= WEB_APP_SAFE[written["pattern"]]


@pytest.mark.parametrize("name", sorted(WEB_APP_SAFE.keys() & SAMPLES.keys()))
def test_a_safe_pattern_with_its_safe_parameters_always_has_data(name: str) -> None:
    written = [one for seed in range(200) if is_safe(one := sample(name, Random(seed)))]
    assert len(written) > 10
    assert [one for one in written if web_app(parse(one)) is None] == []


GOOD: dict[str, dict[str, Any]] = {
    name: web_app(parse(written)) or {}
    for name, written in {
        "circle": {"pattern": "circle", "radius": 14, "unit": "سم"},
        "triangle": {"pattern": "right-triangle", "base": 12, "height": 9, "points": "بجأ"},
        "bars": {
            "pattern": "bar-chart",
            "heading": "زوار",
            "labels": ["الأحد", "الاثنين"],
            "values": [120, 90],
        },
        "composite": {"pattern": "concentric-circles", "inner": 3, "outer": 5, "shaded": "none"},
        "overlapping": {"pattern": "sector-minus-triangle", "radius": 8, "angle": 90},
    }.items()
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("circle", {"radius": 21}),
        ("circle", {"radius": "7"}),
        ("circle", {"label": {"text": "14"}}),
        ("circle", {"labels": ["م"]}),
        ("circle", {"labels": {"middle": "م"}}),
        ("triangle", {"vertices": [[60, 305], [340, 305]]}),
        ("triangle", {"vertices": ["أ", "ب", "ج"]}),
        ("triangle", {"vertices": [["0", "0"], ["1", "0"], ["0", "1"]]}),
        ("triangle", {"vertices": [[0, 0], [12, 0], [0, 9]]}),
        ("triangle", {"vertices": [[60, 95], [340, 305], [60, 305]]}),
        ("triangle", {"labels": {"أ": "أ"}}),
        ("triangle", {"sides": [12, None, 9]}),
        ("triangle", {"sides": {"أب": "9"}}),
        ("triangle", {"sides": ["12 سنتيمترًا تقريبًا", None, None]}),
        ("triangle", {"angles": [30, 60, 90]}),
        ("bars", {"datasets": [{"data": [120, 90]}]}),
        ("bars", {"values": ["120", "90"]}),
        ("bars", {"values": [120]}),
        ("bars", {"labels": ["الأحد", "الاثنين"]}),
        ("bars", {"title": ""}),
        ("composite", {"labels": {"أ": "3"}}),
        ("composite", {"shapes": [{"type": "circle", "cx": 200, "cy": 200, "radius": 250}]}),
        ("overlapping", {"subtype": "rose-pattern-in-square"}),
        ("overlapping", {"dimensions": {"radius": 8, "angle": 270}}),
        ("overlapping", {"dimensions": {"side": 8}}),
    ],
)
def test_the_rules_know_what_crashes_or_is_drawn_wrongly(name: str, changes: dict[str, Any]) -> None:
    """The fact sheet's list of what the live renderers cannot take."""
    assert web_app_faults(GOOD[name]) == []
    assert web_app_faults({**GOOD[name], "data": {**GOOD[name]["data"], **changes}}) != []


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "changes", [{"type": "table"}, {"renderHint": "svg"}, {"data": None}, {"caption": None}, {"type": None}]
)
def test_type_hint_data_and_caption_are_all_needed(name: str, changes: dict[str, Any]) -> None:
    assert web_app_faults({**GOOD[name], **changes}) != []


def without_n(name: str) -> str:
    return name.replace("_n", "_1")


def asking_safely(name: str, asked: str) -> list[Pattern]:
    """Valid figures with what the web app's renderers have a place for, that ask for this."""
    kept = {"pattern", "unit", "points", *WEB_APP_SAFE[name]}
    found = []
    for seed in range(100):
        written = {key: value for key, value in sample(name, Random(seed)).items() if key in kept}
        if check(written | {"ask": [without_n(asked)]}) == ():
            found.append(parse(written | {"ask": [without_n(asked)]}))
    return found


@pytest.mark.parametrize("name", sorted(WEB_APP_SAFE))
def test_whatever_the_prompt_lets_a_writer_ask_for_the_web_app_can_draw(name: str) -> None:
    line = written_as(name, web_app_only=True)
    for asked in line.get("ask", ()):
        figures = asking_safely(name, asked)
        assert figures or (name, asked) == ("parallelogram", "area"), asked  # its height has no place
        assert [figure for figure in figures if web_app(figure) is None] == [], asked


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_shown_measure_stands_in_the_data(name: str) -> None:
    for seed in range(60):
        figure = parse(sample(name, Random(seed)))
        diagram = web_app(figure)
        if diagram is not None:
            data = str(diagram["data"])
            assert all(f"{value:g}" in data for value in figure.shown_measures.values()), figure


@pytest.mark.parametrize(
    "written",
    [
        {"pattern": "circle", "radius": 1234.25, "unit": "وحدة"},
        {
            "pattern": "triangle",
            "angle_1": 40.125,
            "angle_2": 60.125,
            "ask": ["angle_3"],
            "points": "بجأ",
            "hide": [],
        },
        {"pattern": "rectangle", "width": 9999.75, "height": 8000.5, "unit": "وحدة"},
        {"pattern": "right-triangle", "base": 4321.5, "height": 5000, "unit": "وحدة", "ask": ["hypotenuse"]},
    ],
)
def test_long_texts_are_within_what_the_web_app_has_room_for(written: dict[str, Any]) -> None:
    assert check(written) == ()
    diagram = web_app(parse(written))
    assert diagram is None or web_app_faults(diagram) == []


def test_a_right_angle_is_marked_only_at_the_first_corner() -> None:
    elsewhere = web_app(parse({"pattern": "triangle", "angle_1": 50, "angle_2": 90, "points": "بجأ"}))
    assert elsewhere is not None
    assert "angles" not in elsewhere["data"]
    assert elsewhere["data"]["labels"][1] == "ج 90°"


def test_what_the_web_app_draws_wrongly_gets_no_data() -> None:
    for written in (
        {"pattern": "rose-in-square", "side": 10},
        {"pattern": "three-tangent-circles", "radius": 5},
        {"pattern": "corner-quarter-circles", "side": 8},
        {"pattern": "circles-in-rectangle", "count": 3, "width": 18, "height": 6},
        {"pattern": "cylinder", "radius": 3, "height": 8},
        {"pattern": "chord", "radius": 5, "distance": 3},
    ):
        assert check(written) == ()
        assert web_app(parse(written)) is None
