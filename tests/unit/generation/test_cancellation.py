from __future__ import annotations

import threading

import pytest

from generation.cancellation import CallCancellation, CancellationSignal, StopReason


@pytest.fixture
def run() -> CancellationSignal:
    return CancellationSignal()


def test_asked_between_two_questions_a_call_stops_at_once(run: CancellationSignal) -> None:
    call = CallCancellation(run)
    with call.following():
        call.writing(True)
        call.writing(False)
        run.ask(StopReason.SHUTDOWN)
        assert call.reason is StopReason.SHUTDOWN
    assert run.reason is None
    assert run.asked is StopReason.SHUTDOWN


def test_asked_in_the_middle_of_a_question_a_call_stops_after_it(run: CancellationSignal) -> None:
    call = CallCancellation(run)
    with call.following():
        call.writing(True)
        run.ask(StopReason.SHUTDOWN)
        assert call.reason is None
        call.writing(False)
        assert call.reason is StopReason.SHUTDOWN


def test_stopped_a_call_stops_in_the_middle_of_a_question(run: CancellationSignal) -> None:
    call = CallCancellation(run)
    with call.following():
        call.writing(True)
        run.ask(StopReason.SHUTDOWN)
        run.set(StopReason.LEASE_LOST)
        assert call.reason is StopReason.LEASE_LOST


def test_a_call_that_begins_after_the_run_was_asked_to_stop_is_stopped_before_it_costs_anything(
    run: CancellationSignal,
) -> None:
    run.ask(StopReason.SHUTDOWN)
    call = CallCancellation(run)
    with call.following():
        assert call.reason is StopReason.SHUTDOWN


def test_each_lane_finishes_its_own_question(run: CancellationSignal) -> None:
    writing, waiting = CallCancellation(run), CallCancellation(run)
    with writing.following(), waiting.following():
        writing.writing(True)
        run.ask(StopReason.SHUTDOWN)
        assert (writing.reason, waiting.reason) == (None, StopReason.SHUTDOWN)


def test_a_call_stops_when_ask_and_writing_race() -> None:
    """The race: one thread asks while the question ends on another."""
    for _ in range(300):
        run = CancellationSignal()
        call = CallCancellation(run)
        with call.following():
            call.writing(True)
            asking = threading.Thread(target=run.ask, args=(StopReason.SHUTDOWN,))
            asking.start()
            call.writing(False)
            asking.join()
            assert call.reason is StopReason.SHUTDOWN
