from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.connection_limits import (
    ENDING_BEYOND_LIMIT,
    ConnectionClock,
    ConnectionLimits,
    ConnectionState,
    ConnectionTable,
    Cut,
    Phase,
)

LIMITS = ConnectionLimits(
    head_s=10, idle_s=75, send_s=30, open_s=2, max_rest_bytes=100, max_linger_bytes=1000
)


def clock() -> ConnectionClock:
    return ConnectionClock(LIMITS, 0)


def answered(
    clock: ConnectionClock, now: float, *, body_left: bool = False, head_begun: bool = False
) -> None:
    clock.answered(now, calls_left=False, body_left=body_left, head_begun=head_begun)


def test_a_silent_connection_is_ended_after_the_time_for_a_head() -> None:
    silent = clock()
    assert silent.overdue(9.9) is None
    assert silent.overdue(10) is Cut.SILENT


@given(st.lists(st.floats(0, 9.9), max_size=50))
def test_further_bytes_of_a_head_give_it_no_more_time(times: list[float]) -> None:
    dripping = clock()
    dripping.read(0, 1)
    for now in sorted(times):
        dripping.read(now, 1)
        assert dripping.overdue(now) is None
    assert dripping.overdue(10) is Cut.HEAD_TIMEOUT


def test_a_call_in_progress_has_no_time_limit() -> None:
    called = clock()
    called.read(1, 100)
    called.called(1)
    called.body_ended(1)
    assert called.overdue(1e9) is None
    assert not called.waits_for_client


def test_a_body_has_its_time_and_until_it_is_complete_we_wait_for_the_client() -> None:
    called = clock()
    called.called(1)
    called.read(5, 1)
    assert called.waits_for_client
    assert (called.overdue(20.9), called.overdue(21)) == (None, Cut.BODY_TIMEOUT)


def test_a_call_that_is_sent_ahead_leaves_the_one_before_it_its_time() -> None:
    ahead = clock()
    ahead.called(1)
    ahead.body_ended(1)
    ahead.called(2)
    assert ahead.phase is Phase.CALL
    ahead.answered(50, calls_left=True, body_left=True, head_begun=False)
    assert (ahead.overdue(69.9), ahead.overdue(70)) == (None, Cut.BODY_TIMEOUT)


def test_a_later_head_has_its_time_from_its_first_byte() -> None:
    kept = clock()
    kept.called(1)
    kept.body_ended(1)
    answered(kept, 5)
    assert kept.overdue(79.9) is None
    assert kept.overdue(80) is Cut.IDLE
    kept.read(70, 1)
    assert kept.overdue(79.9) is None
    assert kept.overdue(80) is Cut.HEAD_TIMEOUT


def test_a_head_that_has_begun_before_the_answer_has_its_time_from_the_answer() -> None:
    kept = clock()
    kept.called(1)
    kept.body_ended(1)
    answered(kept, 50, head_begun=True)
    assert (kept.overdue(59.9), kept.overdue(60)) == (None, Cut.HEAD_TIMEOUT)


def test_after_an_answer_the_next_pipelined_call_is_served() -> None:
    pipelined = clock()
    pipelined.called(1)
    pipelined.body_ended(1)
    pipelined.answered(2, calls_left=True, body_left=False, head_begun=False)
    assert pipelined.phase is Phase.CALL


def test_the_rest_of_a_body_after_its_answer_has_a_short_time_and_few_bytes() -> None:
    late = clock()
    late.called(0)
    answered(late, 1, body_left=True)
    assert (late.overdue(2.9), late.overdue(3)) == (None, Cut.UNREAD_BODY)
    late.read(2, 100)
    assert not late.has_read_enough
    late.read(2, 1)
    assert late.has_read_enough


def test_a_connection_whose_body_ends_in_time_after_the_answer_is_kept() -> None:
    late = clock()
    late.called(0)
    answered(late, 1, body_left=True)
    late.body_ended(2)
    assert late.phase is Phase.IDLE


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.CALL])
def test_every_phase_but_a_call_ends_by_itself(phase: Phase) -> None:
    assert LIMITS.seconds(phase) < math.inf


def test_a_client_that_does_not_read_is_ended_in_every_phase() -> None:
    stuck = clock()
    stuck.called(0)
    stuck.body_ended(0)
    stuck.blocked(100)
    assert stuck.waits_for_client
    assert (stuck.overdue(129.9), stuck.overdue(130)) == (None, Cut.SEND_TIMEOUT)
    stuck.unblocked()
    assert stuck.overdue(1e9) is None


def test_a_connection_that_is_ending_stays_ending() -> None:
    ending = clock()
    ending.called(0)
    ending.linger(1)
    answered(ending, 2)
    ending.called(2)
    assert ending.phase is Phase.LINGER


table_steps = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([*ConnectionState, None])), max_size=60
)  # None: it is removed


@given(st.integers(1, 5), table_steps)
def test_the_larger_group_gives_up_the_one_that_stood_longest_and_never_one_that_is_served(
    most: int, steps: list[tuple[int, ConnectionState | None]]
) -> None:
    table: ConnectionTable[int] = ConnectionTable(most)
    order: dict[int, ConnectionState] = {}  # ordered by when each entered its state
    for connection, state in steps:
        if state is None:
            table.remove(connection)
            order.pop(connection, None)
        elif order.get(connection) is not state:
            table.put(connection, state)
            order.pop(connection, None)
            order[connection] = state
        else:
            table.put(connection, state)
    assert len(table) == len(order)
    assert table.is_over == (sum(each is not ConnectionState.ENDING for each in order.values()) > most)
    unknown = [each for each, state in order.items() if state is ConnectionState.UNKNOWN]
    waiting = [each for each, state in order.items() if state is ConnectionState.WAITING]
    larger_first = [*unknown, *waiting] if len(unknown) >= len(waiting) else [*waiting, *unknown]
    assert table.gives_way_to(-1) == next(iter(larger_first), None)


def test_a_newcomer_does_not_give_way_to_itself() -> None:
    table: ConnectionTable[str] = ConnectionTable(1)
    table.put("served", ConnectionState.SERVED)
    table.put("newcomer", ConnectionState.UNKNOWN)
    assert table.is_over
    assert table.gives_way_to("newcomer") is None


def test_when_too_many_connections_are_ending_the_oldest_is_closed() -> None:
    table: ConnectionTable[int] = ConnectionTable(2)
    for number in range(2 + ENDING_BEYOND_LIMIT):
        table.put(number, ConnectionState.ENDING)
    assert table.overstays() is None
    table.put(-1, ConnectionState.ENDING)
    assert table.overstays() == 0
