"""Memory, open files and threads of each process, read from /proc: the soak runs on Linux."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1_048_576


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    at_s: float
    batches: int  #: that all students had by then
    name: str
    pid: int
    memory_mb: float  #: resident
    descriptors: int
    threads: int


def sample(name: str, pid: int, *, at_s: float, batches: int) -> Sample | None:
    """None when the process has ended."""
    process = Path(f"/proc/{pid}")
    try:
        pages = int((process / "statm").read_text().split()[1])
        return Sample(
            at_s,
            batches,
            name,
            pid,
            pages * _PAGE_MB,
            len(list((process / "fd").iterdir())),
            len(list((process / "task").iterdir())),
        )
    except OSError:
        return None


def load_average() -> float:
    """Of the last minute: how many processes wanted a processor."""
    return os.getloadavg()[0]
