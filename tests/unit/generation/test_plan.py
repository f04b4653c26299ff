"""A plan tiles its session exactly, keeps every quota, and is the same for the same seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.apportion import apportion_by_weight
from generation.catalogue import load_catalogue
from generation.errors import PlanError
from generation.model import (
    QUANTITATIVE_TOPICS,
    Batch,
    Difficulty,
    Plan,
    PracticeChoice,
    QuestionType,
    Section,
    SessionKind,
    Slot,
    Topic,
    Track,
)
from generation.plan import batch_at, plan_exam, plan_practice, prefetch_position, prefetch_target

SIZES: Final = {
    Track.SCIENTIFIC: [10, 10, 10, 10, 10, 7, 10, 10, 10, 9],
    Track.LITERARY: [10, 10, 9, 10, 10, 10, 10, 10, 10, 7],
}
MIXES: Final = {10: (3, 5, 2), 9: (3, 4, 2), 7: (2, 4, 1), 5: (1, 3, 1)}
VERBAL_TOPICS: Final = tuple(topic for topic in Topic if topic.section is Section.VERBAL)

TRACKS = st.sampled_from(Track)
SEEDS = st.integers(0, 2**63 - 1)
PRACTICES = st.sampled_from(Section).flatmap(
    lambda section: st.builds(
        PracticeChoice,
        section=st.just(section),
        topics=st.lists(
            st.sampled_from([topic for topic in Topic if topic.section is section]), min_size=1, unique=True
        ).map(tuple),
        difficulty=st.sampled_from(Difficulty),
        question_count=st.integers(1, 48),
    )
)


def mix_of(slots: tuple[Slot, ...]) -> tuple[int, int, int]:
    levels = Counter(slot.difficulty for slot in slots)
    return levels[Difficulty.EASY], levels[Difficulty.MEDIUM], levels[Difficulty.HARD]


def topics_of(slots: tuple[Slot, ...], section: Section) -> Counter[Topic]:
    return Counter(slot.topic for slot in slots if slot.section is section)


def assert_tiled(plan: Plan) -> None:
    """Batches follow each other without a gap, are pure, and every slot says where it is."""
    assert [batch.index for batch in plan.batches] == list(range(len(plan.batches)))
    assert [slot.position for slot in plan.slots] == list(range(plan.total_questions))
    assert plan.batches[0].start == 0
    assert plan.batches[-1].stop == plan.total_questions
    for before, after in pairwise(plan.batches):
        assert before.stop == after.start
    for batch in plan.batches:
        for sequence, slot in enumerate(plan.slots_of(batch), start=1):
            assert (slot.batch_index, slot.sequence) == (batch.index, sequence)
            assert slot.section is batch.section is slot.topic.section


def assert_groups_whole(plan: Plan, *, smallest: int) -> None:
    """Reading slots, and only those, come in consecutive groups inside one batch, one angle a group."""
    assert all(
        (slot.question_type is QuestionType.READING) == (slot.passage_group is not None)
        for slot in plan.slots
    )
    runs = [
        (group, list(slots))
        for group, slots in groupby(plan.slots, key=lambda slot: slot.passage_group)
        if group is not None
    ]
    assert len({group for group, _ in runs}) == len(runs)
    for _, slots in runs:
        assert smallest <= len(slots) <= 5
        assert len({slot.batch_index for slot in slots}) == 1
        assert len({slot.angle for slot in slots}) == 1


def assert_keys_balanced(slots: tuple[Slot, ...]) -> None:
    """Every key place equally often, give or take one, in every batch prefix; none where order is fixed."""
    assert all((slot.key_index is None) == (slot.question_type is QuestionType.COMPARISON) for slot in slots)
    places = Counter(slot.key_index for slot in slots if slot.key_index is not None)
    assert set(places) <= {0, 1, 2, 3}
    assert max(places[place] for place in range(4)) - min(places[place] for place in range(4)) <= 1


@pytest.mark.parametrize("track", Track)
def test_an_exam_has_the_batches_the_web_app_expects_d6(track: Track) -> None:
    """Quantitative first on both tracks, section-pure, remainders last in their section."""
    plan = plan_exam(track, batch_size=10, seed=1)
    assert [batch.size for batch in plan.batches] == SIZES[track]
    quantitative = {Track.SCIENTIFIC: 57, Track.LITERARY: 29}[track]
    assert sum(slot.section is Section.QUANTITATIVE for slot in plan.slots) == quantitative
    assert plan.total_questions == 96
    assert (plan.kind, plan.track, plan.seed, plan.practice) == (SessionKind.EXAM, track, 1, None)
    assert plan.version == load_catalogue().version


@given(TRACKS, SEEDS)
def test_every_batch_of_an_exam_has_its_difficulty_mix_and_so_has_the_exam_d19(
    track: Track, seed: int
) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed)
    for batch in plan.batches:
        assert mix_of(plan.slots_of(batch)) == MIXES[batch.size]
    assert mix_of(plan.slots) == (29, 48, 19)


@pytest.mark.parametrize("track", Track)
@pytest.mark.parametrize("size", [size for size in range(1, 21) if size not in MIXES])
def test_with_batches_of_other_sizes_the_mix_of_the_exam_is_still_exact(track: Track, size: int) -> None:
    plan = plan_exam(track, batch_size=size, seed=1)
    fixed = any(batch.size in MIXES for batch in plan.batches)
    assert fixed or mix_of(plan.slots) == (29, 48, 19)
    assert all(abs(mix - wanted) <= 1 for mix, wanted in zip(mix_of(plan.slots), (29, 48, 19), strict=True))
    for batch in plan.batches:
        if batch.size in MIXES:
            assert mix_of(plan.slots_of(batch)) == MIXES[batch.size]


def test_with_batches_of_five_the_mix_of_a_batch_wins_over_the_mix_of_the_exam() -> None:
    plan = plan_exam(Track.SCIENTIFIC, batch_size=5, seed=1)
    assert {mix_of(plan.slots_of(batch)) for batch in plan.batches if batch.size == 5} == {(1, 3, 1)}


@given(TRACKS, SEEDS)
def test_topics_of_an_exam_have_exactly_their_shares(track: Track, seed: int) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed)
    catalogue = load_catalogue()
    for section in Section:
        weights = {topic: data.weight for topic, data in catalogue.topics_of(section).items()}
        total = catalogue.exam[track][section]
        assert topics_of(plan.slots, section) == Counter(apportion_by_weight(weights, total))


@given(TRACKS, SEEDS)
def test_question_types_of_an_exam_have_exactly_their_shares(track: Track, seed: int) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed)
    for topic, data in load_catalogue().topics.items():
        types = Counter(slot.question_type for slot in plan.slots if slot.topic is topic)
        assert types == Counter(apportion_by_weight(data.types, types.total()))


@given(TRACKS, st.integers(1, 20), SEEDS)
def test_an_exam_of_any_batch_size_is_tiled_balanced_and_keeps_passages_whole(
    track: Track, size: int, seed: int
) -> None:
    plan = plan_exam(track, batch_size=size, seed=seed)
    assert_tiled(plan)
    assert_groups_whole(plan, smallest=3)
    assert_keys_balanced(plan.slots)
    assert plan.total_questions == 96
    assert all(batch.size <= size for batch in plan.batches)
    for section in Section:
        sizes = [batch.size for batch in plan.batches if batch.section is section]
        assert all(batch_size == size for batch_size in sizes[:-1])


@given(TRACKS, st.integers(6, 20), SEEDS)
def test_reading_keeps_its_share_where_batches_can_hold_passages(track: Track, size: int, seed: int) -> None:
    plan = plan_exam(track, batch_size=size, seed=seed)
    wanted = Fraction(40, 100) * load_catalogue().exam[track][Section.VERBAL]
    found = topics_of(plan.slots, Section.VERBAL)[Topic.READING_COMPREHENSION]
    assert abs(found - wanted) <= 2


@pytest.mark.parametrize("size", [1, 2])
def test_batches_too_small_for_a_passage_hold_other_questions(size: int) -> None:
    plan = plan_exam(Track.LITERARY, batch_size=size, seed=1)
    assert all(slot.passage_group is None for slot in plan.slots)


@given(TRACKS, SEEDS)
def test_keys_are_spread_inside_a_batch_too(track: Track, seed: int) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed)
    for batch in plan.batches:
        places = Counter(slot.key_index for slot in plan.slots_of(batch) if slot.key_index is not None)
        assert max(places.values()) <= -(-places.total() // 4) + 1


def test_the_place_of_a_key_follows_no_fixed_order() -> None:
    keys = {
        tuple(slot.key_index for slot in plan_exam(Track.LITERARY, batch_size=10, seed=seed).slots)
        for seed in range(20)
    }
    assert len(keys) == 20


def test_four_questions_in_a_row_need_not_have_four_different_keys() -> None:
    """Otherwise the first three would give the fourth away."""
    plans = [plan_exam(Track.LITERARY, batch_size=10, seed=seed) for seed in range(10)]
    firsts = [
        [slot.key_index for slot in plan.slots_of(batch) if slot.key_index is not None][:4]
        for plan in plans
        for batch in plan.batches
    ]
    assert any(len(set(keys)) < 4 for keys in firsts)


@given(TRACKS, SEEDS)
def test_neighbours_differ_in_topic_and_angle(track: Track, seed: int) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed)
    angles = [
        (slot.section, slot.angle)
        for _, slots in groupby(
            plan.slots,
            key=lambda slot: (slot.passage_group, slot.position if slot.passage_group is None else None),
        )
        for slot in [next(slots)]
    ]
    assert len(set(angles)) == len(angles)
    for batch in plan.batches:
        assert len({slot.topic for slot in plan.slots_of(batch)}) >= 4
        singles = [slot for slot in plan.slots_of(batch) if slot.passage_group is None]
        alike = sum(before.topic is after.topic for before, after in pairwise(singles))
        assert alike <= 1


@given(TRACKS, SEEDS)
def test_analogies_of_an_exam_use_every_relation_once_before_any_again_d13(track: Track, seed: int) -> None:
    relations = [
        s.subtopic for s in plan_exam(track, batch_size=10, seed=seed).slots if s.topic is Topic.ANALOGY
    ]
    assert len(relations) == len(set(relations))
    names = load_catalogue().topics[Topic.ANALOGY].subtopics[0].names
    assert set(relations) <= set(names)
    assert len(set(names)) == 22


def test_tracks_differ_in_depth_d13() -> None:
    """The literary exam never asks for subtopics that only the scientific one has, and the other way round."""
    asked = {
        track: {
            (slot.topic, slot.subtopic)
            for seed in range(10)
            for slot in plan_exam(track, batch_size=10, seed=seed).slots
        }
        for track in Track
    }
    for topic, data in load_catalogue().topics.items():
        for pool in data.subtopics:
            for track in set(Track) - set(pool.tracks):
                assert not {(topic, name) for name in pool.names} & asked[track]
    assert asked[Track.SCIENTIFIC] != asked[Track.LITERARY]


def test_about_a_third_of_the_drawn_figures_overlap() -> None:
    figures = [
        slot.subtopic
        for seed in range(20)
        for slot in plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed).slots
        if slot.question_type is QuestionType.DIAGRAM
    ]
    share = sum(name.startswith("شكل متداخل") for name in figures) / len(figures)
    assert 0.2 <= share <= 0.4


def test_every_slot_says_what_to_ask_d12() -> None:
    for slot in plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).slots:
        assert slot.subtopic
        assert slot.angle
        assert Slot.from_json(json.loads(json.dumps(slot.to_json()))) == slot


@given(TRACKS, st.integers(1, 20), SEEDS)
def test_the_same_seed_gives_the_same_plan(track: Track, size: int, seed: int) -> None:
    assert plan_exam(track, batch_size=size, seed=seed) == plan_exam(track, batch_size=size, seed=seed)


def test_the_same_seed_gives_the_same_plan_in_another_process() -> None:
    """Nothing may depend on the order of a set: hashes of texts differ from process to process."""
    program = (
        "import json\n"
        "from generation.model import *\n"
        "from generation.plan import plan_exam\n"
        "print(json.dumps([slot.to_json() for slot in plan_exam(Track.LITERARY, batch_size=10, seed=9).slots]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    here = [slot.to_json() for slot in plan_exam(Track.LITERARY, batch_size=10, seed=9).slots]
    assert [json.loads(output) for output in outputs] == [here]


@given(PRACTICES, TRACKS, st.integers(1, 20), SEEDS)
def test_any_practice_is_tiled_balanced_and_has_the_chosen_difficulty(
    choice: PracticeChoice, track: Track, size: int, seed: int
) -> None:
    plan = plan_practice(choice, track=track, batch_size=size, seed=seed)
    assert_tiled(plan)
    assert_groups_whole(plan, smallest=1)
    assert_keys_balanced(plan.slots)
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
def test_a_choice_that_cannot_be_practised_is_refused(
    section: Section, topics: tuple[Topic, ...], count: int
) -> None:
    with pytest.raises(PlanError) as refused:
        plan_practice(
            PracticeChoice(section, topics, Difficulty.EASY, count),
            track=Track.LITERARY,
            batch_size=5,
            seed=1,
        )
    assert refused.value.code == "invalid_plan"


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(PlanError):
        plan_exam(Track.LITERARY, batch_size=0, seed=1)


def test_every_topic_belongs_to_a_section() -> None:
    assert set(VERBAL_TOPICS) | QUANTITATIVE_TOPICS == set(Topic)


@given(TRACKS, st.integers(1, 20))
def test_every_position_has_its_batch(track: Track, size: int) -> None:
    plan = plan_exam(track, batch_size=size, seed=1)
    for slot in plan.slots:
        assert batch_at(plan.batches, slot.position).index == slot.batch_index


@pytest.mark.parametrize("position", [-1, 96])
def test_a_position_outside_the_session_has_no_batch(position: int) -> None:
    plan = plan_exam(Track.LITERARY, batch_size=10, seed=1)
    with pytest.raises(PlanError):
        batch_at(plan.batches, position)


@pytest.mark.parametrize(("size", "within"), [(10, 7), (9, 6), (7, 4), (5, 3), (2, 1), (1, 0)])
def test_the_next_batch_is_due_at_seven_tenths_of_this_one_whatever_its_size(size: int, within: int) -> None:
    batch = Batch(index=3, section=Section.VERBAL, start=57, size=size)
    assert prefetch_position(batch, 0.7) == 57 + within


@given(st.integers(1, 20), st.integers(1, 1_000))
def test_the_due_position_is_exact_and_inside_the_batch(size: int, thousandths: int) -> None:
    batch = Batch(index=0, section=Section.VERBAL, start=10, size=size)
    wanted = min(thousandths * size // 1_000, size - 1)
    assert prefetch_position(batch, thousandths / 1_000) == 10 + wanted


@pytest.mark.parametrize("track", Track)
@given(size=st.integers(1, 20), threshold=st.sampled_from([0.1, 0.5, 0.7, 0.9, 1.0]))
def test_a_student_who_reads_on_is_always_ahead_of_the_next_batch_d4(
    track: Track, size: int, threshold: float
) -> None:
    """Every batch but the last asks for its follower before it ends: also the one of seven at question 57."""
    batches = plan_exam(track, batch_size=size, seed=1).batches
    for batch in batches[:-1]:
        due = prefetch_position(batch, threshold)
        targets = [
            prefetch_target(batches, position, threshold) for position in range(batch.start, batch.stop)
        ]
        assert targets == [None] * (due - batch.start) + [batch.index + 1] * (batch.stop - due)
        assert targets[-1] == batch.index + 1


def test_nothing_is_due_in_the_last_batch() -> None:
    batches = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).batches
    assert prefetch_target(batches, 95, 0.7) is None


def test_question_56_of_a_scientific_exam_is_past_the_threshold_d4() -> None:
    batches = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).batches
    assert [prefetch_target(batches, position, 0.7) for position in (53, 54, 56)] == [None, 6, 6]
