"""The clients beside the students, in a process of their own, so that they share no interpreter with them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from enum import StrEnum
from typing import Any, Self
from uuid import uuid4

from tools.stack.child import Child, launch
from tools.stack.processes import PROJECT
from tools.stack.stack import Stack
from tools.studies.soak.signing_keys import SigningKeys

_END_WITHIN_S = 40
#: What `counts` holds when the clients did not come to their end: then the run says nothing about them.
ENDED_EARLY = "ended early"


class Clients(StrEnum):
    HOSTILE = "hostile"
    HARMLESS = "harmless"
    NONE = "none"


class OtherClients:
    """Runs tools.studies.soak.attacks from enter to exit; `counts` then says what was done, by attack."""

    def __init__(self, kind: Clients, stack: Stack, keys: SigningKeys, until: float) -> None:
        self.counts: dict[str, Any] = {}
        self._kind = kind
        self._stack = stack
        self._keys = keys
        self._until = until
        self._child: Child | None = None

    def __enter__(self) -> Self:
        if self._kind is not Clients.NONE:
            self._child = launch(
                "clients",
                self._command(),
                log=self._stack.logs / "clients.log",
                env=self._environment(),
                cwd=PROJECT,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is None:
            return
        self._child.wait(max(0, self._until - time.monotonic()))
        self._child.stop(signal.SIGTERM, grace_s=_END_WITHIN_S)
        self.counts = _last_json(self._child.output())

    def _command(self) -> list[str]:
        seconds = f"{self._until - time.monotonic():.0f}"
        module = "tools.studies.soak.attacks"
        return [
            sys.executable,
            "-m",
            module,
            self._kind.value,
            "--api",
            self._stack.api_url,
            "--seconds",
            seconds,
        ]

    def _environment(self) -> dict[str, str]:
        """With the secrets, because everybody may read a command line."""
        return {
            **os.environ,
            "REDIS_URL": self._stack.environment["REDIS_URL"],
            "SOAK_TOKEN": self._keys.token(str(uuid4())),
            "SOAK_UNKNOWN_TOKEN": self._keys.token(str(uuid4()), kid="nobody-knows"),
        }


def _last_json(output: str) -> dict[str, Any]:
    lines = [line for line in output.splitlines() if line.startswith("{")]
    counts: dict[str, Any] = json.loads(lines[-1]) if lines else {ENDED_EARLY: output[-300:]}
    return counts
