from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.child import Child, StartFailed, launch


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

    with pytest.raises(OSError, match="symbolic link"):
        launch("child", ["true"], log=log)
    assert not (tmp_path / "precious").exists()
