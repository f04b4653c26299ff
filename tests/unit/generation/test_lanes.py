from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from generation.lanes import Lane, run_lanes, share_out
from generation.model import QuestionType, Slot, Track
from generation.plan import plan_exam

SLOTS = {track: plan_exam(track, batch_size=10, seed=3).slots for track in Track}


@st.composite
def some_slots(draw: st.DrawFn) -> tuple[Slot, ...]:
    slots = SLOTS[draw(st.sampled_from(Track))]
    start = draw(st.integers(0, 95))
    run = slots[start : start + draw(st.integers(1, 12))]
    dropped = draw(st.sets(st.integers(0, 11)))
    return tuple(slot for number, slot in enumerate(run) if number not in dropped) or run


@given(some_slots(), st.integers(1, 12))
def test_every_slot_is_in_one_lane_in_order(slots: tuple[Slot, ...], lanes: int) -> None:
    shared = share_out(slots, lanes)
    assert [slot for lane in shared for slot in lane] == list(slots)
    assert all(shared)
    one_more = len({slot.section for slot in slots}) - 1  # a call asks for one section
    assert len(shared) <= lanes + one_more


@given(some_slots(), st.integers(1, 12))
def test_a_call_asks_for_one_section(slots: tuple[Slot, ...], lanes: int) -> None:
    assert all(len({slot.section for slot in lane}) == 1 for lane in share_out(slots, lanes))


@given(some_slots(), st.integers(1, 12))
def test_slots_of_one_passage_go_to_the_same_call(slots: tuple[Slot, ...], lanes: int) -> None:
    for one, next_one in pairwise(share_out(slots, lanes)):
        group = next_one[0].passage_group
        assert group is None or one[-1].passage_group != group


@given(st.integers(1, 12), st.integers(1, 12))
def test_lanes_are_as_even_as_single_slots_allow(count: int, lanes: int) -> None:
    loose = [slot for slot in SLOTS[Track.SCIENTIFIC] if slot.question_type is not QuestionType.READING]
    sizes = [len(lane) for lane in share_out(loose[:count], lanes)]
    assert len(sizes) == min(count, lanes)
    assert max(sizes) - min(sizes) <= 1


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


LANES: list[Lane] = share_out(SLOTS[Track.SCIENTIFIC][:4], 4)


def test_lanes_run_at_the_same_time_and_answer_in_order(executor: ThreadPoolExecutor) -> None:
    together = threading.Barrier(4, timeout=5)

    def work(lane: Lane) -> int:
        together.wait()
        return lane[0].position

    assert run_lanes(executor, LANES, work) == [0, 1, 2, 3]


def test_an_error_is_raised_when_no_lane_runs_any_more(executor: ThreadPoolExecutor) -> None:
    failed = threading.Event()
    ended: list[int] = []

    def work(lane: Lane) -> None:
        if lane is LANES[0]:
            failed.set()
            raise ConnectionError
        assert failed.wait(5)
        ended.append(lane[0].position)

    with pytest.raises(ConnectionError):
        run_lanes(executor, LANES, work)
    assert sorted(ended) == [1, 2, 3]


class _Closing(ThreadPoolExecutor):
    """Accepts one lane, then no more."""

    def submit(self, *work: Any, **named: Any) -> Any:
        submitted = super().submit(*work, **named)
        self.shutdown(wait=False)
        return submitted


def test_no_lane_is_left_running_when_the_executor_takes_no_more() -> None:
    ended: list[int] = []

    def work(lane: Lane) -> None:
        ended.append(lane[0].position)

    with pytest.raises(RuntimeError, match="shutdown"):
        run_lanes(_Closing(1), LANES, work)
    assert ended == [1]


def test_no_lane_is_left_running_when_a_shutdown_cancels_another() -> None:
    ended: list[int] = []

    def work(lane: Lane) -> None:
        if lane is LANES[0]:
            assert begun.wait(5)
            executor.shutdown(wait=False, cancel_futures=True)  # of the others only the first has begun
            cancelled.set()
            return
        begun.set()
        assert cancelled.wait(5)
        ended.append(lane[0].position)

    begun, cancelled = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as executor, pytest.raises(CancelledError):
        run_lanes(executor, LANES, work)
    assert ended == [1]


def test_a_lane_logs_with_the_ids_of_its_task(executor: ThreadPoolExecutor) -> None:
    with structlog.contextvars.bound_contextvars(batch=7):
        bound = run_lanes(executor, LANES, lambda _: structlog.contextvars.get_contextvars().get("batch"))
    assert bound == [7, 7, 7, 7]
