from __future__ import annotations

from collections.abc import Callable

import pytest

from db.errors import DatabaseStruggling, DatabaseUnreachable
from generation.errors import FenceLost
from generation.stop import StopReason, StopSignal
from worker import patience as patience_module
from worker.patience import Patience


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "_LOOK_AGAIN_S", 0.0)


class Store:
    """Away for so many calls, then answers."""

    def __init__(self, away: int, error: Callable[[], Exception] = DatabaseUnreachable) -> None:
        self.away = away
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.away:
            raise self.error()
        return "written"


@pytest.mark.parametrize("error", [DatabaseUnreachable, DatabaseStruggling])
def test_a_finished_question_waits_for_postgres(error: Callable[[], Exception]) -> None:
    store = Store(3, error)
    assert Patience(60, StopSignal()).with_(store) == "written"
    assert store.calls == 4


def test_a_lost_lease_is_no_reason_to_throw_a_paid_question_away() -> None:
    stop = StopSignal()
    stop.set(StopReason.LEASE_LOST)
    assert Patience(60, stop).with_(Store(3)) == "written"


def test_the_patience_ends() -> None:
    times = iter([0.0, 1.0, 2.0, 61.0])
    with pytest.raises(DatabaseUnreachable):
        Patience(60, StopSignal(), clock=lambda: next(times)).with_(Store(100))


def test_a_shutdown_whose_grace_is_over_waits_no_longer() -> None:
    stop = StopSignal()
    stop.set(StopReason.SHUTDOWN)
    store = Store(100)
    with pytest.raises(DatabaseUnreachable):
        Patience(60, stop).with_(store)
    assert store.calls == 1


def test_what_does_not_pass_is_told_at_once() -> None:
    store = Store(100, FenceLost)
    with pytest.raises(FenceLost):
        Patience(60, StopSignal()).with_(store)
    assert store.calls == 1
