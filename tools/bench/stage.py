"""The stage that ours and the peers share: one simulator, one Postgres, one Redis, and our two workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psutil
import psycopg
from celery import Celery

from db.engine import make_engine
from db.sessions import SessionStore
from generation.model import Plan, Urgency
from runtime.settings import DatabaseSettings
from tasks.enqueue import enqueue_batch
from tools.stack.processes import PROJECT, Worker
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings
from worker.app import configuration

#: One process a core, each as wide as half of the most batches at once, and a little: a wider one takes more than its
#: share of the messages. Both take every queue: here nobody needs a slot kept free.
WORKERS = tuple(Worker(f"bench-{number}", ("interactive", "prefetch"), concurrency=260) for number in (1, 2))
_POLL_S = 0.5


@dataclass
class Stage:
    """A running stack with the simulator at real speed, and what the benchmarks ask of it."""

    stack: Stack
    sessions: SessionStore
    messages: Celery

    @property
    def worker_pids(self) -> list[int]:
        return [child.pid for name, child in self.stack.children.items() if name.startswith("bench-")]

    @property
    def simulator_pid(self) -> int:
        return self.stack.children["simulator"].pid

    @property
    def simulator_url(self) -> str:
        return self.stack.simulator_url

    def simulator(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call to the simulator's admin routes."""
        url = f"{self.stack.simulator_url}/_simulator/{path}"
        answer = httpx2.get(url) if body is None else httpx2.post(url, json=body)
        answer.raise_for_status()
        return answer.json()

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.environment["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def queued(self, plans: Sequence[Plan], urgency: Urgency) -> list[UUID]:
        """A session a plan, whose first batch is wanted and not enqueued yet.

        The sweep would enqueue it; the mark says that it was enqueued a moment ago.
        """
        ids = []
        with psycopg.connect(self.stack.environment["DATABASE_URL"], autocommit=True) as connection:
            for plan in plans:
                ids.append(self.sessions.create(uuid4(), plan).session_id)
                connection.execute(
                    "UPDATE generation.batches SET urgency = %s, "
                    "enqueued_at = now() + interval '1 hour' WHERE session_id = %s",
                    [urgency, ids[-1]],
                )
        return ids

    def enqueue(self, session_id: UUID, urgency: Urgency) -> None:
        """Enqueue the session's first batch."""
        enqueue_batch(session_id, 0, urgency, through=self.messages)

    @contextlib.contextmanager
    def workers_held(self) -> Iterator[None]:
        """The workers stand still while the block runs, for less than their leases last."""
        workers = [psutil.Process(pid) for pid in self.worker_pids]
        for worker in workers:
            worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                worker.resume()

    def await_ready(self, ids: Sequence[UUID], *, within_s: float) -> None:
        """Return when every batch of these sessions is ready. Raises TimeoutError."""
        waiting = "SELECT FROM generation.batches WHERE session_id = ANY(%s) AND status <> 'ready' LIMIT 1"
        deadline = time.monotonic() + within_s
        # One connection: who measures must not be what is measured.
        with psycopg.connect(self.stack.environment["DATABASE_URL"], autocommit=True) as connection:
            while time.monotonic() < deadline:
                if connection.execute(waiting, [list(ids)]).fetchone() is None:
                    return
                time.sleep(_POLL_S)
        raise TimeoutError(f"After {within_s:g} s not every batch was ready; see {self.stack.logs}.")

    def python(
        self, module: str, *arguments: str, interpreter: str = sys.executable
    ) -> subprocess.Popen[str]:
        """A contender in a process of its own, with the addresses of this stage in its environment."""
        environment = {**self.stack.environment, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [interpreter, "-m", module, *arguments],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


#: What makes a stage have answer checks, as the product has.
CHECKED = {"SOLVER_MODEL": "claude-haiku-5-5"}


@contextlib.contextmanager
def on_stage(
    directory: Path, *, speed: float = 1, simulator: Sequence[str] = (), **environment: str
) -> Iterator[Stage]:
    """Everything started, and stopped at the end. `environment` is ours to vary: settings of every process.

    Without answer checks, unless it is CHECKED: the peers have none.
    """
    options = StackOptions(
        directory=directory,
        keep_data=False,
        durable=True,  # what is measured writes as it would in earnest
        free_ports=True,
        workers=WORKERS,
        simulator_options=simulator,
        environment={"LOG_LEVEL": "INFO", "SOLVER_MODEL": "off", **MADE_UP_STUDENTS, **environment},
    )
    settings = StackSettings(
        speed=speed, anthropic_api_key=None, claude_base_url=None, database_url=None, redis_url=None
    )
    with Stack(settings, options) as stack:
        os.environ.update(
            {name: stack.environment[name] for name in ("DATABASE_URL", "REDIS_URL", "TAFAWOQ_ENV")}
        )
        engine = make_engine(DatabaseSettings(database_url=stack.environment["DATABASE_URL"]), "bench")
        # Not the workers' own: it keeps the address of the first stage that was asked to enqueue.
        messages = Celery("bench", set_as_current=False)
        messages.add_defaults(configuration)
        try:
            yield Stage(stack, SessionStore(engine), messages)
        finally:
            engine.dispose()
