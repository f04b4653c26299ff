"""A whole stack, with the handles of an operator and those of a saboteur."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.stack import TEST_WORKERS
from tools.chaos import servers
from tools.stack.processes import PROJECT, Worker
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings

#: What a worker's code consists of.
ROOMS = ("db", "generation", "providers", "runtime", "tasks", "worker")
_ENDS_WITHIN_S = 15


@dataclass(frozen=True)
class Edit:
    """How another version differs from ours: one place in one file."""

    file: str
    old: str
    new: str

    def of(self, text: str) -> str:
        if self.old not in text:
            raise ValueError(f"{self.file} does not say {self.old!r} any more. Correct the drill.")
        return text.replace(self.old, self.new)


class Ward(Stack):
    """Start it from a thread that stays, like every stack."""

    def __init__(self, directory: Path, *, speed: float, environment: Mapping[str, str]) -> None:
        self.postgres, self.redis = servers.postgres(directory), servers.redis(directory)
        self.postgres.start()
        self.redis.start()
        settings = StackSettings(
            speed=speed,
            database_url=self.postgres.url,
            redis_url=self.redis.url,
            anthropic_api_key=None,
            claude_base_url=None,
        )
        options = StackOptions(
            directory=directory,
            free_ports=True,
            workers=TEST_WORKERS,
            environment={**MADE_UP_STUDENTS, **environment},
        )
        super().__init__(settings, options)

    def stop(self) -> None:
        super().stop()
        self.redis.stop()
        self.postgres.stop()

    def targets(self) -> dict[str, Sequence[str]]:
        return {"api": [self.api_url], "worker": list(self.metrics_urls.values())}

    # --- the operator ---

    def start_workers(self, *specs: Worker, **changed: str) -> None:
        """As `docker compose up -d` and `--scale` do; `changed` are settings, which stay."""
        self.environment.update(changed)
        for spec in specs or TEST_WORKERS:
            self.start_worker(spec)

    def stop_workers(self) -> None:
        for name in list(self.metrics_urls):
            self.children.pop(name).stop(grace_s=_ENDS_WITHIN_S)
            del self.metrics_urls[name]

    def restart_workers(self, *specs: Worker, **changed: str) -> None:
        self.stop_workers()
        self.start_workers(*specs, **changed)

    def start_api(self) -> None:
        self.restart("api")

    def await_api(self) -> None:
        self._await_ready(["api"])

    def operate(self, *arguments: str) -> str:
        """What `tafawoq-worker` with these arguments prints."""
        done = subprocess.run(
            [sys.executable, "-m", "worker.cli", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    # --- the saboteur ---

    def kill_worker(self, name: str) -> None:
        child = self.children.pop(name)
        child.send(signal.SIGKILL)
        child.stop(grace_s=1)

    def kill_api(self) -> None:
        self.children["api"].stop(grace_s=0)

    def inject(self, *faults: dict[str, Any]) -> None:
        """Faults of the provider, in place of those in force; none: it is well again."""
        self._tell_simulator("faults", list(faults))

    def simulate(self, **changed: Any) -> None:
        """Other settings of the provider."""
        self._tell_simulator("config", changed)

    def start_release(self, edit: Edit, **changed: str) -> None:
        """Workers of another version: a copy of the code with the edit."""
        self.project = self.options.directory / "release"
        for room in ROOMS:
            shutil.copytree(PROJECT / room, self.project / room)
        file = self.project / edit.file
        file.write_text(edit.of(file.read_text()))
        try:
            self.start_workers(**changed)
        finally:
            self.project = PROJECT

    def _tell_simulator(self, what: str, body: Any) -> None:
        httpx2.post(f"{self.simulator_url}/_simulator/{what}", json=body).raise_for_status()
