"""The stamp in a virtual environment: what of it is whole. It is written last, and taken away first."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

STAMP = ".installed"


@dataclass(frozen=True)
class Stamp:
    """What was installed, from what, for which Python, and where."""

    lock: str  #: file name of the lock
    lock_sha256: str
    project_sha256: str  #: of pyproject.toml; empty when only the lock was installed
    python: str  #: version and home of the Python that the environment was made from
    directory: str  #: a moved or copied environment names the old one in its scripts


def read_stamp(directory: Path) -> Stamp | None:
    """The stamp, or None: nothing in this directory is known to be whole."""
    try:
        return Stamp(**json.loads((directory / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


class StampFile:
    """The stamp, for the one process at a time that may change the environment."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @property
    def descriptor(self) -> int:
        """Given to every child: the environment is not free while one of them still works on it."""
        return self._file.fileno()

    def write(self, stamp: Stamp | None) -> None:
        """Say what is whole; None: nothing is."""
        self._file.truncate(0)
        self._file.write("unfinished\n" if stamp is None else json.dumps(asdict(stamp), indent=1))
        self._file.flush()


@contextmanager
def only_one(directory: Path, when_waiting: Callable[[], None]) -> Iterator[StampFile]:
    """Be the only process that changes this environment; wait while another one does.

    The system releases the lock when its holders end, however they end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / STAMP).open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield StampFile(file)
