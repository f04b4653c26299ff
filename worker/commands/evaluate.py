"""`evaluate`: how good the questions are, and what our rules see of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands.evaluate_rules import LABELLED_SET, evaluate_rules
from worker.commands.output import WRONG, AsJson, refuse


def evaluate(
    *,
    rules: Annotated[bool, typer.Option("--rules", help="What the rules see of labelled items.")] = False,
    items: Annotated[
        Path, typer.Option(help="Directory of labelled items, JSON Lines; by default the repository's own.")
    ] = LABELLED_SET,
    as_json: AsJson = False,
) -> None:
    """Measure the rules for questions on labelled items: caught, missed, false alarms. Needs no server."""
    if not rules:
        refuse("Say what to evaluate: --rules.", code=WRONG)
    evaluate_rules(items, as_json=as_json)
