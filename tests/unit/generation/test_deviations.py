"""A slot that nobody writes is replaced by one that its page can still show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.batch_history import Deviation
from generation.catalogue import load_catalogue
from generation.deviations import deviate
from generation.figure_plan import ALL_FIGURES, WEB_APP_FIGURES, FigureChoice
from generation.model import FIGURED_TYPES, QuestionType, Section, Slot, Topic, Track
from generation.plan import plan_exam


def figured(choice: FigureChoice) -> Iterator[Slot]:
    for seed in range(10):
        slots = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed, figures=choice).slots
        yield from (slot for slot in slots if slot.question_type in FIGURED_TYPES)


@pytest.mark.parametrize("choice", [WEB_APP_FIGURES, ALL_FIGURES, FigureChoice.of(["circle", "bar-chart"])])
def test_a_figure_that_nobody_draws_is_replaced_by_a_question_without_one(choice: FigureChoice) -> None:
    for slot in figured(choice):
        [other] = deviate([slot], Track.SCIENTIFIC, seed=1, topics=tuple(Topic))
        assert (other.position, other.section, other.topic, other.difficulty) == (
            slot.position,
            slot.section,
            slot.topic,
            slot.difficulty,
        )
        assert other.deviation is Deviation.SUBTOPIC
        assert other.question_type not in FIGURED_TYPES
        assert (other.pattern, other.web_app_only) == (None, False)
        assert (other.key_index is None) == (other.question_type is QuestionType.COMPARISON)
        pools = load_catalogue().topics[slot.topic].subtopics
        assert any(other.subtopic in pool.names and other.question_type in pool.types for pool in pools)


def test_another_topic_never_brings_a_figure_that_the_page_may_not_draw() -> None:
    slots = plan_exam(Track.LITERARY, batch_size=10, seed=2).slots
    for seed in range(30):
        once = deviate(slots, Track.LITERARY, seed=seed, topics=tuple(Topic))
        for other in deviate(once, Track.LITERARY, seed=seed, topics=tuple(Topic)):
            assert other.deviation is Deviation.TOPIC
            assert other.question_type not in FIGURED_TYPES
            assert other.section is Section.VERBAL or other.pattern is None
