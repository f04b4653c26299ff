"""Which questions of a session have a figure, and of which pattern.

A page that shows figures with the web app's own renderers can draw few patterns; one that shows our SVG draws all.
So a plan asks only for patterns that the page can draw; of those that fit a subtopic, for the one used least so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Final, Self

from generation.apportion import apportion_by_weight
from generation.catalogue import Catalogue, TopicData
from generation.errors import PlanError
from generation.figures.catalogue import PATTERNS
from generation.figures.web_app import WEB_APP_SAFE
from generation.model import FIGURED_TYPES, QuestionType, Section, Topic, Track

#: Of the quantitative questions of an exam.
DEFAULT_SHARE: Final = 0.15

ALL_PATTERNS: Final = "all"
WEB_APP_PATTERNS: Final = "web-app"

#: Shares are compared as whole numbers of this part.
_PARTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class FigureChoice:
    """What the page that shows a session's questions can draw, and how many figures it gets."""

    patterns: frozenset[str]
    web_app_only: bool = False  #: only figures that the web app's own renderers draw rightly
    share: float = DEFAULT_SHARE  #: of the quantitative questions of an exam that have a diagram or a chart

    @classmethod
    def of(cls, names: Iterable[str], share: float = DEFAULT_SHARE) -> Self:
        """`names`: patterns, or the one word "all" or "web-app". Raises PlanError for none, or a name that is neither."""
        wanted = frozenset(names)
        if not wanted:
            raise PlanError(
                f"Name figure patterns of docs/figures.md, or {WEB_APP_PATTERNS} or {ALL_PATTERNS}."
            )
        if wanted == {WEB_APP_PATTERNS}:
            return cls(frozenset(WEB_APP_SAFE), web_app_only=True, share=share)
        if wanted == {ALL_PATTERNS}:
            return cls(frozenset(PATTERNS), share=share)
        if unknown := sorted(wanted - PATTERNS.keys()):
            raise PlanError(
                f"There is no figure pattern {', '.join(unknown)}; docs/figures.md lists them all, "
                f"and {WEB_APP_PATTERNS} or {ALL_PATTERNS} stands alone."
            )
        return cls(wanted, share=share)


#: What the pages of the web app draw without a line of ours.
WEB_APP_FIGURES: Final = FigureChoice(frozenset(WEB_APP_SAFE), web_app_only=True)
ALL_FIGURES: Final = FigureChoice(frozenset(PATTERNS))


class PatternAssignment:
    """Assigns the patterns of a session's figures: of those that fit a subtopic, the one used least."""

    def __init__(self, catalogue: Catalogue, choice: FigureChoice, rng: Random) -> None:
        self.web_app_only = choice.web_app_only
        self._fitting = {
            subtopic: [name for name in names if name in choice.patterns]
            for subtopic, names in catalogue.patterns.items()
        }
        self._used: Counter[str] = Counter()
        self._rng = rng

    def serves(self, subtopic: str) -> bool:
        """Whether a question of this subtopic can be planned: it needs no figure, or one that can be drawn."""
        return self._fitting.get(subtopic) != []

    def assign(self, subtopic: str) -> str:
        fitting = self._fitting[subtopic]
        fewest = min(self._used[name] for name in fitting)
        pattern = self._rng.choice([name for name in fitting if self._used[name] == fewest])
        self._used[pattern] += 1
        return pattern


def types_of(
    catalogue: Catalogue, track: Track, totals: Mapping[Topic, int], choice: FigureChoice
) -> dict[Topic, dict[QuestionType, int]]:
    """How many questions of each type every topic gets; `totals`: its questions in the session.

    Figures get the chosen share, divided among the topics as the data divides them. A topic's other types keep their
    proportions. A topic of which the page can draw no figure has none.
    """
    drawable = PatternAssignment(catalogue, choice, Random(0))  # noqa: S311 - only asked what can be drawn
    parts = {
        topic: part
        for topic, data in catalogue.topics.items()
        if (part := _figure_part(data, track, drawable)) > 0
    }
    figures = _figures_of(catalogue, parts, totals, choice.share)
    return {
        topic: _divided(catalogue.topics[topic], total, figures.get(topic, 0))
        for topic, total in totals.items()
    }


def _figure_part(data: TopicData, track: Track, drawable: PatternAssignment) -> Fraction:
    """The part of the topic's questions to which the data gives a figure, if any can be drawn."""
    pools = [pool for pool in data.subtopics if track in pool.tracks]
    weights = [
        weight
        for kind, weight in data.types.items()
        if kind in FIGURED_TYPES
        and any(kind in pool.types and any(map(drawable.serves, pool.names)) for pool in pools)
    ]
    return Fraction(sum(weights), sum(data.types.values()))


def _figures_of(
    catalogue: Catalogue, parts: Mapping[Topic, Fraction], totals: Mapping[Topic, int], share: float
) -> dict[Topic, int]:
    """The figures of each topic: its part, scaled so that the parts of a whole exam add up to the share."""
    quantitative = catalogue.topics_of(Section.QUANTITATIVE)
    whole = sum(data.weight for data in quantitative.values())
    of_data = sum(part * catalogue.topics[topic].weight for topic, part in parts.items()) / whole
    needs = {topic: parts[topic] * total for topic, total in totals.items() if topic in parts}
    if not of_data or not any(needs.values()):
        return {}
    wanted = round(sum(needs.values()) * Fraction(str(share)) / of_data)
    weights = {topic: int(need * _PARTS) for topic, need in needs.items()}
    return {
        topic: min(number, totals[topic]) for topic, number in apportion_by_weight(weights, wanted).items()
    }


def _divided(data: TopicData, total: int, figures: int) -> dict[QuestionType, int]:
    figured = {kind: weight for kind, weight in data.types.items() if kind in FIGURED_TYPES}
    others = {kind: weight for kind, weight in data.types.items() if kind not in FIGURED_TYPES}
    if not others:
        figures = total
    counts = apportion_by_weight(others, total - figures) if others else {}
    return counts | (apportion_by_weight(figured, figures) if figured else {})
