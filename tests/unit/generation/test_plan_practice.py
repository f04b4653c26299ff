"""A practice session has what its student chose, covered and balanced like an exam."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import PlanError
from generation.model import (
    Difficulty,
    PracticeChoice,
    QuestionType,
    Section,
    SessionKind,
    Topic,
    Track,
)
from generation.plan import plan_practice
from tests.support.plans import (
    PRACTICES,
    SEEDS,
    TRACKS,
    assert_groups_whole,
    assert_keys_spread,
    assert_tiled,
    topics_of,
)


@given(PRACTICES, TRACKS, st.integers(1, 20), SEEDS)
def test_any_practice_is_tiled_spread_and_has_the_chosen_difficulty(
    choice: PracticeChoice, track: Track, size: int, seed: int
) -> None:
    plan = plan_practice(choice, track=track, batch_size=size, seed=seed)
    assert_tiled(plan)
    assert_groups_whole(plan, smallest=1)
    assert_keys_spread(plan.slots)
    assert plan.total_questions == choice.question_count
    assert {slot.difficulty for slot in plan.slots} == {choice.difficulty}
    assert {slot.topic for slot in plan.slots} <= set(choice.topics)
    assert (plan.kind, plan.practice) == (SessionKind.PRACTICE, choice)


@given(PRACTICES, SEEDS)
def test_topics_of_a_practice_are_spread_evenly(choice: PracticeChoice, seed: int) -> None:
    plan = plan_practice(choice, track=Track.LITERARY, batch_size=5, seed=seed)
    found = topics_of(plan.slots, choice.section)
    numbers = [found[topic] for topic in choice.topics if topic is not Topic.READING_COMPREHENSION]
    if choice.section is Section.QUANTITATIVE:
        assert max(numbers) - min(numbers) <= 1
    elif Topic.READING_COMPREHENSION in choice.topics:
        fair = Fraction(choice.question_count, len(choice.topics))
        assert abs(found[Topic.READING_COMPREHENSION] - fair) < 3
    if numbers:
        assert max(numbers) - min(numbers) <= 2


def test_practice_comes_in_batches_of_the_asked_size() -> None:
    choice = PracticeChoice(Section.QUANTITATIVE, (Topic.ALGEBRA,), Difficulty.EASY, 12)
    plan = plan_practice(choice, track=Track.SCIENTIFIC, batch_size=5, seed=1)
    assert [batch.size for batch in plan.batches] == [5, 5, 2]


@pytest.mark.parametrize("count", range(1, 13))
def test_a_practice_of_reading_alone_has_a_smaller_passage_group_at_its_end(count: int) -> None:
    choice = PracticeChoice(Section.VERBAL, (Topic.READING_COMPREHENSION,), Difficulty.HARD, count)
    plan = plan_practice(choice, track=Track.LITERARY, batch_size=5, seed=1)
    sizes = [len(list(slots)) for _, slots in groupby(plan.slots, key=lambda slot: slot.passage_group)]
    assert sizes == [5] * (count // 5) + [count % 5] * bool(count % 5)


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (Topic.READING_COMPREHENSION, QuestionType.READING),
        (Topic.SENTENCE_COMPLETION, QuestionType.COMPLETION),
        (Topic.CONTEXT_ERROR, QuestionType.ERROR),
        (Topic.ANALOGY, QuestionType.ANALOGY),
        (Topic.ASSOCIATION_DIFFERENCE, QuestionType.ODD_WORD),
        (Topic.VOCABULARY, QuestionType.MCQ),
    ],
)
def test_every_verbal_category_of_the_web_app_gets_its_own_type_d17(topic: Topic, kind: QuestionType) -> None:
    choice = PracticeChoice(Section.VERBAL, (topic,), Difficulty.EASY, 5)
    plan = plan_practice(choice, track=Track.SCIENTIFIC, batch_size=5, seed=1)
    assert {(slot.topic, slot.question_type) for slot in plan.slots} == {(topic, kind)}


@pytest.mark.parametrize(
    ("section", "topics", "count"),
    [
        (Section.VERBAL, (), 5),
        (Section.VERBAL, (Topic.ALGEBRA,), 5),
        (Section.VERBAL, (Topic.ANALOGY, Topic.ANALOGY), 5),
        (Section.VERBAL, (Topic.ANALOGY,), 0),
        (Section.VERBAL, (Topic.ANALOGY,), 10_000),
    ],
)
def test_a_choice_that_cannot_be_practised_is_rejected(
    section: Section, topics: tuple[Topic, ...], count: int
) -> None:
    with pytest.raises(PlanError) as rejected:
        plan_practice(
            PracticeChoice(section, topics, Difficulty.EASY, count),
            track=Track.LITERARY,
            batch_size=5,
            seed=1,
        )
    assert rejected.value.code == "invalid_plan"
