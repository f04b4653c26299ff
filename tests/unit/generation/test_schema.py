"""Shapes are strict, none of our fields is lost, and text that cannot be stored is rejected."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from generation.schema import Chart, Diagram, DraftQuestion

DRAFT = {"slot": 3, "p": "نص", "q": "سؤال؟", "f": {"kind": "x"}, "w": "حل", "a": "1", "d": ["2", "3", "4"]}
DIAGRAM = {"kind": "triangle", "description": "مثلث قائم في ب", "measures": {"أ ب": 3, "ب ج": 4.5}}
CHART = {"kind": "pie-chart", "title": "الإنفاق", "labels": ["سكن", "طعام"], "values": [60, 40]}


def changed(shape: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**shape, **parts}


def test_a_draft_keeps_every_part_as_written_d16() -> None:
    draft = DraftQuestion.model_validate({**DRAFT, "note": "زيادة", "q": " سؤالٌ؟ \n"})
    assert (draft.slot, draft.passage, draft.stem) == (3, "نص", " سؤالٌ؟ \n")
    assert (draft.explanation, draft.answer, draft.distractors) == ("حل", "1", ["2", "3", "4"])
    assert draft.figure == {"kind": "x"}


@pytest.mark.parametrize("passage", [None, "", "  \n"])
def test_a_blank_passage_is_none(passage: str | None) -> None:
    assert DraftQuestion.model_validate(changed(DRAFT, p=passage)).passage is None


@pytest.mark.parametrize(
    "part",
    [
        {"q": ""},
        {"q": None},
        {"q": 5},
        {"q": "س" * 2_001},
        {"q": "نص\x00"},
        {"q": "نص\ud800"},
        {"q": "نص\x1b[31m"},
        {"w": ["حل"]},
        {"a": 12},
        {"a": "س" * 301},
        {"d": "2"},
        {"d": [2, 3, 4]},
        {"d": ["2", "3", ""]},
        {"d": ["2"] * 9},
        {"f": ["kind"]},
        {"p": "س" * 4_001},
        {"p": 5},
        {"slot": "3"},
    ],
)
def test_a_part_of_the_wrong_type_or_size_is_rejected(part: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DraftQuestion.model_validate(changed(DRAFT, **part))


def test_an_error_never_shows_what_was_written() -> None:
    with pytest.raises(ValidationError) as rejected:
        DraftQuestion.model_validate(changed(DRAFT, a=["سر"]))
    assert "سر" not in str(rejected.value)


def test_a_figure_keeps_its_numbers_as_written_and_only_known_names() -> None:
    diagram = Diagram.model_validate(changed(DIAGRAM, color="red")).model_dump()
    assert diagram == DIAGRAM
    assert [type(value) for value in diagram["measures"].values()] == [int, float]
    assert Chart.model_validate(CHART).model_dump() == CHART


@pytest.mark.parametrize(
    "part",
    [
        {"kind": "hexagon"},
        {"description": "مثلث"},
        {"measures": {}},
        {"measures": {"أ ب": "3"}},
        {"measures": {"أ ب": True}},
        {"measures": {"أ ب": 0}},
        {"measures": {"أ ب": -3}},
        {"measures": {"أ ب": float("inf")}},
        {"measures": {"أ ب": float("nan")}},
        {"measures": {"أ ب": 10**400}},
        {"measures": {"": 3}},
        {"measures": {f"ضلع {n}": n for n in range(1, 18)}},
    ],
)
def test_a_diagram_that_cannot_be_drawn_is_rejected(part: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Diagram.model_validate(changed(DIAGRAM, **part))


def test_coordinates_may_be_negative() -> None:
    Diagram.model_validate(changed(DIAGRAM, kind="coordinate-plane", measures={"س أ": -3, "ص أ": 0}))


@pytest.mark.parametrize(
    "part",
    [
        {"kind": "radar"},
        {"title": ""},
        {"values": [60]},
        {"values": [60, 30, 10]},
        {"values": [100, 0]},
        {"values": [60, 30]},
        {"values": [33.3, 33.3]},
        {"values": ["60", "40"]},
        {"labels": ["سكن", "سَكَن"]},
        {"labels": [{"text": "سكن"}, "طعام"]},
        {"labels": ["سكن"], "values": [100]},
        {"labels": [f"شهر {n}" for n in range(13)], "values": list(range(1, 14))},
    ],
)
def test_a_chart_that_cannot_be_drawn_is_rejected(part: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Chart.model_validate(changed(CHART, **part))


@pytest.mark.parametrize("values", [[12.5, 87.5], [33.1, 33.2, 33.7], [0.1] * 10 + [99.0]])
def test_the_parts_of_a_pie_may_be_fractions(values: list[float]) -> None:
    Chart.model_validate(changed(CHART, labels=[f"جزء {n}" for n in range(len(values))], values=values))


def test_a_line_may_pass_below_zero() -> None:
    Chart.model_validate(changed(CHART, kind="line-chart", values=[-4, 0]))
