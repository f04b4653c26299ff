from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import PlanError
from generation.model import Batch, Section, Track, Urgency
from generation.pace import PAGING_S, PAUSE_S, RECENT, Due, GenerationTimes, ReadingProgress, next_due
from generation.plan import plan_exam, prefetch_target

EXAM = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).batches
TIMES = GenerationTimes(one_lane_s=32, lanes_s=5)

positions = st.integers(0, 95)
paces = st.floats(PAGING_S, PAUSE_S)
times = st.builds(GenerationTimes, one_lane_s=st.floats(5, 120), lanes_s=st.floats(1, 30))


def due(
    position: int,
    pace_s: float | None,
    *,
    generated: int | None = None,
    times: GenerationTimes = TIMES,
    threshold: float = 0.7,
    batches: tuple[Batch, ...] = EXAM,
) -> Due | None:
    generated = position // 10 + 1 if generated is None else generated
    return next_due(batches, position, threshold=threshold, generated=generated, pace_s=pace_s, times=times)


def walked(*seconds: float) -> ReadingProgress:
    walk = ReadingProgress().moved_to(0, None)
    for position, after_s in enumerate(seconds, 1):
        walk = walk.moved_to(position, after_s)
    return walk


def test_a_pace_is_known_after_a_few_questions() -> None:
    assert [walked(*[20.0] * steps).pace_s for steps in range(5)] == [None, None, None, 20, 20]


def test_one_long_look_does_not_make_a_student_slow() -> None:
    assert walked(10, 12, 170, 11).pace_s == 11.5


def test_a_pause_is_no_sample_of_the_pace_and_removes_none() -> None:
    assert walked(10, 12, 11, 4000).recent_s == (10, 12, 11)
    assert walked(10, 12, 11, 4000).moved_to(5, 13).recent_s == (10, 12, 11, 13)


def test_paging_through_is_no_sample_of_the_pace() -> None:
    assert walked(*[0.01] * 9).pace_s is None


def test_looking_back_counts_for_the_question_it_was_taken_from() -> None:
    walk = walked(10, 10, 10)
    assert walk.moved_to(1, 5) is walk
    assert walk.moved_to(4, 30).recent_s == (10, 10, 10, 30)


def test_a_jump_counts_its_questions_in_equal_shares() -> None:
    assert walked(10).moved_to(4, 60).recent_s == (10, 20)


@given(st.lists(st.tuples(positions, st.floats(0, 10_000)), max_size=40))
def test_the_pace_is_always_between_paging_and_a_pause(
    reports: list[tuple[int, float]],
) -> None:
    walk = ReadingProgress()
    for position, after_s in reports:
        walk = walk.moved_to(position, after_s)
        assert walk.furthest is not None
        assert len(walk.recent_s) <= RECENT
        assert walk.pace_s is None or PAGING_S <= walk.pace_s <= PAUSE_S


@given(positions, st.sampled_from([0.3, 0.5, 0.7, 1]), st.integers(0, 10), times)
def test_without_a_pace_only_the_threshold_decides(
    position: int, threshold: float, generated: int, times: GenerationTimes
) -> None:
    found = due(position, None, threshold=threshold, generated=generated, times=times)
    target = prefetch_target(EXAM, position, threshold)
    assert found == (None if target is None else Due(target, Urgency.PREFETCH))


@given(positions, paces, st.integers(0, 10), times)
def test_a_batch_is_due_at_the_threshold_at_the_latest_and_only_the_next_batch_is_due(
    position: int, pace_s: float, generated: int, times: GenerationTimes
) -> None:
    found = due(position, pace_s, generated=generated, times=times)
    target = prefetch_target(EXAM, position, 0.7)
    current = next(batch for batch in EXAM if batch.start <= position < batch.stop)
    assert found is None or found.batch_index == current.index + 1
    assert target is None or (found is not None and found.batch_index == target)
    if found is not None and found.urgency is Urgency.INTERACTIVE:
        assert found.batch_index == generated


@given(st.integers(0, 8), paces, times)
def test_a_batch_is_due_while_there_is_still_time_to_write_it(
    batch_index: int, pace_s: float, times: GenerationTimes
) -> None:
    """The guarantee: the first due report leaves the generation its measured time, or is the first report."""
    batch = EXAM[batch_index]
    first, found = next(
        (position, found)
        for position in range(batch.start, batch.stop)
        if (found := due(position, pace_s, generated=batch_index + 1, times=times)) is not None
    )
    time_left = (batch.stop - first) * pace_s
    needed = times.lanes_s if found.urgency is Urgency.INTERACTIVE else times.one_lane_s
    assert time_left >= needed or first == batch.start or times.lanes_s > times.one_lane_s


def test_a_steady_student_gets_one_lane_at_the_threshold() -> None:
    assert [due(position, 20) for position in range(7)] == [None] * 7
    assert due(7, 20) == Due(1, Urgency.PREFETCH)


def test_a_quick_student_gets_one_lane_earlier_while_one_is_enough() -> None:
    assert [due(position, 7) for position in range(3)] == [None] * 2 + [Due(1, Urgency.PREFETCH)]


def test_a_skimmer_gets_lanes_when_one_would_be_too_late() -> None:
    found = [due(position, 3) for position in range(8)]
    assert found == [None] * 7 + [Due(1, Urgency.INTERACTIVE)]


def test_a_batch_with_a_passage_takes_longer_in_lanes_and_begins_earlier() -> None:
    """One call writes all questions of a passage, whatever the number of lanes."""
    plain, reading = (
        Batch(index, Section.VERBAL, 10 * index, 10, bundle) for index, bundle in ((0, 1), (1, 4))
    )
    assert TIMES.in_lanes_s(plain) == 5
    assert TIMES.in_lanes_s(reading) == 5 + (32 - 5) * 3 / 9
    begins = [
        next(position for position in range(10) if due(position, 2.5, batches=(plain, after), generated=1))
        for after in (replace(reading, bundle=1), reading)
    ]
    assert begins == [6, 1]


@given(times, st.integers(1, 10), st.integers(0, 9))
def test_lanes_take_no_less_with_a_bundle_and_no_longer_than_one_lane(
    times: GenerationTimes, size: int, more: int
) -> None:
    batch = Batch(0, Section.VERBAL, 0, size, bundle=min(size, 1 + more))
    assert times.lanes_s <= times.in_lanes_s(batch) <= max(times.lanes_s, times.one_lane_s) + 1e-9


def test_while_the_students_current_batch_is_being_written_the_next_gets_no_lanes() -> None:
    assert due(8, 3, generated=0) == Due(1, Urgency.PREFETCH)


def test_after_the_last_batch_nothing_is_due() -> None:
    assert due(95, 1.5) is None


def test_a_position_outside_the_session_is_rejected() -> None:
    with pytest.raises(PlanError):
        due(96, 20)


def test_in_a_session_of_one_batch_no_other_is_due() -> None:
    single = (Batch(0, Section.VERBAL, 0, 5),)
    assert [due(position, 2, batches=single, generated=1) for position in range(5)] == [None] * 5
