"""The catalogue as the table of `docs/figures.md`: what a writer gives, and what can be asked for."""

from __future__ import annotations

import re
from random import Random

from generation.figures.catalogue import PATTERNS, parse
from generation.figures.pattern import Pattern
from tools.figures.samples import SAMPLES, sample

_HEAD = "| pattern | Arabic | points | parameters | can be asked for as well |\n|---|---|---|---|---|\n"
_SEEDS = 40
_NUMBER = re.compile(r"\d+")


def catalogue_table() -> str:
    """One row for each pattern, in the order of the catalogue."""
    return _HEAD + "".join(_row(name, pattern) for name, pattern in PATTERNS.items())


def _row(name: str, pattern: type[Pattern]) -> str:
    fields = [field for field in pattern.model_fields if field not in Pattern.model_fields]
    quantities = [quantity for quantity in _quantities(name) if quantity not in fields]
    derived = dict.fromkeys(_NUMBER.sub("n", quantity) for quantity in quantities)
    points = " ".join(pattern.corners)
    return f"| `{name}` | {pattern.title} | {points} | {', '.join(fields)} | {', '.join(derived)} |\n"


def _quantities(name: str) -> list[str]:
    """Every quantity that some figure of the pattern has; of a chart's, `n` stands for the number of a bar."""
    if name not in SAMPLES:
        return []
    figures = [parse(sample(name, Random(seed))) for seed in range(_SEEDS)]
    return list(dict.fromkeys(quantity for figure in figures for quantity in figure.known))
