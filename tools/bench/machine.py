"""What a process costs, and how quiet the machine is: read from the kernel, not from the process itself."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

_PERIOD_S = 1.0
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Spent:
    cpu_s: float
    peak_mb: float  #: of all the processes together; a page they share counts once
    start_mb: float


@dataclass
class Meter:
    """CPU and memory of some processes and their children while the block runs.

    Looking at memory takes CPU from those that are measured, so it is left out where nobody asks for it.
    """

    pids: Sequence[int]
    with_memory: bool = True
    spent: Spent = Spent(0, 0, 0)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._processes = [psutil.Process(pid) for pid in self.pids]
        self._cpu_before = self._cpu_s()
        self._start_mb = self._peak_mb = 0.0
        if self.with_memory:
            self._start_mb = self._peak_mb = self._memory_mb()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.with_memory:
            self._stop.set()
            self._thread.join()
            self._look()
        self.spent = Spent(self._cpu_s() - self._cpu_before, self._peak_mb, self._start_mb)

    def _watch(self) -> None:
        while not self._stop.wait(_PERIOD_S):
            self._look()

    def _look(self) -> None:
        self._peak_mb = max(self._peak_mb, self._memory_mb())

    def _family(self) -> Iterable[psutil.Process]:
        for process in self._processes:
            yield process
            yield from process.children(recursive=True)

    def _cpu_s(self) -> float:
        """User and system time, that of children which have ended included."""
        return self._sum(lambda process: sum(process.cpu_times()[:4]))

    def _memory_mb(self) -> float:
        return self._sum(_proportional_bytes) / _MB

    def _sum(self, of: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        for process in list(self._family()):
            with contextlib.suppress(psutil.NoSuchProcess):  # a child that has just ended
                total += of(process)
        return total


def _proportional_bytes(process: psutil.Process) -> float:
    """Its own pages, and its share of those it has in common with others (PSS)."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # another user's, or one that has just ended
        return float(process.memory_info().rss)
    return sum(1024.0 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def machine() -> dict[str, Any]:
    """What the figures were measured on, and what else ran there."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_1m_before": round(os.getloadavg()[0], 2),
        "spin_spread": round(_spin_spread(), 3),
    }


def _spin_spread() -> float:
    """Interquartile range over median of the same small computation: the noise under every figure here."""
    took = []
    for _ in range(41):
        began = time.perf_counter()
        sum(range(200_000))
        took.append(time.perf_counter() - began)
    quarter, middle, three_quarters = statistics.quantiles(took, n=4)
    return (three_quarters - quarter) / middle
