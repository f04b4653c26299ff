"""A virtual environment as it lies on the disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from requirements.installer.failures import InstallFailed
from requirements.installer.lock import Lock, normalized
from requirements.installer.stamp import STAMP, read_stamp

_ASK = "import json, sys; print(json.dumps([sys.version.split()[0], sys.base_prefix]))"
_ANSWERS_WITHIN_S = 30
#: What an environment has without being locked: pip brings these with it.
_BROUGHT_ALONG = frozenset({"pip", "setuptools", "wheel"})


def running_python() -> str:
    """The Python that runs us: its version and its home."""
    return f"{sys.version.split()[0]} {sys.base_prefix}"


def base_executable() -> str:
    """The Python below any virtual environment that we may run in: that one may be about to be made again."""
    return getattr(sys, "_base_executable", None) or sys.executable


class Environment:
    """The directory, which need not be there yet, or need not be whole."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stamp = read_stamp(directory)

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def is_sound(self) -> bool:
        """Whether it was whole once, here, for the Python that it still has."""
        stamp = self.stamp
        return (
            stamp is not None
            and stamp.directory == str(self.directory)
            and stamp.python == self._its_python()
        )

    def _its_python(self) -> str | None:
        try:
            asked = subprocess.run(  # noqa: S603 -- the environment's own Python
                [str(self.python), "-I", "-S", "-c", _ASK],
                capture_output=True,
                text=True,
                check=True,
                timeout=_ANSWERS_WITHIN_S,
            )
            return " ".join(json.loads(asked.stdout))
        except (OSError, ValueError, subprocess.SubprocessError):
            return None

    def installed(self) -> frozenset[tuple[str, str]]:
        """Name and version of every package in it."""
        packages = (
            path.stem.partition("-") for path in self.directory.glob("lib/python3*/site-packages/*.dist-info")
        )
        return frozenset((normalized(name), version) for name, _, version in packages)

    def count_from(self, lock: Lock) -> int:
        """How many of the lock's packages are in their place."""
        locked = {(name, version.split(";")[0].strip()) for name, version in lock.pins}
        return len(locked & self.installed())

    def strays(self, lock: Lock, project: str) -> list[str]:
        """What is installed without being locked, as a removed pin leaves it."""
        kept = lock.names | _BROUGHT_ALONG | {project}
        return sorted({name for name, _ in self.installed()} - kept)

    def refuse_if_precious(self) -> None:
        """Raises InstallFailed for a directory that is in use for something else: making it again would empty it."""
        if not self.directory.is_dir() or not any(self.directory.iterdir()):
            return
        if not any((self.directory / mark).is_file() for mark in (STAMP, "pyvenv.cfg")):
            raise InstallFailed(
                f"{self.directory} is there and is no virtual environment. Name another directory: make VENV=..."
            )

    def empty(self) -> None:
        """Remove all but the stamp, by which the next run knows the directory for ours."""
        for path in self.directory.iterdir():
            if path.name == STAMP:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
