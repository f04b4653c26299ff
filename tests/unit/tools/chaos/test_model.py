"""The judge must see what must not be: each kind of broken history is found, and sound ones are not blamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tools.chaos.model import QUEUED, READY, RUNNING, Change, Write, violations

T0 = datetime(2026, 11, 22, tzinfo=UTC)


def change(
    turn: int, epoch: int, status: str, *, owner: str | None = None, lease_s: float | None = None
) -> Change:
    at = T0 + timedelta(seconds=turn)
    until = None if lease_s is None else at + timedelta(seconds=lease_s)
    return Change(turn, at, "s", 0, epoch, status, owner, until)


def write(turn: int, position: int, epoch: int, kind: str = "insert") -> Write:
    return Write(turn, T0 + timedelta(seconds=turn), kind, "s", 0, position, epoch)


CHANGES = [
    change(1, 0, QUEUED),
    change(2, 1, RUNNING, owner="a", lease_s=2),
    change(6, 1, QUEUED),
    change(7, 2, RUNNING, owner="b", lease_s=9),
    change(10, 2, READY),
]
WRITES = [write(3, 0, 1), write(4, 1, 1), write(8, 2, 2)]


def test_a_sound_history_is_not_blamed() -> None:
    assert violations(CHANGES, WRITES) == []


def test_a_lapsed_lease_may_be_taken_over_without_a_queue_between() -> None:
    takeover = [*CHANGES[:2], change(5, 2, RUNNING, owner="b", lease_s=9)]
    assert violations(takeover, []) == []


def test_a_write_of_a_replaced_run_is_found() -> None:
    assert violations(CHANGES, [*WRITES, write(9, 5, 1)])


def test_a_write_while_nobody_runs_the_batch_is_found() -> None:
    assert violations(CHANGES[:1], [write(2, 0, 1)])
    assert violations(CHANGES, [*WRITES, write(11, 5, 2)])


def test_a_position_written_twice_is_found() -> None:
    assert violations(CHANGES, [*WRITES, write(9, 0, 2)])


def test_a_question_that_is_changed_or_deleted_is_found() -> None:
    for kind in ("update", "delete"):
        assert violations(CHANGES, [*WRITES, write(9, 7, 2, kind)])


def test_a_claim_under_a_living_lease_is_found() -> None:
    assert violations([*CHANGES[:2], change(3, 2, RUNNING, owner="b", lease_s=9)], [])


def test_an_epoch_that_goes_back_jumps_or_changes_hands_is_found() -> None:
    held = CHANGES[3]
    for broken in (
        replace(held, turn=8, epoch=1),
        replace(held, turn=8, epoch=5),
        replace(held, turn=8, owner="c"),
    ):
        assert violations([*CHANGES[:4], broken], [])


def test_a_ready_batch_that_runs_again_is_found() -> None:
    assert violations([*CHANGES, change(12, 3, RUNNING, owner="c", lease_s=9)], [])


@given(st.data())
def test_a_stale_write_is_found_wherever_it_stands(data: st.DataObject) -> None:
    """Any number of runs, one after the other, and one write in a wrong epoch somewhere among them."""
    runs = data.draw(st.integers(2, 6))
    changes, writes, turn = [change(0, 0, QUEUED)], [], 1
    for epoch in range(1, runs + 1):
        changes.append(change(turn, epoch, RUNNING, owner=f"w{epoch}", lease_s=0.5))
        for _ in range(data.draw(st.integers(1, 3))):
            turn += 1
            writes.append(write(turn, turn, epoch))
        turn += 2
    assert violations(changes, writes) == []
    victim = data.draw(st.sampled_from(range(len(writes))))
    right = writes[victim].epoch or 0
    wrong = data.draw(st.sampled_from([epoch for epoch in range(runs + 2) if epoch != right]))
    writes[victim] = replace(writes[victim], epoch=wrong)
    assert violations(changes, writes)
