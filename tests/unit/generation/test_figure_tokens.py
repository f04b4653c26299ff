"""A figure as parameters takes no more of a reply than the prose did that figures were written in before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import pytest

from generation.figure_plan import ALL_FIGURES, WEB_APP_FIGURES, FigureChoice
from generation.model import FIGURED_TYPES, QuestionType, Track
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from tools.simulator.asked import read_asked
from tools.simulator.content.writer import write_questions
from tools.simulator.tokens import count_tokens

#: What the simulator and the prompt's examples wrote before figures were patterns, one of each subtopic or more.
FORMER = Path(__file__).with_name("former_figures.jsonl")


def mean_tokens(figures: Iterable[object]) -> float:
    return fmean(
        count_tokens(json.dumps(each, ensure_ascii=False, separators=(",", ":"))) for each in figures
    )


@pytest.mark.parametrize("choice", [WEB_APP_FIGURES, ALL_FIGURES], ids=["web app", "all"])
@pytest.mark.parametrize("kind", sorted(FIGURED_TYPES))
def test_a_figure_takes_no_more_tokens_than_before(kind: QuestionType, choice: FigureChoice) -> None:
    former = [
        line["f"] for line in map(json.loads, FORMER.read_text("utf-8").splitlines()) if line["type"] == kind
    ]
    written = []
    for seed in range(8):
        for track in Track:
            plan = plan_exam(track, batch_size=10, seed=seed, figures=choice)
            slots = [slot for slot in plan.slots if slot.question_type is kind]
            asked = [read_asked(build_prompt(track=track, slots=[slot], passages={}).user) for slot in slots]
            written += [question["f"] for each in asked for question in write_questions(each, seed=str(seed))]
    print(f"{kind}: {mean_tokens(former):.1f} tokens before, {mean_tokens(written):.1f} now")
    assert mean_tokens(written) <= mean_tokens(former)
