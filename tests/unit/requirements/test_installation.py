"""Whatever lies in the directory, the next run leaves a whole environment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from requirements.installer import children, environment, installation
from requirements.installer.failures import InstallFailed
from requirements.installer.stamp import STAMP, only_one
from tests.unit.requirements.conftest import Machine, StandIn

MADE = ["make", "install small.txt", "check"]


def test_an_empty_directory_becomes_whole_and_the_next_run_does_nothing(machine: Machine) -> None:
    small = machine.lock("small", "a==1", "b==1")

    assert machine.ensure(small) == MADE
    assert machine.installed == {"a==1", "b==1"}
    assert machine.ensure(small) == []


@pytest.mark.parametrize("step", range(3))
def test_a_run_interrupted_in_any_step_is_followed_by_one_from_the_beginning(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    small = machine.lock("small", "a==1")
    run = children.Runner.run
    count = iter(range(10))

    def interrupted(self: children.Runner, command: list[str]) -> None:
        if next(count) == step:
            raise KeyboardInterrupt
        run(self, command)

    monkeypatch.setattr(children.Runner, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        machine.ensure(small)
    monkeypatch.setattr(children.Runner, "run", run)

    assert machine.ensure(small) == MADE
    assert machine.installed == {"a==1"}


def _half_made(venv: Path) -> None:
    (venv / STAMP).write_text("unfinished\n")


def _of_an_older_makefile(venv: Path) -> None:
    (venv / STAMP).write_text("")


def _without_stamp(venv: Path) -> None:
    (venv / STAMP).unlink()


def _without_its_python(venv: Path) -> None:
    for python in (venv / "bin").glob("python*"):
        python.unlink()
        python.symlink_to("/nowhere/python")


def _with_a_broken_python(venv: Path) -> None:
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_text("#!/bin/sh\nexit 127\n")
    (venv / "bin" / "python").chmod(0o755)


def _moved(venv: Path) -> None:
    stamp = venv / STAMP
    stamp.write_text(stamp.read_text().replace(str(venv), "/elsewhere/venv"))


@pytest.mark.parametrize(
    "spoil",
    [
        _half_made,
        _of_an_older_makefile,
        _without_stamp,
        _without_its_python,
        _with_a_broken_python,
        _moved,
    ],
)
def test_an_environment_that_is_not_whole_is_made_again(machine: Machine, spoil: object) -> None:
    small = machine.lock("small", "a==1")
    machine.ensure(small)
    assert callable(spoil)
    spoil(machine.venv)

    assert machine.ensure(small) == MADE
    assert machine.installed == {"a==1"}
    assert machine.ensure(small) == []


def test_a_changed_lock_is_installed_over_the_old_one_and_a_removed_pin_goes(machine: Machine) -> None:
    machine.ensure(machine.lock("small", "a==1", "b==1"))

    steps = machine.ensure(machine.lock("small", "a==2"))

    assert steps == ["install small.txt", "remove b", "check"]
    assert machine.installed == {"a==2"}


def test_an_environment_that_holds_more_is_enough_for_less_and_stays_so(machine: Machine) -> None:
    machine.ensure(machine.lock("large", "a==1", "b==1"))

    assert machine.ensure(machine.lock("small", "a==1")) == []

    machine.lock("large", "a==2", "b==1")
    assert machine.ensure(machine.lock("small", "a==2")) == ["install large.txt", "check"]
    assert machine.installed == {"a==2", "b==1"}


def test_an_environment_that_holds_less_grows(machine: Machine) -> None:
    machine.ensure(machine.lock("small", "a==1"))

    assert machine.ensure(machine.lock("large", "a==1", "b==1")) == ["install large.txt", "check"]


def test_another_python_is_kept_unless_one_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = machine.lock("small", "a==1")
    machine.ensure(small)
    for module in (environment, installation):
        monkeypatch.setattr(module, "running_python", lambda: "3.99.0 /opt/python3.99")

    assert machine.ensure(small) == []
    assert "make" in machine.ensure(small, this_python=True)


def test_an_environment_that_lacks_the_package_manager_is_made_again(machine: Machine) -> None:
    machine.ensure(machine.lock("small", "a==1"))
    machine.managers[0].usable = False

    assert machine.ensure(machine.lock("small", "a==2")) == MADE


def test_what_fails_before_it_changes_anything_leaves_the_environment_whole(machine: Machine) -> None:
    small = machine.lock("small", "a==1")
    machine.ensure(small)
    machine.managers[0].fails = "Temporary failure in name resolution"

    with pytest.raises(InstallFailed, match="cannot be reached"):
        machine.ensure(machine.lock("small", "a==2"))

    machine.lock("small", "a==1")
    assert machine.ensure(small) == []


def test_pip_goes_on_where_uv_fails(machine: Machine) -> None:
    machine.managers.insert(0, StandIn("uv", fails="error sending request"))

    assert machine.ensure(machine.lock("small", "a==1")) == MADE
    assert "uv could not install the packages. Trying stand-in." in machine.out.getvalue()


def test_pip_takes_no_environment_away_that_it_cannot_work_in(machine: Machine) -> None:
    small = machine.lock("small", "a==1")
    machine.ensure(small)
    machine.managers = [StandIn("uv", fails="error sending request"), StandIn("pip", usable=False)]

    with pytest.raises(InstallFailed, match="cannot be reached"):
        machine.ensure(machine.lock("small", "a==2"))

    machine.lock("small", "a==1")
    assert machine.ensure(small) == []


def test_a_copy_of_a_checkout_installs_its_own_lock(machine: Machine) -> None:
    machine.ensure(machine.lock("small", "a==1"))
    _moved(machine.venv)
    copy = Machine(machine.root / "copy", machine.managers)
    copy.root.mkdir()
    machine.venv.rename(copy.venv)

    assert copy.ensure(copy.lock("small", "a==2")) == MADE
    assert copy.installed == {"a==2"}


def test_a_directory_with_other_things_in_it_is_left_alone(machine: Machine) -> None:
    machine.venv.mkdir()
    (machine.venv / "thesis.txt").write_text("years of work")

    with pytest.raises(InstallFailed, match="is no virtual environment"):
        machine.ensure(machine.lock("small", "a==1"))

    assert [path.name for path in machine.venv.iterdir()] == ["thesis.txt"]


@pytest.fixture
def second_run(machine: Machine) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=machine.ensure, args=[machine.lock("small", "a==1")])
    yield thread
    thread.join(30)


def test_a_second_run_says_that_it_waits_and_begins_when_the_first_has_ended(
    machine: Machine, second_run: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    monkeypatch.setattr(installation.Installation, "_say_that_another_works", lambda _self: waits.set())

    with only_one(machine.venv, lambda: None):
        second_run.start()
        assert waits.wait(30)
        assert machine.steps == []
    second_run.join(30)

    assert machine.steps == MADE


def test_a_second_run_does_nothing_when_the_first_has_done_all(
    machine: Machine, second_run: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = machine.lock("small", "a==1")
    machine.ensure(small)
    stamp = (machine.venv / STAMP).read_text()
    (machine.venv / STAMP).write_text("unfinished\n")
    waits = threading.Event()
    monkeypatch.setattr(installation.Installation, "_say_that_another_works", lambda _self: waits.set())

    with only_one(machine.venv, lambda: None):
        second_run.start()
        assert waits.wait(30)
        (machine.venv / STAMP).write_text(stamp)
    second_run.join(30)

    assert machine.steps == MADE
