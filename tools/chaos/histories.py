"""python -m tools.chaos.histories: random histories of acquire, expire, pause, release and write on a real Postgres.

Three workers and one batch in each history. A worker that is paused keeps its claim and writes later, as if
nothing had happened. The store must take the write exactly if the claim is still the batch's, and what the
database then holds is judged once more by its own audit and chaos.model.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Engine, text

from db.batches import BatchStore
from db.engine import make_engine
from db.ledger import LedgerStore
from db.sessions import SessionStore
from generation.errors import FenceLost
from generation.model import Claim, Question, Track
from generation.model_call import AttemptRecord
from generation.plan import plan_exam
from runtime.settings import DatabaseSettings
from tools.chaos import audit
from tools.chaos.model import violations
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.processes import PROJECT, migrations

WORKERS = 3
STEPS = 12
_LEASE_S = 600.0  # only "expire" ends one: the histories decide, not the machine's speed


@dataclass
class Tally:
    """What all histories came to."""

    steps: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    judged: int = 0  #: lease changes and writes that the audit holds


@dataclass
class History:
    """One batch, and who believes to hold it."""

    engine: Engine
    rng: random.Random
    session_id: UUID
    claims: dict[int, tuple[Claim, UUID]] = field(default_factory=dict)
    holder: int | None = None  #: who really holds it
    expired: bool = False
    steps: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def play(self) -> None:
        acts: dict[str, Callable[[int], None]] = {
            "acquire": self._acquire,
            "expire": self._expire,
            "write": self._write,
            "release": self._release,
            "pause": lambda _worker: None,
        }
        weights = {"acquire": 4, "expire": 2, "write": 5, "release": 1, "pause": 1}
        for name in self.rng.choices(list(weights), weights=list(weights.values()), k=STEPS):
            acts[name](self.rng.randrange(WORKERS))
            self.steps[name] += 1

    def _acquire(self, worker: int) -> None:
        claim = BatchStore(self.engine).claim(self.session_id, 0, f"worker:{worker}", _LEASE_S)
        free = self.holder is None or self.expired
        if (claim is not None) != free:
            self.wrong.append(f"{self.session_id}: a claim was {'refused' if free else 'given'} wrongly")
        if claim is None:
            return
        attempt = uuid4()
        LedgerStore(self.engine).open(
            AttemptRecord(
                id=attempt,
                session_id=self.session_id,
                batch_index=0,
                epoch=claim.epoch,
                provider="chaos",
                model="none",
                asked=len(claim.open_slots),
            )
        )
        self.claims[worker] = claim, attempt
        self.holder, self.expired = worker, False

    def _expire(self, _worker: int) -> None:
        statement = text(
            "UPDATE generation.batches SET lease_until = now() - interval '1 second' "
            "WHERE session_id = :id AND status = 'running'"
        )
        with self.engine.begin() as connection:
            changed = connection.execute(statement, {"id": self.session_id}).rowcount
        self.expired = bool(changed)
        if self.expired and self.rng.random() < 1 / 2:
            BatchStore(self.engine).sweep(0, 10)
            self.holder, self.expired = None, False

    def _write(self, worker: int) -> None:
        if worker not in self.claims:
            return
        claim, attempt = self.claims[worker]
        if not claim.open_slots:
            return
        question = _question(claim, self.rng)
        taken = self._is_taken(lambda: BatchStore(self.engine).accept(claim, question, attempt, "chaos"))
        self._expect(worker, "write", taken=taken)

    def _release(self, worker: int) -> None:
        if worker not in self.claims:
            return
        claim, _ = self.claims[worker]
        taken = self._is_taken(
            lambda: BatchStore(self.engine).release(claim, 0, "released", counts_as_failure=False)
        )
        self._expect(worker, "release", taken=taken)
        if taken:
            self.holder, self.expired = None, False

    def _is_taken(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except FenceLost:
            self.steps["refused"] += 1
            return False
        return True

    def _expect(self, worker: int, act: str, *, taken: bool) -> None:
        if taken != (worker == self.holder):
            self.wrong.append(f"{self.session_id}: a {act} was {'taken' if taken else 'refused'} wrongly")


def _question(claim: Claim, rng: random.Random) -> Question:
    slot = rng.choice(claim.open_slots)
    return Question(slot, "stem", ("1", "2", "3", "4"), 0, "worked", str(uuid4()), "passage")


def play_all(url: str, numbers: range, *, seed: int) -> Tally:
    """These histories, one after the other, each from its own seed: a sweep touches every batch there is."""
    engine = make_engine(DatabaseSettings(database_url=url), "chaos")
    sessions, tally = SessionStore(engine), Tally()
    plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed)
    for number in numbers:
        history = History(
            engine, random.Random(f"{seed}.{number}"), sessions.create(uuid4(), plan).session_id
        )
        history.play()
        tally.steps.update(history.steps)
        tally.wrong += history.wrong
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE public.exam_sessions SET status = 'completed' WHERE status = 'in_progress'")
            )
            connection.execute(text("DELETE FROM generation.batches"))
    engine.dispose()
    changes, writes = audit.changes(url), audit.writes(url)
    tally.judged += len(changes) + len(writes)
    tally.wrong += violations(changes, writes)
    return tally


def play_on(server_url: str, *, count: int, seed: int, databases: int = 4) -> Tally:
    """`count` histories, shared out over databases of one server, each with a thread of its own."""
    migrate(server_url)
    audit.install(server_url)
    urls = [_copy(server_url, number) for number in range(databases)]
    total = Tally()
    with ThreadPoolExecutor(databases) as pool:
        shares = (range(number, count, databases) for number in range(databases))
        for tally in pool.map(lambda url, share: play_all(url, share, seed=seed), urls, shares):
            total.steps.update(tally.steps)
            total.wrong += tally.wrong
            total.judged += tally.judged
    return total


def _copy(server_url: str, number: int) -> str:
    """A database like the server's own, on the same server."""
    name, address = f"histories_{number}", urlsplit(server_url)
    admin = urlunsplit(address._replace(path="/template1"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(address.path.lstrip("/"))
            )
        )
    return urlunsplit(address._replace(path=f"/{name}"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos.histories", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    with EmbeddedPostgres(durable=False) as server:
        tally = play_on(server.url, count=given.count, seed=given.seed)
    sys.stdout.write(
        f"{given.count} histories, {dict(tally.steps)}\n"
        f"{tally.judged} lease changes and writes judged: {len(tally.wrong)} wrong "
        f"({time.monotonic() - began:.0f} s)\n" + "".join(f"  {line}\n" for line in tally.wrong[:10])
    )
    return 1 if tally.wrong else 0


def migrate(url: str) -> None:
    environment = {"DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
    subprocess.run(migrations(), cwd=PROJECT, env=environment, check=True, capture_output=True)  # noqa: S603  ours


if __name__ == "__main__":
    sys.exit(main())
