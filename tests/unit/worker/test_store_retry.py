from __future__ import annotations

from collections.abc import Callable

import pytest

from db.errors import DatabaseStruggling, DatabaseUnreachable
from generation.cancellation import CancellationSignal, StopReason
from generation.errors import FenceLost
from worker import store_retry as store_retry_module
from worker.store_retry import StoreRetry


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retry_module, "_LOOK_AGAIN_S", 0.0)


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
    assert StoreRetry(60, CancellationSignal()).with_(store) == "written"
    assert store.calls == 4


def test_a_lost_lease_is_no_reason_to_throw_a_paid_question_away() -> None:
    stop = CancellationSignal()
    stop.set(StopReason.LEASE_LOST)
    assert StoreRetry(60, stop).with_(Store(3)) == "written"


def test_the_timeout_ends() -> None:
    times = iter([0.0, 1.0, 2.0, 61.0])
    with pytest.raises(DatabaseUnreachable):
        StoreRetry(60, CancellationSignal(), clock=lambda: next(times)).with_(Store(100))


def test_a_shutdown_whose_grace_is_over_waits_no_longer() -> None:
    stop = CancellationSignal()
    stop.set(StopReason.SHUTDOWN)
    store = Store(100)
    with pytest.raises(DatabaseUnreachable):
        StoreRetry(60, stop).with_(store)
    assert store.calls == 1


def test_what_does_not_pass_is_told_at_once() -> None:
    store = Store(100, FenceLost)
    with pytest.raises(FenceLost):
        StoreRetry(60, CancellationSignal()).with_(store)
    assert store.calls == 1
