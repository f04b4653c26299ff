"""The batch of a position, and when the next batch is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import PlanError
from generation.model import (
    Batch,
    Section,
    Track,
)
from generation.plan import batch_at, plan_exam, prefetch_position, prefetch_target
from tests.support.plans import (
    TRACKS,
)


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
    """In every batch but the last, the next becomes due before the batch ends: also in the one of seven at question 57."""
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
