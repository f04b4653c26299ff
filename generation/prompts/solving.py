"""The prompt of an answer check: each question as a student sees it, without our key or explanation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from generation.figures.catalogue import DRAWN
from generation.model import CHOICES_PER_QUESTION, Question
from generation.model_call import Prompt
from generation.prompts.blocks import solver_blocks
from generation.prompts.request import json_line

#: For one short solution with its answer; about twice the usual number.
TOKENS_PER_ANSWER = 400


def build_solver_prompt(questions: Sequence[Question], look: int = 0) -> Prompt:
    """The prompt of one call that asks for the answer to every question, in order. Equal input gives equal bytes.

    It contains stem, choices turned by `look` places, figure and passage, but no key, explanation or difficulty.
    """
    return Prompt(
        system=solver_blocks(),
        user="\n".join(_lines(questions, look)),
        max_tokens=len(questions) * TOKENS_PER_ANSWER,
    )


def _lines(questions: Sequence[Question], look: int) -> Iterator[str]:
    yield f"عدد الأسطر المطلوبة: {len(questions)}"
    passages = {question.slot.passage_group: question.passage for question in questions if question.passage}
    if passages:
        yield from ("", "النصوص:")
        yield from (json_line({"group": group, "passage": text}) for group, text in passages.items())
    yield from ("", "الأسئلة:")
    yield from (json_line(_posed(question, look)) for question in questions)


def _posed(question: Question, look: int) -> dict[str, Any]:
    posed: dict[str, Any] = {"slot": question.slot.position, "q": question.stem}
    if question.diagram is not None:
        posed["f"] = {name: value for name, value in question.diagram.items() if name not in DRAWN}
    turn = look % CHOICES_PER_QUESTION
    posed["choices"] = question.choices[turn:] + question.choices[:turn]
    if question.passage is not None:
        posed["group"] = question.slot.passage_group
    return posed
