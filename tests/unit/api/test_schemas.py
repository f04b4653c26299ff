from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from api.schemas import (
    AskBatch,
    ChartShape,
    CreateExam,
    CreatePractice,
    DiagramShape,
    SessionPage,
    redacted,
)
from generation.model import Difficulty, Topic
from generation.schema import Chart, Diagram

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
DIAGRAM = {"kind": "square", "description": "مربع أ ب ج د", "measures": {"أ ب": 4, "ب ج": 4.0}}
CHART = {"kind": "bar-chart", "title": "مبيعات", "labels": ["أ", "ب"], "values": [1, 2.5]}
VISIBLE = {"id", "index", "section", "topic", "difficulty", "questionType", "stem", "choices"}


def shown(question: dict[str, Any]) -> dict[str, Any]:
    return redacted(question).model_dump(mode="json", by_alias=True, exclude_none=True)


def test_a_question_shows_its_text_and_not_its_answer() -> None:
    seen = shown(QUESTION)

    assert set(seen) == VISIBLE
    assert seen["index"] == 4
    assert seen["choices"] == QUESTION["choices"]


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=8))
def test_only_named_fields_pass_whatever_else_a_question_carries(more: dict[str, str]) -> None:
    unknown = {name: value for name, value in more.items() if name not in VISIBLE | {"passage", "diagram"}}

    assert shown({**unknown, **QUESTION}) == shown(QUESTION)
    for figure in (DIAGRAM, CHART):
        assert shown({**QUESTION, "diagram": {**unknown, **figure}})["diagram"] == figure


def test_passage_and_figure_are_there_where_the_question_has_them() -> None:
    seen = shown({**QUESTION, "passage": "نص", "diagram": CHART})

    assert (seen["passage"], seen["diagram"]) == ("نص", CHART)
    assert "diagram" not in shown({**QUESTION, "diagram": None})


@pytest.mark.parametrize(("drawn", "gate"), [(DiagramShape, Diagram), (ChartShape, Chart)])
def test_a_page_is_told_of_every_field_that_the_gate_lets_through(
    drawn: type[BaseModel], gate: type[BaseModel]
) -> None:
    assert drawn.model_fields.keys() == gate.model_fields.keys()
    assert drawn.model_fields["kind"].annotation == gate.model_fields["kind"].annotation


def test_a_body_with_a_field_we_do_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        CreateExam.model_validate({"track": "scientific", "Track": "literary"})


@pytest.mark.parametrize("index", ["0", 0.5, True, None, -1, 10**9])
def test_a_batch_index_is_a_whole_number_and_not_something_like_it(index: object) -> None:
    with pytest.raises(ValidationError):
        AskBatch.model_validate({"batchIndex": index})


def test_a_category_picked_twice_counts_once() -> None:
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


def test_moments_are_sent_in_utc_wherever_the_database_lives() -> None:
    riyadh = datetime(2026, 11, 22, 17, 0, tzinfo=timezone(timedelta(hours=3)))
    page = SessionPage(sessions=(), next_before=riyadh)

    assert page.next_before == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    assert page.model_dump(mode="json", by_alias=True)["nextBefore"] == "2026-11-22T14:00:00Z"
