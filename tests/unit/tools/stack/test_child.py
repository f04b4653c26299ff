from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tools.stack.child import Child, StartFailed, launch, stop_together


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "child.log"


@pytest.fixture
def python(log: Path) -> Callable[[str], Child]:
    return lambda program: launch("child", [sys.executable, "-c", program], log=log)


def test_a_child_that_ends_while_it_starts_is_told_with_its_last_lines(
    python: Callable[[str], Child],
) -> None:
    child = python("print('the port is gone'); raise SystemExit(3)")

    with pytest.raises(StartFailed, match=r"child ended with status 3.*\n  the port is gone"):
        child.await_ready(lambda: False, within_s=20)


def test_a_child_that_is_never_ready_is_stopped(python: Callable[[str], Child]) -> None:
    child = python("import time; time.sleep(60)")

    with pytest.raises(StartFailed, match=r"child was not ready after 0.1 s"):
        child.await_ready(lambda: False, within_s=0.1)
    assert not child.is_alive


def test_the_lines_of_an_earlier_child_are_not_taken_for_its_own(
    python: Callable[[str], Child], log: Path
) -> None:
    python("print('first')").wait(20)
    second = python("print('second')")
    second.wait(20)

    assert second.output() == "second\n"
    assert log.read_text() == "first\nsecond\n"


def test_a_stubborn_child_is_killed_after_its_grace(python: Callable[[str], Child]) -> None:
    child = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child.await_ready(lambda: "deaf" in child.output(), within_s=20)

    assert child.stop(grace_s=0.05) == -signal.SIGKILL


def test_nothing_of_a_childs_group_is_left_behind(python: Callable[[str], Child]) -> None:
    child = python("import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)")
    child.wait(20)
    grandchild = int(child.output())

    child.stop()

    deadline = time.monotonic() + 10
    while _runs(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ctrl_c_at_the_terminal_does_not_reach_a_child(python: Callable[[str], Child]) -> None:
    child = python("import time; print('up', flush=True); time.sleep(60)")
    child.await_ready(lambda: "up" in child.output(), within_s=20)

    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    child.stop(grace_s=0)


def test_a_program_that_cannot_be_run_is_told_in_a_sentence(log: Path) -> None:
    child = launch("ghost", ["/no/such/program"], log=log)

    with pytest.raises(StartFailed, match="/no/such/program cannot be run: No such file or directory"):
        child.await_ready(lambda: False, within_s=20)


def test_a_log_that_is_a_link_is_not_written_through(log: Path, tmp_path: Path) -> None:
    log.parent.mkdir()
    log.symlink_to(tmp_path / "precious")

    with pytest.raises(StartFailed, match="is a link, or no plain file"):
        launch("child", ["true"], log=log)
    assert not (tmp_path / "precious").exists()


def test_how_a_child_ended_is_told_by_status_or_by_the_name_of_the_signal(
    python: Callable[[str], Child],
) -> None:
    left, killed = python("raise SystemExit(4)"), python("import time; time.sleep(60)")
    assert killed.how_it_ended == "still runs"
    killed.send(signal.SIGKILL)
    for child in (left, killed):
        child.wait(20)

    assert (left.how_it_ended, killed.how_it_ended) == ("ended with status 4", "was ended by SIGKILL")


def test_a_last_line_is_cut_and_blanks_are_passed_over(python: Callable[[str], Child]) -> None:
    child = python("print('first'); print('x' * 5000); print(); print('  ')")
    child.wait(20)

    assert child.last_line() == "x" * 300


def test_children_that_are_stopped_together_share_one_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)"
    )
    children = [
        launch(name, [sys.executable, "-c", deaf], log=tmp_path / f"{name}.log") for name in ("a", "b", "c")
    ]
    for child in children:
        child.await_ready(partial(lambda child: "deaf" in child.output(), child), within_s=20)

    began = time.monotonic()
    stop_together(children, grace_s=1)
    assert time.monotonic() - began < len(children), "each for itself, they would take a grace each"
    assert not any(child.is_alive for child in children)
