"""`evaluate`: how good the questions are that a model writes, and what our rules see of faults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands.evaluate_models import evaluate_models
from worker.commands.evaluate_rules import LABELLED_SET, evaluate_rules
from worker.commands.output import WRONG, AsJson, refuse


def evaluate(
    models: Annotated[
        str, typer.Option(help="Models to compare, separated by a comma.")
    ] = "claude-sonnet-5-5,claude-haiku-5-5",
    questions: Annotated[int, typer.Option(min=10, max=960, help="How many each model is to write.")] = 20,
    cap_usd: Annotated[
        float, typer.Option(min=0.05, max=50, help="What all writing may cost at most.")
    ] = 0.5,
    *,
    rules: Annotated[
        bool, typer.Option("--rules", help="Instead: what the rules see of labelled items. Needs no key.")
    ] = False,
    items: Annotated[
        Path, typer.Option(help="With --rules: a directory of labelled items, JSON Lines.")
    ] = LABELLED_SET,
    as_json: AsJson = False,
) -> None:
    """Let models write the same slots, and compare accept rate, answer check, length and price. Costs money with a key."""
    if rules:
        evaluate_rules(items, as_json=as_json)
        return
    named = [name for part in models.split(",") if (name := part.strip())]
    if not named:
        refuse("Name the models to compare: --models claude-sonnet-5-5,claude-haiku-5-5.", code=WRONG)
    evaluate_models(named, questions=questions, cap_usd=cap_usd, as_json=as_json)
