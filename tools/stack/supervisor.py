"""Supervises a running stack: it starts processes again that have ended, and gives up after repeated failures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NoReturn, Protocol

from tools.stack.child import Child, StartFailed
from tools.stack.ports import PortTaken
from tools.stack.restarts import Restarts

_LOOK_AGAIN_S = 0.1


class GaveUp(Exception):
    """A process fails at each start; the message says which, and its last words."""


class Parts(Protocol):
    """The part of a stack that a supervisor needs; tools.stack.stack documents the methods."""

    def running(self) -> Mapping[str, Child]: ...
    def restart(self, name: str) -> None: ...
    def is_ready(self, name: str) -> bool: ...
    def is_server(self, name: str) -> bool: ...
    def title(self, name: str) -> str: ...


class _Phase(Enum):
    RUNNING = auto()
    AWAY = auto()
    STARTING = auto()


@dataclass
class _Record:
    """What is known of one process. `since`: the moment its phase began; for AWAY, the moment it shall end."""

    since: float
    phase: _Phase = _Phase.RUNNING
    restarts: Restarts = field(default_factory=Restarts)


class Supervisor:
    """Call it from the thread that started the stack; see tools.stack.child."""

    def __init__(
        self, parts: Parts, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parts = parts
        self._say = say
        self._clock = clock
        self._records: dict[str, _Record] = {}

    def watch(self) -> NoReturn:
        """Supervise until an exception ends it: GaveUp, or the interrupt by which the user ends the stack."""
        while True:
            self.look()
            time.sleep(_LOOK_AGAIN_S)

    def look(self) -> None:
        """Check each process once, and start ended ones again. Raises GaveUp."""
        for name, child in self._parts.running().items():
            record = self._records.setdefault(name, _Record(since=self._clock()))
            try:
                self._see_to(name, child, record)
            except (StartFailed, PortTaken) as err:
                self._note_failed_start(name, record, err)
            if self._parts.is_server(name) and record.phase is not _Phase.RUNNING:
                return  # what needs the server would only fail at its start

    def _see_to(self, name: str, child: Child, record: _Record) -> None:
        now = self._clock()
        match record.phase:
            case _Phase.RUNNING if not child.is_alive:
                self._note_end(name, child, record)
            case _Phase.AWAY if now >= record.since:
                record.phase, record.since = _Phase.STARTING, now
                self._parts.restart(name)
            case _Phase.STARTING if self._parts.is_ready(name):
                self._say(f"{self._parts.title(name)} is ready again")
                record.phase, record.since = _Phase.RUNNING, now
            case _:
                pass  # all is well, or it is not time yet

    def _note_end(self, name: str, child: Child, record: _Record) -> None:
        record.restarts = record.restarts.after_run(self._clock() - record.since)
        self._let_pause(record)
        self._say(
            f"{self._parts.title(name)} {child.how_it_ended}; it is started again in "
            f"{record.restarts.pause_s:g} s. Its last line in {child.log}: {child.last_line() or '(nothing)'}"
        )

    def _note_failed_start(self, name: str, record: _Record, err: Exception) -> None:
        record.restarts = record.restarts.after_failed_start()
        if record.restarts.is_hopeless:
            raise GaveUp(
                f"{self._parts.title(name)} failed at its start {record.restarts.failed_starts} times, "
                f"so everything is stopped. {err}"
            ) from err
        self._let_pause(record)
        self._say(f"{err}\n{self._parts.title(name)} is started again in {record.restarts.pause_s:g} s.")

    def _let_pause(self, record: _Record) -> None:
        record.phase, record.since = _Phase.AWAY, self._clock() + record.restarts.pause_s
