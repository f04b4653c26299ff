"""How each process of the system is started, in one place: programs and arguments, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.stack.ports import LOOPBACK

#: Where alembic.ini and .env are; every process starts there.
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process: its name among the workers, and the queues it takes from, the most urgent first."""

    name: str
    queues: tuple[str, ...]
    concurrency: int | None = None  #: None: as WORKER_CONCURRENCY says


#: The first never takes a prefetch, so that a student who waits always finds a free slot.
WORKERS = (
    Worker("interactive", ("interactive",)),
    Worker("prefetch", ("interactive", "prefetch")),
)


def api() -> list[str]:
    return [sys.executable, "-m", "api"]


def migrations() -> list[str]:
    return [sys.executable, "-m", "alembic", "upgrade", "head"]


def simulator(*, port: int, speed: float, seed: int, more: Sequence[str] = ()) -> list[str]:
    address = ["--host", LOOPBACK, "--port", str(port)]
    return [
        sys.executable,
        "-m",
        "tools.simulator",
        *address,
        "--speed",
        f"{speed:g}",
        "--seed",
        str(seed),
        *more,
    ]


def worker(spec: Worker) -> list[str]:
    slots = [] if spec.concurrency is None else ["--concurrency", str(spec.concurrency)]
    names = ["-Q", ",".join(spec.queues), "-n", f"{spec.name}@%h"]
    return _celery("worker", *slots, *names, "--without-gossip", "--without-mingle")


def flower(*, port: int) -> list[str]:
    options = PROJECT / "worker" / "flowerconfig.py"
    return _celery("flower", f"--conf={options}", f"--address={LOOPBACK}", f"--port={port}")


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "worker.app", *arguments]
