from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from tools.stack.restarts import (
    FAILED_STARTS_ALLOWED,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    RUNS_WELL_AFTER_S,
    Restarts,
)

#: What happened to a process: seconds that it was ready before it ended, or None for a failed start.
FATES = st.lists(st.none() | st.floats(0, 10 * RUNS_WELL_AFTER_S), max_size=60)
SHORT_RUNS_AND_FAILURES = st.lists(
    st.none() | st.floats(0, RUNS_WELL_AFTER_S, exclude_max=True), min_size=1, max_size=60
)


def after(fates: list[float | None]) -> Restarts:
    return reduce(
        lambda known, fate: known.after_failed_start() if fate is None else known.after_run(fate),
        fates,
        Restarts(),
    )


@given(FATES)
def test_it_is_hopeless_exactly_when_the_last_starts_failed_one_after_another(
    fates: list[float | None],
) -> None:
    last = fates[-FAILED_STARTS_ALLOWED:]
    all_failed = len(last) == FAILED_STARTS_ALLOWED and all(fate is None for fate in last)
    assert after(fates).is_hopeless == all_failed


@given(FATES)
def test_a_pause_is_never_shorter_than_the_first_nor_longer_than_the_longest(
    fates: list[float | None],
) -> None:
    assert FIRST_PAUSE_S <= after(fates).pause_s <= LONGEST_PAUSE_S


@given(SHORT_RUNS_AND_FAILURES)
def test_pauses_double_up_to_the_longest_while_nothing_runs_well(fates: list[float | None]) -> None:
    pauses = [after(fates[:count]).pause_s for count in range(1, len(fates) + 1)]
    assert pauses[0] == FIRST_PAUSE_S
    assert pauses[1:] == [min(2 * pause, LONGEST_PAUSE_S) for pause in pauses[:-1]]


@given(FATES, st.floats(RUNS_WELL_AFTER_S, 1e6))
def test_who_has_run_well_is_started_again_as_if_it_had_never_ended_before(
    fates: list[float | None], ready_for_s: float
) -> None:
    assert after([*fates, ready_for_s]) == Restarts().after_run(ready_for_s)
    assert after([*fates, ready_for_s]).pause_s == FIRST_PAUSE_S


@given(st.lists(st.floats(0, 10 * RUNS_WELL_AFTER_S), max_size=60))
def test_who_becomes_ready_each_time_is_never_given_up(runs: list[float]) -> None:
    assert not after([*runs]).is_hopeless
