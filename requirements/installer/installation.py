"""From whatever lies in the directory to a whole environment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from requirements.installer.children import Runner
from requirements.installer.environment import Environment, running_python
from requirements.installer.failures import InstallFailed
from requirements.installer.lock import Lock
from requirements.installer.package_manager import PackageManager, package_managers
from requirements.installer.progress import Progress
from requirements.installer.stamp import Stamp, StampFile, only_one

_PROJECT = Path(__file__).resolve().parent.parent.parent
_NAME = "tafawoq-worker"


@dataclass(frozen=True)
class Wanted:
    """What the caller asks for."""

    directory: Path
    lock: Lock
    project: bool = True  #: install the checkout itself, too
    tool: str = ""
    this_python: bool = False  #: else an environment of another Python is kept


class Installation:
    """One run. What an interrupted run left is recognized by its stamp, and made again from the beginning."""

    def __init__(self, wanted: Wanted, out: TextIO) -> None:
        self._wanted = wanted
        self._out = out
        self._environment = Environment(wanted.directory)

    def ensure(self) -> None:
        """Leaves an environment with exactly the locked packages, or with those of a lock that holds them all.

        Raises InstallFailed with a sentence, OSError where the system refuses.
        """
        if self._is_whole():
            return
        self._environment.refuse_if_precious()
        with only_one(self._wanted.directory, self._say_that_another_works) as stamp:
            self._environment = Environment(self._wanted.directory)
            if not self._is_whole():
                self._wanted = replace(self._wanted, lock=self._widest_lock())
                self._try_in_turn(stamp)

    def _say_that_another_works(self) -> None:
        self._say(
            f"Another run installs into {self._wanted.directory}. Waiting for it; Ctrl-C waits no longer."
        )

    def _is_whole(self) -> bool:
        stamp = self._environment.stamp
        return stamp is not None and stamp == self._stamp_of(self._widest_lock()) and self._fits()

    def _fits(self) -> bool:
        """Whether it is a sound environment, of the Python that is wanted."""
        stamp = self._environment.stamp
        of_the_wanted = stamp is not None and (
            stamp.python == running_python() or not self._wanted.this_python
        )
        return of_the_wanted and self._environment.is_sound()

    def _stamp_of(self, lock: Lock) -> Stamp:
        """What the stamp says once the lock is installed into the environment as it is now."""
        before = self._environment.stamp
        pyproject = (_PROJECT / "pyproject.toml").read_bytes() if self._wanted.project else b""
        return Stamp(
            lock=lock.path.name,
            lock_sha256=lock.fingerprint,
            project_sha256=hashlib.sha256(pyproject).hexdigest() if pyproject else "",
            python=before.python if before else running_python(),
            directory=str(self._wanted.directory),
        )

    def _widest_lock(self) -> Lock:
        """The lock that is installed if it holds the wanted one, so that an environment never shrinks."""
        stamp = self._environment.stamp
        wanted = self._wanted.lock
        present = Lock(wanted.path.with_name(stamp.lock)) if stamp is not None else wanted
        return present if present.path.is_file() and present.holds(wanted) else wanted

    def _try_in_turn(self, stamp: StampFile) -> None:
        *first, last = package_managers(self._wanted.tool)
        for manager in first:
            try:
                return self._install(stamp, manager)
            except InstallFailed as err:
                self._environment = Environment(self._wanted.directory)
                if self._fits() and not last.works_in(self._environment):
                    raise  # what is there still works, and would have to go
                self._say(f"{err}\n{manager.name} could not install the packages. Trying {last.name}.")
        return self._install(stamp, last)

    def _install(self, stamp: StampFile, manager: PackageManager) -> None:
        lock, environment = self._wanted.lock, self._environment
        before, packages_before = environment.stamp, environment.installed()
        progress = Progress(self._out, len(lock.pins))
        progress.line(
            f"Installing {lock.path.stem} (up to {len(lock.pins)} packages) with {manager.name}, once:"
        )
        runner = self._runner(stamp, progress)
        keeps = self._fits() and manager.works_in(environment)
        stamp.write(None)
        try:
            if not keeps:
                self._make_again(runner, progress, manager)
            self._fill(runner, progress, manager)
        except InstallFailed:
            if keeps and environment.installed() == packages_before:
                stamp.write(before)
            raise
        stamp.write(self._stamp_of(lock))
        progress.line(f"Installed into {self._wanted.directory} in {progress.seconds} s.")

    def _runner(self, stamp: StampFile, progress: Progress) -> Runner:
        def show() -> None:
            progress.show(lambda: self._environment.count_from(self._wanted.lock))

        return Runner(self._wanted.directory, stamp.descriptor, progress.read, show)

    def _make_again(self, runner: Runner, progress: Progress, manager: PackageManager) -> None:
        commands = manager.make(self._wanted.directory)
        progress.begin("making the virtual environment")
        self._environment.empty()
        self._environment = Environment(self._wanted.directory)
        for command in commands:
            runner.run(command)

    def _fill(self, runner: Runner, progress: Progress, manager: PackageManager) -> None:
        environment, lock = self._environment, self._wanted.lock
        progress.begin("packages", counted=True)
        runner.run(manager.install(environment.python, lock.path))
        progress.begin("this project")
        if strays := environment.strays(lock, _NAME if self._wanted.project else ""):
            runner.run(manager.remove(environment.python, strays))
        if self._wanted.project:
            runner.run(manager.install_project(environment.python, _PROJECT))
        progress.begin("checking")
        runner.run(manager.check(environment.python))

    def _say(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()
