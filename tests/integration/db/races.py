"""Deterministic races: one side keeps its transaction open until the other is known to wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

from sqlalchemy import Connection, Engine, text

T = TypeVar("T")

_TIMEOUT_S = 10
_LOOK_AGAIN_S = 0.005


@contextmanager
def while_held(
    engine: Engine, first: Callable[[Connection], object], second: Callable[[], T]
) -> Iterator[Future[T]]:
    """Run `first` without a commit, start `second`, and commit `first` when `second` waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            first(connection)
            waiting = pool.submit(second)
            until(lambda: waiting.done() or a_session_waits(engine))
            assert not waiting.done(), "the second side should have waited for the first"
        yield waiting


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """The results of all functions, started together, each on its own thread."""
    barrier = Barrier(len(works))

    def start(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(start, works))


def a_session_waits(engine: Engine) -> bool:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        return bool(connection.execute(query).scalar_one())


def until(condition: Callable[[], bool]) -> None:
    """Poll the condition: Postgres has no notification that a session waits or has ended."""
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        time.sleep(_LOOK_AGAIN_S)
