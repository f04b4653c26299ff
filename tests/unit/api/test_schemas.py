from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api import examples
from api.schemas import (
    AskBatch,
    CreateExam,
    CreatePractice,
    FigureShape,
    FormerFigureShape,
    SessionPage,
    redacted,
)
from generation.figures.catalogue import PATTERNS, diagram, parse
from generation.model import Difficulty, Topic
from tools.figures.samples import sample

QUESTION: dict[str, Any] = {
    "position": 4,
    "id": "quant_0_05",
    "section": "quantitative",
    "topic": "algebra",
    "difficulty": "easy",
    "questionType": "mcq",
    "stem": "ما قيمة س؟",
    "choices": ["١", "٢", "٣", "٤"],
    "answerIndex": 2,
    "explanation": "لأن س ثلاثة",
    "tags": ["linear"],
}
WRITTEN = {
    "pattern": "right-triangle",
    "base": 12,
    "height": 9,
    "unit": "م",
    "points": "بجأ",
    "ask": ["hypotenuse"],
}
DIAGRAM = diagram(parse(WRITTEN))
CHART = diagram(
    parse({"pattern": "frequency-table", "heading": "مبيعات", "labels": ["أ", "ب"], "values": [1, 2.5],
           "by": "الصنف", "of": "العدد", "total": 3.5, "ask": ["value_2"]})
)  # fmt: skip
FORMER_DIAGRAM = {"kind": "square", "description": "مربع أ ب ج د", "measures": {"أ ب": 4, "ب ج": 4.0}}
FORMER_CHART = {"kind": "bar-chart", "title": "مبيعات", "labels": ["أ", "ب"], "values": [1, 2.5]}
FIGURE_FIELDS = {
    field.alias for shape in (FigureShape, FormerFigureShape) for field in shape.model_fields.values()
}
VISIBLE = {"id", "index", "section", "topic", "difficulty", "questionType", "stem", "choices"}


def as_json(question: dict[str, Any]) -> dict[str, Any]:
    return redacted(question).model_dump(mode="json", by_alias=True, exclude_none=True)


def test_a_question_shows_its_text_and_not_its_answer() -> None:
    seen = as_json(QUESTION)

    assert set(seen) == VISIBLE
    assert seen["index"] == 4
    assert seen["choices"] == QUESTION["choices"]


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=8))
def test_only_listed_fields_pass_whatever_else_a_question_has(more: dict[str, str]) -> None:
    known = {*VISIBLE, "passage", "diagram", *FIGURE_FIELDS}
    unknown = {name: value for name, value in more.items() if name not in known}

    assert as_json({**unknown, **QUESTION}) == as_json(QUESTION)
    for figure in (DIAGRAM, CHART, FORMER_DIAGRAM, FORMER_CHART):
        assert as_json({**QUESTION, "diagram": {**unknown, **figure}})["diagram"] == figure


def test_passage_and_figure_are_shown_if_the_question_has_them() -> None:
    seen = as_json({**QUESTION, "passage": "نص", "diagram": CHART})

    assert (seen["passage"], seen["diagram"]) == ("نص", CHART)
    assert "diagram" not in as_json({**QUESTION, "diagram": None})


def test_the_example_of_a_figure_is_what_code_makes_of_it() -> None:
    assert {**DIAGRAM, "svg": examples.FIGURE["svg"]} == examples.FIGURE


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_figure_passes_as_it_is_stored(name: str) -> None:
    for seed in range(40):
        stored = diagram(parse(sample(name, Random(seed))))
        assert as_json({**QUESTION, "diagram": json.loads(json.dumps(stored))})["diagram"] == stored


def test_a_body_with_an_unknown_field_is_rejected() -> None:
    with pytest.raises(ValidationError):
        CreateExam.model_validate({"track": "scientific", "Track": "literary"})


@pytest.mark.parametrize("index", ["0", 0.5, True, None, -1, 10**9])
def test_a_batch_index_must_be_an_integer_in_range(index: object) -> None:
    with pytest.raises(ValidationError):
        AskBatch.model_validate({"batchIndex": index})


def test_a_category_that_is_chosen_twice_counts_once() -> None:
    body = CreatePractice.model_validate(
        {
            "section": "verbal",
            "categories": ["vocabulary", "analogy", "vocabulary"],
            "difficulty": "hard",
            "questionCount": 5,
        }
    )

    assert body.choice().topics == (Topic.VOCABULARY, Topic.ANALOGY)
    assert body.choice().difficulty is Difficulty.HARD


def test_times_are_sent_in_utc_whatever_the_time_zone_of_the_database() -> None:
    riyadh = datetime(2026, 11, 22, 17, 0, tzinfo=timezone(timedelta(hours=3)))
    page = SessionPage(sessions=(), next_before=riyadh)

    assert page.next_before == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    assert page.model_dump(mode="json", by_alias=True)["nextBefore"] == "2026-11-22T14:00:00Z"
