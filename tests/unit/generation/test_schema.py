"""Shapes are strict, none of our fields is lost, and text that cannot be stored is rejected."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from generation.figures.catalogue import check
from generation.schema import DraftQuestion

DRAFT = {"slot": 3, "p": "نص", "q": "سؤال؟", "f": {"pattern": "x"}, "w": "حل", "a": "1", "d": ["2", "3", "4"]}


def changed(shape: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**shape, **parts}


def test_a_draft_keeps_every_part_as_written_d16() -> None:
    draft = DraftQuestion.model_validate({**DRAFT, "note": "زيادة", "q": " سؤالٌ؟ \n"})
    assert (draft.slot, draft.passage, draft.stem) == (3, "نص", " سؤالٌ؟ \n")
    assert (draft.explanation, draft.answer, draft.distractors) == ("حل", "1", ["2", "3", "4"])
    assert draft.figure == {"pattern": "x"}


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
        {"f": ["pattern"]},
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


def test_a_figure_stays_as_written_for_the_catalogue_to_judge() -> None:
    written = {"pattern": "square", "side": 4.0, "points": "أبجد", "color": ["red", {"deep": None}]}
    draft = DraftQuestion.model_validate(changed(DRAFT, f=written))
    assert draft.figure == written
    assert type((draft.figure or {})["side"]) is float


SQUARE = {"pattern": "square", "side": 4, "unit": "سم", "points": "أبجد"}
PIE = {"pattern": "pie-chart", "heading": "الإنفاق", "labels": ["سكن", "طعام"], "values": [60, 40]}


@pytest.mark.parametrize(
    "part",
    [
        {"pattern": "heptagon"},
        {"pattern": None},
        {"side": "4"},
        {"side": True},
        {"side": 0},
        {"side": -3},
        {"side": float("inf")},
        {"side": float("nan")},
        {"side": 10**400},
        {"side": None},
        {"": 3},
        {"points": "أب"},
        {"points": "ABCD"},
        {"unit": "ذراع"},
        {"ask": ["volume"]},
        {"color": "red"},
    ],
)
def test_a_diagram_that_cannot_be_drawn_is_rejected(part: dict[str, Any]) -> None:
    assert check(SQUARE) == ()
    assert check(changed(SQUARE, **part)) != ()


def test_coordinates_may_be_negative() -> None:
    assert check({"pattern": "coordinate-plane", "at": {"أ": [-3, 0], "ب": [2, -4]}, "paths": ["أب"]}) == ()


@pytest.mark.parametrize(
    "part",
    [
        {"pattern": "radar"},
        {"heading": ""},
        {"values": [60]},
        {"values": [60, 30, 10]},
        {"values": [100, 0]},
        {"values": [60, 30]},
        {"values": [33.3, 33.3]},
        {"values": ["60", "40"]},
        {"values": [-40, 140]},
        {"labels": ["سكن", "سكن"]},
        {"labels": ["سكن", "سَكَن"]},
        {"labels": ["مدرسة", "مدرسه"]},
        {"labels": [{"text": "سكن"}, "طعام"]},
        {"labels": ["سكن"], "values": [100]},
        {"labels": [f"شهر {n}" for n in range(13)], "values": list(range(1, 14))},
    ],
)
def test_a_chart_that_cannot_be_drawn_is_rejected(part: dict[str, Any]) -> None:
    assert check(PIE) == ()
    assert check(changed(PIE, **part)) != ()


@pytest.mark.parametrize("values", [[12.5, 87.5], [33.1, 33.2, 33.7], [12.5] * 8])
def test_the_parts_of_a_pie_may_be_fractions(values: list[float]) -> None:
    assert check(changed(PIE, labels=[f"جزء {n}" for n in range(len(values))], values=values)) == ()
