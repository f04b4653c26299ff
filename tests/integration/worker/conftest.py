"""A real worker process on a real broker and database, for what only a whole process shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.settings import DatabaseSettings
from tools.stack.child import Child, launch
from tools.stack.processes import PROJECT, Worker, worker


@contextmanager
def running_worker(log: Path, env: dict[str, str], *more: str) -> Iterator[Child]:
    """A worker that takes from both queues; `more` are options of its command line."""
    with starting_worker(log, env, *more) as child:
        child.await_ready(lambda: " ready." in child.output(), within_s=60)
        yield child


@contextmanager
def starting_worker(log: Path, env: dict[str, str], *more: str) -> Iterator[Child]:
    """The same, which may never be ready."""
    spec = Worker("foreign", ("interactive", "prefetch"), concurrency=4)
    child = launch(spec.name, [*worker(spec), *more], log=log, env=env, cwd=PROJECT)
    try:
        yield child
    finally:
        child.stop(grace_s=10)


@pytest.fixture
def worker_env(database: DatabaseSettings, redis_url: str) -> dict[str, str]:
    """Of a worker that sweeps rarely, so that what happens is the doing of the messages."""
    return {
        **os.environ,
        "TAFAWOQ_ENV": "development",
        "DATABASE_URL": re.sub(r"^postgresql\+psycopg", "postgresql", database.database_url),
        "REDIS_URL": redis_url,
        "SIMULATOR_URL": "http://127.0.0.1:9",
        "SWEEP_PERIOD_S": "60",
    }


@pytest.fixture
def worker_process(tmp_path: Path, worker_env: dict[str, str]) -> Iterator[Child]:
    with running_worker(tmp_path / "worker.log", worker_env) as child:
        yield child
