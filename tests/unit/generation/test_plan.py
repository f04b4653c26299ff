"""A plan covers its session exactly, keeps every share, and is the same for the same seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.apportion import apportion_by_weight
from generation.catalogue import load_catalogue
from generation.errors import PlanError
from generation.figure_plan import ALL_FIGURES, WEB_APP_FIGURES, FigureChoice
from generation.figures.web_app import WEB_APP_SAFE
from generation.model import (
    FIGURED_TYPES,
    QUANTITATIVE_TOPICS,
    Difficulty,
    PracticeChoice,
    QuestionType,
    Section,
    SessionKind,
    Slot,
    Topic,
    Track,
)
from generation.plan import plan_exam, plan_practice
from generation.slot_assignment import draw_answers
from tests.support.plans import (
    MIXES,
    SEEDS,
    SIZES,
    TRACKS,
    VERBAL_TOPICS,
    assert_groups_whole,
    assert_keys_spread,
    assert_tiled,
    mix_of,
    topics_of,
)


@pytest.mark.parametrize("track", Track)
def test_an_exam_has_the_batches_the_web_app_expects_d6(track: Track) -> None:
    """Quantitative first on both tracks, one section per batch, smaller batches last in their section."""
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
        plain = {kind: number for kind, number in types.items() if kind not in FIGURED_TYPES}
        weights = {kind: weight for kind, weight in data.types.items() if kind not in FIGURED_TYPES}
        assert plain == {
            kind: number
            for kind, number in apportion_by_weight(weights, sum(plain.values())).items()
            if number
        }


CHOICES = st.sampled_from([WEB_APP_FIGURES, ALL_FIGURES])


@given(TRACKS, CHOICES, SEEDS)
def test_figures_are_fifteen_in_a_hundred_of_the_quantitative_questions(
    track: Track, choice: FigureChoice, seed: int
) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed, figures=choice)
    assert len(figured(plan.slots)) == {Track.SCIENTIFIC: 9, Track.LITERARY: 4}[track]


@given(TRACKS, CHOICES, st.sampled_from([0, 0.05, 0.15, 0.25]), SEEDS)
def test_the_share_of_figures_is_a_choice(
    track: Track, choice: FigureChoice, share: float, seed: int
) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed, figures=replace(choice, share=share))
    quantitative = sum(slot.section is Section.QUANTITATIVE for slot in plan.slots)
    assert abs(len(figured(plan.slots)) - share * quantitative) < 1


@given(TRACKS, st.sampled_from([["web-app"], ["all"], ["circle"], ["bar-chart", "cube", "square"]]), SEEDS)
def test_a_plan_asks_only_for_patterns_that_the_page_can_draw(
    track: Track, names: list[str], seed: int
) -> None:
    choice = FigureChoice.of(names)
    practice = PracticeChoice(Section.QUANTITATIVE, (Topic.GEOMETRY, Topic.STATISTICS), Difficulty.EASY, 40)
    for plan in (
        plan_exam(track, batch_size=10, seed=seed, figures=choice),
        plan_practice(practice, track=track, batch_size=5, seed=seed, figures=choice),
    ):
        for slot in plan.slots:
            assert (slot.pattern is not None) == (slot.question_type in FIGURED_TYPES)
            assert slot.pattern is None or slot.pattern in choice.patterns
            assert slot.web_app_only == (names == ["web-app"] and slot.pattern is not None)


def test_without_a_word_a_plan_is_for_pages_that_cannot_show_our_drawings() -> None:
    for slot in figured(plan_exam(Track.SCIENTIFIC, batch_size=10, seed=3).slots):
        assert slot.pattern in WEB_APP_SAFE
        assert slot.web_app_only


@pytest.mark.parametrize("topics", [[Topic.GEOMETRY], [Topic.STATISTICS], [Topic.GEOMETRY, Topic.ALGEBRA]])
@pytest.mark.parametrize("choice", [WEB_APP_FIGURES, ALL_FIGURES, FigureChoice.of(["circle"])])
def test_a_topic_of_which_the_page_can_draw_nothing_has_other_questions(
    topics: list[Topic], choice: FigureChoice
) -> None:
    practice = PracticeChoice(Section.QUANTITATIVE, tuple(topics), Difficulty.EASY, 20)
    plan = plan_practice(practice, track=Track.LITERARY, batch_size=5, seed=1, figures=choice)
    drawn = {slot.topic for slot in figured(plan.slots)}
    drawable = {Topic.GEOMETRY} if choice.patterns == {"circle"} else {Topic.GEOMETRY, Topic.STATISTICS}
    assert drawn == drawable & set(topics)


@pytest.mark.parametrize("choice", [WEB_APP_FIGURES, ALL_FIGURES], ids=["web app", "all"])
def test_the_figures_of_exams_are_spread_over_all_patterns(choice: FigureChoice) -> None:
    uses: Counter[str | None] = Counter()
    for seed in range(120):
        for track in Track:
            slots = figured(plan_exam(track, batch_size=10, seed=seed, figures=choice).slots)
            uses.update(slot.pattern for slot in slots)
            often = Counter(slot.pattern for slot in slots).most_common(1)[0][1]
            assert often <= 3, "one exam, one pattern again and again"
    assert set(uses) == choice.patterns


@pytest.mark.parametrize("names", [["cirlce"], ["web-app", "circle"], ["all", "cube"], ["ALL"]])
def test_a_pattern_that_does_not_exist_is_named(names: list[str]) -> None:
    with pytest.raises(PlanError, match=min(set(names) - {"circle", "cube"})):
        FigureChoice.of(names)


def figured(slots: Sequence[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.question_type in FIGURED_TYPES]


@given(TRACKS, st.integers(1, 20), SEEDS)
def test_an_exam_of_any_batch_size_is_tiled_balanced_and_keeps_passages_whole(
    track: Track, size: int, seed: int
) -> None:
    plan = plan_exam(track, batch_size=size, seed=seed)
    assert_tiled(plan)
    assert_groups_whole(plan, smallest=3)
    assert_keys_spread(plan.slots)
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


def test_the_place_of_a_key_follows_no_fixed_order() -> None:
    keys = {
        tuple(slot.key_index for slot in plan_exam(Track.LITERARY, batch_size=10, seed=seed).slots)
        for seed in range(20)
    }
    assert len(keys) == 20


def test_four_questions_in_a_row_need_not_have_four_different_keys() -> None:
    """Otherwise the first three would reveal the fourth."""
    plans = [plan_exam(Track.LITERARY, batch_size=10, seed=seed) for seed in range(10)]
    firsts = [
        [slot.key_index for slot in plan.slots_of(batch) if slot.key_index is not None][:4]
        for plan in plans
        for batch in plan.batches
    ]
    assert any(len(set(keys)) < 4 for keys in firsts)


@given(TRACKS, SEEDS)
def test_the_answers_of_comparisons_are_spread_over_the_exam(track: Track, seed: int) -> None:
    slots = plan_exam(track, batch_size=10, seed=seed).slots
    assert all((slot.wanted_answer is None) == (slot.key_index is not None) for slot in slots)
    answers = [slot.wanted_answer for slot in slots if slot.wanted_answer is not None]
    counts = [answers.count(answer) for answer in range(4)]
    assert max(counts) <= (6 if track is Track.SCIENTIFIC else 4)
    assert min(counts) >= (1 if track is Track.SCIENTIFIC else 0)
    assert [Slot.from_json(slot.to_json()) for slot in slots] == list(slots)


@pytest.mark.parametrize("number", [3, 7, 14, 25])
def test_who_knows_the_other_answers_hardly_guesses_the_last_one(number: int) -> None:
    rng = Random(11)
    drawn = [draw_answers(number, rng) for _ in range(4_000)]
    right = sum(answers[-1] == min(range(4), key=answers[:-1].count) for answers in drawn)
    assert right / len(drawn) <= 0.31


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
        for slot in plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed, figures=ALL_FIGURES).slots
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


def test_a_batch_size_of_zero_is_rejected() -> None:
    with pytest.raises(PlanError):
        plan_exam(Track.LITERARY, batch_size=0, seed=1)


def test_every_topic_belongs_to_a_section() -> None:
    assert set(VERBAL_TOPICS) | QUANTITATIVE_TOPICS == set(Topic)
