"""python -m tools.bench.readers: what thousands of idle event streams cost one API process, and how soon they wake.

Every reader holds a stream of a session of its own. First nothing happens, and the process is weighed; then
questions are committed, for some of the sessions, at a steady rate, and each is timed from the end of its
commit to its arrival at the reader's socket. The readers, the writer, Postgres and the API are a process each
(Postgres: several) and share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psutil
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.sessions import SessionStore
from generation.model import Claim, Difficulty, Plan, PracticeChoice, Question, Section, Slot, Topic, Track
from generation.plan import plan_practice
from runtime.settings import DatabaseSettings
from tools.bench.figures import summary, table
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.ports import free_port
from tools.stack.processes import PROJECT, api, migrations
from tools.stack.stack import MADE_UP_STUDENTS

_QUESTIONS = 20
_OPENED_AT_ONCE = 50
_STARTS_WITHIN_S = 60.0


@dataclass
class Readers:
    """The clients' side: open sockets, and when each event arrived."""

    port: int
    arrived: dict[tuple[UUID, int], float] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self, users: Mapping[UUID, UUID]) -> None:
        """One stream for each session and its user; returns when every one has been told the session's first event."""
        opening = asyncio.Semaphore(_OPENED_AT_ONCE)

        async def one(session_id: UUID, user: UUID) -> None:
            async with opening:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**16)
                path = f"/api/practice/{session_id}/events"
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User-Id: {user}\r\n\r\n".encode())
                while not (line := await reader.readline()).startswith(b"id: 1"):
                    if not line:
                        raise ConnectionError(f"the API refused the stream of session {session_id}")
            self.tasks.append(asyncio.create_task(self._listen(session_id, reader, writer)))

        await asyncio.gather(*(one(session_id, user) for session_id, user in users.items()))

    async def _listen(
        self, session_id: UUID, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b"id: "):
                    self.arrived[session_id, int(line[4:])] = time.monotonic()
        finally:
            writer.close()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Commits:
    """The worker's side: commits questions one by one, at a steady rate, and notes when each was done."""

    batches: BatchStore
    done: dict[tuple[UUID, int], float] = field(default_factory=dict)

    def run(self, session_ids: Sequence[UUID], *, seconds: float, rate: float, threads: int) -> None:
        started = time.monotonic()
        work = self._slots(session_ids)

        def commit(number: int, claim: Claim, slot: Slot) -> None:
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
            self.batches.accept(claim, _question(slot), uuid4(), "claude")
            # The session event is number 1, so the nth question is event n + 1.
            self.done[claim.session_id, slot.position + 2] = time.monotonic()

        with ThreadPoolExecutor(threads) as pool:
            count = int(seconds * rate)
            for _ in [pool.submit(commit, n, *next(work)) for n in range(count)]:
                _.result()

    def _slots(self, session_ids: Sequence[UUID]) -> Iterator[tuple[Claim, Slot]]:
        """Question by question over all sessions, so that neighbours in time belong to different readers."""
        claimed = (self.batches.claim(session_id, 0, "bench", 600) for session_id in session_ids)
        claims = [claim for claim in claimed if claim is not None]
        for ordinal in range(_QUESTIONS):
            for claim in claims:
                yield claim, claim.open_slots[ordinal]


def _committed(
    database_url: str, session_ids: Sequence[UUID], seconds: float, rate: float
) -> dict[tuple[UUID, int], float]:
    """When each was done, on the clock that all processes of the machine share."""
    engine = make_engine(DatabaseSettings(database_url=database_url), "bench-writer")
    commits = Commits(BatchStore(engine))
    commits.run(session_ids, seconds=seconds, rate=rate, threads=8)
    engine.dispose()
    return commits.done


def _question(slot: Slot) -> Question:
    return Question(
        slot=slot,
        stem=f"ما ناتج {slot.position} + {slot.position}؟",
        choices=("صفر", "واحد", "اثنان", "ثلاثة"),
        answer_index=0,
        explanation="نجمع العددين.",
        fingerprint=f"bench-{slot.position}",
    )


def _plan(seed: int) -> Plan:
    choice = PracticeChoice(Section.QUANTITATIVE, (Topic.ALGEBRA,), Difficulty.EASY, _QUESTIONS)
    return plan_practice(choice, track=Track.SCIENTIFIC, seed=seed, batch_size=_QUESTIONS)


@contextmanager
def served(database_url: str) -> Iterator[tuple[int, psutil.Process]]:
    """The API as one process of its own, without a broker."""
    port = free_port()
    environment = {
        **os.environ,
        "TAFAWOQ_ENV": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "API_PORT": str(port),
        "API_CALLS_PER_MINUTE": "0",
        **MADE_UP_STUDENTS,
        "LOG_LEVEL": "ERROR",
    }
    child = subprocess.Popen(api(), cwd=PROJECT, env=environment)
    try:
        _await(f"http://127.0.0.1:{port}/readyz")
        yield port, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


def _await(url: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


async def measure(engine: Engine, database_url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Open the readers, weigh the process, then write and time the events."""
    store = SessionStore(engine)
    with ThreadPoolExecutor(8) as pool:
        users = [uuid4() for _ in range(options.readers)]
        made = pool.map(
            lambda seed: store.create(users[seed], _plan(seed)).session_id, range(options.readers)
        )
        session_ids = await asyncio.to_thread(list, made)
    with served(database_url) as (port, process):
        readers = Readers(port)
        before_kb = process.memory_info().rss / 1024
        started = time.monotonic()
        await readers.open(dict(zip(session_ids, users, strict=True)))
        opened_s = time.monotonic() - started
        cpu_before, idle_from = _cpu_s(process), time.monotonic()
        await asyncio.sleep(options.idle_s)
        idle_cpu = (_cpu_s(process) - cpu_before) / (time.monotonic() - idle_from)
        after_kb = process.memory_info().rss / 1024
        # A process of its own: its threads must not keep the readers from looking at their clock.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as writer:
            work = (database_url, session_ids[: options.live], options.seconds, options.rate)
            committed = await asyncio.get_running_loop().run_in_executor(writer, _committed, *work)
        await asyncio.sleep(2)
        await readers.close()
    waits = [
        1000 * (readers.arrived[event] - done)
        for event, done in committed.items()
        if event in readers.arrived
    ]
    return {
        "readers": options.readers,
        "opened_per_s": round(options.readers / opened_s),
        "kb_per_reader": round((after_kb - before_kb) / options.readers, 1),
        "idle_cpu_percent": round(100 * idle_cpu, 1),
        "events": len(committed),
        "lost": len(committed) - len(waits),
        "wake_up_ms": summary(waits, 1),
        "load_1m": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def _cpu_s(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--live", type=int, default=200, help="sessions for which questions are committed")
    parser.add_argument("--rate", type=float, default=100, help="questions committed a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long questions are committed")
    parser.add_argument("--idle-s", type=float, default=20, help="how long nothing happens")
    options = parser.parse_args()
    if options.rate * options.seconds > options.live * _QUESTIONS:
        parser.error(
            f"--live {options.live} sessions hold {options.live * _QUESTIONS} questions; take more of them"
        )
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedPostgres(durable=False, log=Path(directory) / "postgres.log") as postgres,
    ):
        subprocess.run(
            migrations(), cwd=PROJECT, env={**os.environ, "DATABASE_URL": postgres.url}, check=True
        )
        engine = make_engine(DatabaseSettings(database_url=postgres.url), "bench")
        found = asyncio.run(measure(engine, postgres.url, options))
        engine.dispose()
    wake_up = found.pop("wake_up_ms")
    print(table([found]))
    print(table([{"wake-up after commit, ms": "", **wake_up}]))
    print(json.dumps({**found, "wake_up_ms": wake_up}), file=sys.stderr)


if __name__ == "__main__":
    main()
