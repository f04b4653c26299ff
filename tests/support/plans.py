"""Plans of every kind for property tests, and what must hold of any of them."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise
from typing import Final

from hypothesis import strategies as st

from generation.model import (
    Difficulty,
    Plan,
    PracticeChoice,
    QuestionType,
    Section,
    Slot,
    Topic,
    Track,
)
from generation.slot_assignment import looks_random

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


def assert_keys_spread(slots: tuple[Slot, ...]) -> None:
    """Key places look random over the session; none where the order of the choices is fixed."""
    assert all((slot.key_index is None) == (slot.question_type is QuestionType.COMPARISON) for slot in slots)
    places = [slot.key_index for slot in slots if slot.key_index is not None]
    assert set(places) <= {0, 1, 2, 3}
    assert looks_random(places)
