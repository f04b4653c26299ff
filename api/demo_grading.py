"""The result of a session on /demo. In production the web app grades, and nothing here is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from generation.model import Section


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ReviewShape(_Shape):
    """One question with its key, for the review."""

    index: int
    answer_index: int
    chosen: int | None
    explanation: str
    tip: str | None = None
    solving_strategy: str | None = None


class SectionScore(_Shape):
    section: Section
    correct: int
    total: int


class ResultShape(_Shape):
    correct: int
    answered: int
    total: int  #: questions that exist; one that was not answered counts as wrong
    sections: tuple[SectionScore, ...]
    review: tuple[ReviewShape, ...]


def graded(questions: Sequence[Mapping[str, Any]], answers: Mapping[int, int]) -> ResultShape:
    """The result of these answers (choice by position) to the committed questions of a session."""
    correct = {
        question["position"]
        for question in questions
        if answers.get(question["position"]) == question["answerIndex"]
    }
    return ResultShape(
        correct=len(correct),
        answered=sum(question["position"] in answers for question in questions),
        total=len(questions),
        sections=tuple(_sections(questions, correct)),
        review=tuple(_review(question, answers.get(question["position"])) for question in questions),
    )


def _sections(questions: Sequence[Mapping[str, Any]], correct: set[int]) -> list[SectionScore]:
    scores = []
    for section in Section:
        positions = {question["position"] for question in questions if question["section"] == section}
        if positions:
            scores.append(
                SectionScore(section=section, correct=len(positions & correct), total=len(positions))
            )
    return scores


def _review(question: Mapping[str, Any], chosen: int | None) -> ReviewShape:
    return ReviewShape(
        index=question["position"],
        answer_index=question["answerIndex"],
        chosen=chosen,
        explanation=question["explanation"],
        tip=question.get("tip"),
        solving_strategy=question.get("solvingStrategy"),
    )
