from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.watchdog import TOUCH_PERIOD_S, LoopProgress, Watchdog, main_thread_stack


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> LoopProgress:
    return LoopProgress(clock=clock)


def elsewhere(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_a_sign_of_another_thread_does_not_count(progress: LoopProgress) -> None:
    elsewhere(progress.report)
    assert progress.count == 0
    progress.report()
    assert progress.count == 1


def test_the_file_is_as_fresh_as_the_loop_and_goes_with_it(
    progress: LoopProgress, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "alive"
    progress.report()
    assert not file.exists()
    progress.show_in(file)
    os.utime(file, (1, 1))
    progress.report()
    assert file.stat().st_mtime == 1, "no more often than the period"
    clock.now += TOUCH_PERIOD_S
    elsewhere(progress.report)
    assert file.stat().st_mtime == 1, "only by the loop"
    progress.report()
    assert file.stat().st_mtime > 1
    progress.hide()
    clock.now += TOUCH_PERIOD_S
    progress.report()
    assert not file.exists()


def test_a_file_that_cannot_be_touched_ends_no_loop(progress: LoopProgress, tmp_path: Path) -> None:
    progress.show_in(tmp_path / "missing" / "alive")
    progress.hide()
    assert progress.count == 1


def test_a_loop_that_gives_no_sign_is_ended_and_not_before_its_time(progress: LoopProgress) -> None:
    ended = threading.Event()
    progress.report(next_within_s=5)
    watchdog = Watchdog(progress, end=ended.set, look_s=0.02)
    began = time.monotonic()
    watchdog.start()
    assert ended.wait(10)
    assert time.monotonic() - began >= 5 * 0.02
    watchdog.join(10)
    assert not watchdog.is_alive()


@pytest.mark.parametrize(("looks_a_sign", "is_ended"), [(1, False), (3, False), (4, True)])
def test_a_loop_that_gives_a_sign_within_its_looks_is_left_alone(
    progress: LoopProgress, monkeypatch: pytest.MonkeyPatch, looks_a_sign: int, is_ended: bool
) -> None:
    ends: list[bool] = []
    watchdog = Watchdog(progress, end=lambda: ends.append(True))
    looks = itertools.count(1)

    def go_round(_: float) -> bool:
        """What happens between two looks; whether it was the last."""
        number = next(looks)
        if number % looks_a_sign == 0:
            progress.report(next_within_s=3)
        return number == 100

    monkeypatch.setattr(watchdog._stopping, "wait", go_round)
    progress.report(next_within_s=3)
    watchdog.run()
    assert bool(ends) is is_ended


def test_a_loop_that_was_told_to_end_is_given_that_long(progress: LoopProgress) -> None:
    progress.expect_end(within_s=70)
    progress.report()
    assert progress.next_within_s == 70


def test_where_the_main_thread_stands_is_told_by_place_without_values() -> None:
    secret = "sk-of-nobody"  # noqa: F841
    found: list[list[str]] = []
    elsewhere(lambda: found.append(main_thread_stack()))
    [places] = found
    assert any("test_watchdog.py" in place and place.endswith(" elsewhere") for place in places)
    assert "sk-of-nobody" not in "".join(places)
