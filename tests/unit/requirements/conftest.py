"""An installer whose pip is a stand-in: it unpacks nothing, and writes what an unpacked package leaves."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from requirements.installer import installation
from requirements.installer.environment import Environment
from requirements.installer.installation import Installation, Wanted
from requirements.installer.lock import Lock

_INSTALL = """
import pathlib, re, sys
site = next(pathlib.Path(sys.prefix).glob("lib/python3*/site-packages"))
for name, version in re.findall(r"^(\\S+)==(\\S+)", pathlib.Path(sys.argv[1]).read_text(), re.MULTILINE):
    for old in site.glob(f"{name}-*.dist-info"):
        old.rmdir()
    (site / f"{name}-{version}.dist-info").mkdir()
"""
_REMOVE = """
import pathlib, sys
for name in sys.argv[1:]:
    for path in pathlib.Path(sys.prefix).glob(f"lib/python3*/site-packages/{name}-*.dist-info"):
        path.rmdir()
"""


@dataclass
class StandIn:
    """A package manager of three-line programs; `says` and `fails` are what its installation does."""

    name: str = "stand-in"
    fails: str = ""
    usable: bool = True
    steps: list[str] = field(default_factory=list)

    def works_in(self, environment: Environment) -> bool:
        return self.usable and environment.python.exists()

    def make(self, directory: Path) -> list[list[str]]:
        self.steps.append("make")
        return [[sys.executable, "-m", "venv", "--without-pip", str(directory)]]

    def install(self, python: Path, lock: Path) -> list[str]:
        self.steps.append(f"install {lock.name}")
        if self.fails:
            return [str(python), "-c", f"import sys; print({self.fails!r}); sys.exit(1)"]
        return [str(python), "-c", _INSTALL, str(lock)]

    def install_project(self, python: Path, project: Path) -> list[str]:
        self.steps.append(f"project {project.name}")
        return [str(python), "-c", ""]

    def remove(self, python: Path, names: list[str]) -> list[str]:
        self.steps.append(f"remove {' '.join(names)}")
        return [str(python), "-c", _REMOVE, *names]

    def check(self, python: Path) -> list[str]:
        self.steps.append("check")
        return [str(python), "-c", ""]


@dataclass
class Machine:
    """A directory to install into, and what installs."""

    root: Path
    managers: list[StandIn] = field(default_factory=lambda: [StandIn()])
    out: io.StringIO = field(default_factory=io.StringIO)

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    @property
    def steps(self) -> list[str]:
        return self.managers[-1].steps

    def lock(self, name: str, *pins: str) -> Lock:
        path = self.root / f"{name}.txt"
        path.write_text("".join(f"{pin} \\\n    --hash=sha256:00\n" for pin in pins))
        return Lock(path)

    def ensure(self, lock: Lock, *, this_python: bool = False) -> list[str]:
        """The steps that were taken for it."""
        before = len(self.steps)
        wanted = Wanted(self.venv, lock, project=False, this_python=this_python)
        Installation(wanted, self.out).ensure()
        return self.steps[before:]

    @property
    def installed(self) -> set[str]:
        return {f"{name}=={version}" for name, version in Environment(self.venv).installed()}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    managers: Callable[[str], list[StandIn]] = lambda _wanted: made.managers  # noqa: E731
    monkeypatch.setattr(installation, "package_managers", managers)
    return made
