"""Which templates there are for a topic and a question type, which of them knows a subtopic, and how hard each is.

Difficulty is the prompt's: one relation is easy, two that follow from each other are medium, three are hard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from importlib import import_module

from tools.simulator.asked import Wanted
from tools.simulator.content.draft import Template
from tools.simulator.content.scene import LEVELS

_BY_KIND: dict[tuple[str, str], list[Template]] = defaultdict(list)
_BY_SUBTOPIC: dict[tuple[str, str], list[Template]] = defaultdict(list)
_BY_PATTERN: dict[str, list[Template]] = defaultdict(list)
_LEVEL: dict[Template, int] = {}
MODULES = (
    "algebra",
    "ratio",
    "percentages",
    "speed",
    "geometry",
    "diagrams",
    "angles",
    "composites",
    "statistics",
    "charts",
    "probability",
)


def template(
    topic: str, kind: str, *subtopics: str, difficulty: str = "medium"
) -> Callable[[Template], Template]:
    """Register a template under a topic and a question type, and for the subtopics that it fits."""

    def register(function: Template) -> Template:
        _LEVEL[function] = LEVELS[difficulty]
        _BY_KIND[topic, kind].append(function)
        for subtopic in subtopics:
            _BY_SUBTOPIC[kind, subtopic].append(function)
        return function

    return register


def figure(kind: str, pattern: str, *, difficulty: str = "medium") -> Callable[[Template], Template]:
    """Register a template of "diagram" or "chart" questions under the figure pattern that it writes."""

    def register(function: Template) -> Template:
        _LEVEL[function] = LEVELS[difficulty]
        _BY_PATTERN[pattern].append(function)
        _BY_KIND["geometry" if kind == "diagram" else "statistics", kind].append(function)
        return function

    return register


@cache
def _register_all() -> None:
    for module in MODULES:
        import_module(f"tools.simulator.content.{module}")


def templates_for(wanted: Wanted) -> list[Template]:
    """The most fitting ones: by pattern or subtopic, by topic and type, then by type alone. Never empty.

    Of these the ones that are nearest to the wanted difficulty.
    """
    _register_all()
    fitting = _fitting(wanted)
    if wanted.difficulty not in LEVELS:
        return fitting
    off = {one: abs(_LEVEL[one] - LEVELS[wanted.difficulty]) for one in fitting}
    return [one for one in fitting if off[one] == min(off.values())]


def _fitting(wanted: Wanted) -> list[Template]:
    return (
        _BY_PATTERN.get(wanted.pattern)
        or _BY_SUBTOPIC.get((wanted.type, wanted.subtopic))
        or _BY_KIND.get((wanted.topic, wanted.type))
        or [each for (_, kind), found in _BY_KIND.items() if kind == wanted.type for each in found]
        or _BY_KIND["algebra", "mcq"]
    )
