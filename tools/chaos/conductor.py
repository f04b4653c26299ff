"""Strikes the faults in their order, tends what they hurt, and writes down when what was away."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import redis as redis_client

from tools.chaos.faults import Fault, Kind
from tools.chaos.harm import kill_connections, poison, read_only_for, refuse_connections_for
from tools.chaos.system import System
from tools.stack.child import Child

_TEND_EVERY_S = 0.05

_GAP_S = 0.5

#: A fault without a target waits for so long.
_VICTIM_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that was carried out. `ended_at` is when what it hurt was back, as far as that can be said."""

    kind: Kind
    at: datetime
    ended_at: datetime
    victim: str = ""  #: of a worker: its process, as leases name it


@dataclass
class Conductor:
    system: System
    log: Callable[[str], None]
    struck: list[Struck] = field(default_factory=list)
    api_away: list[tuple[datetime, datetime]] = field(default_factory=list)
    _frozen: list[tuple[float, Child]] = field(default_factory=list)
    _api_gone_at: datetime | None = None
    _last_struck: float = 0.0

    def conduct(self, faults: Sequence[Fault]) -> None:
        began = time.monotonic()
        for number, fault in enumerate(faults, 1):
            # A machine under load falls behind the plan: faults then follow each other, and do not pile up.
            not_before = max(began + fault.at_s, self._last_struck + _GAP_S)
            while time.monotonic() < not_before:
                self.tend()
            self._strike(fault)
            self._last_struck = time.monotonic()
            if number % 25 == 0:
                self.log(f"{number} of {len(faults)} faults after {time.monotonic() - began:.0f} s")
        while self._frozen:
            self.tend()

    def tend(self) -> None:
        """What a supervisor and time do: wake who has slept enough, replace who has ended."""
        now = time.monotonic()
        for wakes_at, child in [entry for entry in self._frozen if entry[0] <= now]:
            self.system.wake(child)
            self._frozen.remove((wakes_at, child))
        self.system.replace_ended()
        self._watch_api()
        time.sleep(_TEND_EVERY_S)

    def _watch_api(self) -> None:
        answers = self.system.api_answers()
        if not answers and self._api_gone_at is None:
            self._api_gone_at = _now()
        elif answers and self._api_gone_at is not None:
            self.api_away.append((self._api_gone_at, _now()))
            self._api_gone_at = None

    def _strike(self, fault: Fault) -> None:
        at = _now()
        victim = ""
        match fault.kind:
            case Kind.KILL_WORKER | Kind.FREEZE_WORKER | Kind.DRAIN_WORKER:
                child = self._victim(fault)
                if child is None:
                    return
                at, victim = _now(), str(child.pid)
                self._hurt(child, fault)
            case Kind.KILL_API | Kind.DRAIN_API:
                self._api_gone_at = self._api_gone_at or at
                number = signal.SIGKILL if fault.kind is Kind.KILL_API else signal.SIGTERM
                self.system.signal_child(self.system.children["api"], number)
            case _:
                self._hurt_server(fault)
        self.struck.append(Struck(fault.kind, at, _now(), victim))

    def _victim(self, fault: Fault) -> Child | None:
        """A healthy worker, if another healthy one remains to go on."""
        deadline = time.monotonic() + _VICTIM_WITHIN_S
        while time.monotonic() < deadline:
            well = self.system.ready_workers()
            if len(well) > 1:
                return well[int(fault.victim * len(well))]
            self.tend()
        return None

    def _hurt(self, child: Child, fault: Fault) -> None:
        match fault.kind:
            case Kind.KILL_WORKER:
                self.system.signal_child(child, signal.SIGKILL)
            case Kind.DRAIN_WORKER:
                self.system.signal_child(child, signal.SIGTERM)
            case _:
                self.system.signal_child(child, signal.SIGSTOP)
                self._frozen.append((time.monotonic() + fault.lasts_s, child))

    def _hurt_server(self, fault: Fault) -> None:
        system, url = self.system, self.system.redis.url
        match fault.kind:
            case Kind.RESTART_REDIS:
                system.redis.kill(signal.SIGKILL, away_s=fault.lasts_s)
            case Kind.RESTART_POSTGRES:
                system.postgres.kill(signal.SIGQUIT, away_s=fault.lasts_s)
            case Kind.READ_ONLY_POSTGRES:
                read_only_for(fault.lasts_s, system.postgres.url)
            case Kind.FLUSH_REDIS:
                self._unless_away(system.flush_redis)
            case Kind.DROP_CONNECTIONS:
                self._unless_away(lambda: kill_connections(url, "normal"))
            case Kind.KILL_PUBSUB:
                self._unless_away(lambda: kill_connections(url, "pubsub"))
            case Kind.REFUSE_CONNECTIONS:
                self._unless_away(lambda: refuse_connections_for(fault.lasts_s, url))
            case Kind.POISON_MESSAGES:
                self._unless_away(lambda: poison(url))

    def _unless_away(self, work: Callable[[], None]) -> None:
        try:
            work()
        except redis_client.RedisError as err:
            self.log(f"Redis was not there to be hurt: {type(err).__name__}")


def _now() -> datetime:
    return datetime.now(UTC)
