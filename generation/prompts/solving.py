"""The prompt of a answer check: what a student sees of each question, and nothing of what we know about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from generation.model import Prompt, Question
from generation.prompts.blocks import solver_blocks
from generation.prompts.request import json_line

#: Room for one short working with its answer; about twice what one takes.
TOKENS_PER_ANSWER = 400


def build_solver_prompt(questions: Sequence[Question]) -> Prompt:
    """The words of one call that asks for the answer of every question, in order. Equal input, equal bytes.

    Stem, choices in their order, figure and passage; no key, no solution, no difficulty.
    """
    return Prompt(
        system=solver_blocks(),
        user="\n".join(_lines(questions)),
        max_tokens=len(questions) * TOKENS_PER_ANSWER,
    )


def _lines(questions: Sequence[Question]) -> Iterator[str]:
    yield f"عدد الأسطر المطلوبة: {len(questions)}"
    passages = {question.slot.passage_group: question.passage for question in questions if question.passage}
    if passages:
        yield from ("", "النصوص:")
        yield from (json_line({"group": group, "passage": text}) for group, text in passages.items())
    yield from ("", "الأسئلة:")
    yield from (json_line(_posed(question)) for question in questions)


def _posed(question: Question) -> dict[str, Any]:
    posed: dict[str, Any] = {"slot": question.slot.position, "q": question.stem}
    if question.diagram is not None:
        posed["f"] = question.diagram
    posed["choices"] = question.choices
    if question.passage is not None:
        posed["group"] = question.slot.passage_group
    return posed
