"""What students get of a figure is what is shown: nothing that is asked for or hidden, and no area or formula."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from api.schemas import redacted
from generation.figures.catalogue import CHARTS, PATTERNS, asked, diagram, parse
from generation.figures.pattern import Pattern
from tests.support.figure_rules import texts_of
from tools.figures.samples import sample

QUESTION: dict[str, Any] = {
    "position": 4,
    "id": "quant_0_05",
    "section": "quantitative",
    "topic": "geometry",
    "difficulty": "easy",
    "questionType": "diagram",
    "stem": "ما محيط الشكل؟",
    "choices": ["36", "21", "42", "54"],
}
FIGURE = {
    "pattern": "right-triangle",
    "base": 12,
    "height": 9,
    "unit": "م",
    "points": "بجأ",
    "ask": ["perimeter"],
}

#: Whatever a later version may store beside a figure: each of these tells the answer, or how to find it.
BEHIND = (
    "answer",
    "answerIndex",
    "area",
    "ask",
    "asked",
    "explanation",
    "formula",
    "formulaUsed",
    "hide",
    "hypotenuse",
    "perimeter",
    "quantities",
    "shaded_area",
    "solution",
    "symbol",
    "value",
)
#: All that a response may hold, by name.
TOP = {"svg", "caption", "figure", "type", "renderHint", "data"}
SHOWN = {"pattern", "unit", "points", "measures", "at", "paths", "heading", "labels", "values", "series", "of", "by",
         "whole"}  # fmt: skip
RENDERED = {"angles", "dimensions", "label", "labels", "radius", "shapes", "showDiameter", "showRadius", "sides",
            "subtype", "title", "values", "vertices", "xAxisLabel", "yAxisLabel"}  # fmt: skip
#: Of a renderer's data, what the student reads; the rest are places in px.
READ = ("dimensions", "label", "labels", "sides", "title", "values", "xAxisLabel", "yAxisLabel")


def sent(stored: dict[str, Any]) -> dict[str, Any]:
    """The figure as responses and events carry it."""
    page: dict[str, Any] = redacted({**QUESTION, "diagram": stored}).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    return dict(page["diagram"])


@pytest.mark.parametrize("field", BEHIND)
@pytest.mark.parametrize("place", ["diagram", "figure", "data"])
def test_a_field_that_stays_behind_is_in_no_part_of_a_figure(place: str, field: str) -> None:
    stored = diagram(parse(FIGURE))
    part = stored if place == "diagram" else stored[place]
    part[field] = "36"
    assert field not in str(sent(stored))
    assert sent(stored) == diagram(parse(FIGURE))


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_figure_is_sent_with_these_fields_and_no_others(name: str) -> None:
    for seed in range(60):
        got = sent(diagram(parse(sample(name, Random(seed)))))
        assert got.keys() <= TOP
        assert got["figure"].keys() <= SHOWN
        assert got.get("data", {}).keys() <= RENDERED


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_nothing_that_is_asked_for_or_hidden_is_sent(name: str) -> None:
    for seed in range(60):
        figure = parse(sample(name, Random(seed)))
        got = sent(diagram(figure))
        measures = got["figure"].get("measures", {})
        assert not measures.keys() & {*figure.ask, *figure.hide}
        assert measures.keys() <= figure.given().keys(), "an area or a length that nobody wrote"
        readable = set(_numbers(" ".join(_texts(got))))
        assert not set(_told_by(figure)) & (readable - _shown_numbers(figure)), figure


def _texts(got: dict[str, Any]) -> Iterator[str]:
    """Everything that can be read in a figure."""
    yield from texts_of(got["svg"])
    yield got["caption"]
    yield str(got["figure"])
    yield from (str(value) for name, value in got.get("data", {}).items() if name in READ)


def _told_by(figure: Pattern) -> Iterator[str]:
    """The values that are asked for, as they would be written."""
    for name, quantity in asked(figure).items():
        if quantity.value.rational is not None:
            yield f"{float(quantity.value.rational):g}"
        if (written := figure.given().get(name)) is not None:
            yield f"{written:g}"


def _shown_numbers(figure: Pattern) -> set[str]:
    """The same number may be another measure's, a value's, a label's, or a tick of an axis."""
    shown = {f"{value:g}" for value in figure.shown_measures.values()}
    if figure.pattern in CHARTS or figure.pattern == "coordinate-plane":
        drawn = texts_of(figure.lay_out().svg(""))
        shown |= set(_numbers(" ".join([*drawn, str(figure.shown_data())])))
    return shown


def _numbers(text: str) -> list[str]:
    return re.findall(r"(?<![_\d])\d+(?:\.\d+)?", text)
