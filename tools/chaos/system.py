"""The system under test: the developers' stack, on servers that can be killed, with handles to hurt it by."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import redis as redis_client

from tools.chaos import servers
from tools.stack.child import Child
from tools.stack.ports import accepts
from tools.stack.processes import Worker
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings

_BILL_WITHIN_S = 60

WORKERS = (
    Worker("w1", ("interactive",), concurrency=48),
    Worker("w2", ("interactive", "prefetch"), concurrency=48),
    Worker("w3", ("interactive", "prefetch"), concurrency=48),
    Worker("w4", ("interactive", "prefetch"), concurrency=48),
)


class System(Stack):
    """Start it from a thread that stays, like every stack."""

    def __init__(
        self,
        directory: Path,
        *,
        speed: float,
        seed: int,
        faults: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.postgres, self.redis = servers.postgres(directory), servers.redis(directory)
        self.postgres.start()
        self.redis.start()
        settings = StackSettings(
            speed=speed,
            simulator_seed=seed,
            database_url=self.postgres.url,
            redis_url=self.redis.url,
            anthropic_api_key=None,
            claude_base_url=None,
        )
        options = StackOptions(
            directory=directory,
            free_ports=True,
            workers=WORKERS,
            simulator_options=("--itemized", "1", *(("--faults", faults) if faults else ())),
            environment={**MADE_UP_STUDENTS, **(environment or {})},
        )
        super().__init__(settings, options)
        self.unexpected: list[str] = []  #: last words of processes that ended and were not told to
        self.failed_starts = 0  #: of the API while Postgres was away
        self._specs = {spec.name: spec for spec in WORKERS}
        self._told: set[int] = set()  # processes that we hurt, and that do not count as ready any more
        self._seen_ready: set[int] = set()

    def stop(self) -> None:
        super().stop()
        self.redis.stop()
        self.postgres.stop()

    def ready_workers(self) -> list[Child]:
        """Workers that take messages and that no fault has hit, in the order of their names."""
        return [child for child in self._worker_children() if self._is_ready(child)]

    def signal_child(self, child: Child, number: signal.Signals) -> None:
        self._told.add(child.pid)
        child.send(number)

    def wake(self, child: Child) -> None:
        """Let a frozen process go on; it counts as healthy again."""
        child.send(signal.SIGCONT)
        self._told.discard(child.pid)

    def replace_ended(self) -> list[str]:
        """Start again what has ended, like a supervisor; their names."""
        ended = [name for name in [*self._specs, "api"] if not self.children[name].is_alive]
        for name in ended:
            self._note_end(self.children[name])
            self.restart(name)
        return ended

    def api_answers(self) -> bool:
        return accepts(int(self.api_url.rpartition(":")[2]))

    def flush_redis(self) -> None:
        with redis_client.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def bill(self) -> list[dict[str, Any]]:
        """Every reply that the simulator billed, with its whole questions."""
        answer = httpx2.get(f"{self.simulator_url}/_simulator/bill", timeout=_BILL_WITHIN_S)
        entries: list[dict[str, Any]] = answer.json()["entries"]
        return entries

    def _worker_children(self) -> list[Child]:
        return [self.children[name] for name in self._specs]

    def _is_ready(self, child: Child) -> bool:
        if child.pid in self._told or not child.is_alive:
            return False
        if child.pid not in self._seen_ready and " ready." in child.output():
            self._seen_ready.add(child.pid)
        return child.pid in self._seen_ready

    def _note_end(self, child: Child) -> None:
        status = child.stop(grace_s=0)
        if child.pid in self._told:
            return
        if child.name == "api" and "cannot be reached" in child.output():
            self.failed_starts += 1  # it says why and leaves it to its supervisor, as it should
        else:
            self.unexpected.append(f"{child.name} ended with status {status}: {child.last_words()[-600:]}")
