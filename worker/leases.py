"""Keeping leases alive: one heartbeat a process renews all of them, and tells a run when its is gone.

Postgres is the authority and only its clock counts; local time can only shorten trust. A lease is trusted
until (start of its last successful renewal + ttl - margin) on the monotonic clock; past that a run stops
by itself, because somebody else may have claimed the batch and be paying for the same questions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog

from generation.model import Claim
from generation.stop import StopReason, StopSignal
from worker.lock import HeldLock

log = structlog.get_logger(__name__)

#: (session, batch index, epoch): what a lease is held on.
Lease = tuple[UUID, int, int]

#: How often deadlines and trust are looked at.
WATCH_PERIOD_S = 0.2

#: The share of the usual pause after which a heartbeat that failed is tried again.
SOONER = 0.25


class Renewer(Protocol):
    def renew(self, held: Sequence[Lease], ttl_s: float) -> set[Lease]:
        """Extend these leases in one statement; returns those that are still ours."""


@dataclass(eq=False)
class _Held:
    lease: Lease
    lock: HeldLock
    trusted_until: float
    deadline: float
    stop: StopSignal = field(default_factory=StopSignal)


class LeaseKeeper:
    """Holds every lease of this process; start() it once, close() it last."""

    def __init__(
        self,
        renewer: Renewer,
        *,
        ttl_s: float,
        heartbeat_s: float,
        grace_s: float = 0,
        clock: Callable[[], float] = time.monotonic,
        missed: Callable[[], object] = lambda: None,
    ) -> None:
        """`grace_s`: how long a shutdown lets questions finish that are being written. `missed` is called
        when Postgres did not answer a heartbeat.
        """
        self.ttl_s = ttl_s
        self._renewer = renewer
        self._heartbeat_s = heartbeat_s
        self._grace_s = grace_s
        self._grace_ends_at: float | None = None
        #: The margin covers the watch period and a write on its way.
        self._trust_s = ttl_s - heartbeat_s / 2
        self._clock = clock
        self._missed = missed
        self._held: set[_Held] = set()
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        self._shutting_down = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat_on, name="lease-heartbeat", daemon=True),
            threading.Thread(target=self._watch_on, name="lease-watch", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout=self._heartbeat_s)

    def hand_back_all(self) -> None:
        """Ask every run, now and later, to stop after the question being written, and to stop for good
        when the grace is over. Only sets a flag: safe in a signal handler.
        """
        self._shutting_down.set()

    @contextmanager
    def kept(
        self, claim: Claim, lock: HeldLock, *, claimed_at: float, deadline_s: float
    ) -> Iterator[StopSignal]:
        """Keep the claim's lease and lock alive while the block runs; the signal says when to stop.

        `claimed_at` is the monotonic moment before the claim was asked for: trust counts from there.
        """
        held = _Held(
            (claim.session_id, claim.batch.index, claim.epoch),
            lock,
            trusted_until=claimed_at + self._trust_s,
            deadline=claimed_at + deadline_s,
        )
        if self._shutting_down.is_set():
            held.stop.ask(StopReason.SHUTDOWN)  # claimed on the way out: nothing is paid for
        with self._mutex:
            self._held.add(held)
        try:
            yield held.stop
        finally:
            with self._mutex:
                self._held.discard(held)

    def _snapshot(self) -> list[_Held]:
        with self._mutex:
            return list(self._held)

    def _beat_on(self) -> None:
        pause_s = self._heartbeat_s
        while not self._closing.wait(pause_s):
            try:
                self.beat()
                pause_s = self._heartbeat_s
            except Exception as err:  # noqa: BLE001  the database may be away: trust runs out by itself
                pause_s = self._heartbeat_s * SOONER  # it may be back at once, and trust does not wait
                self._missed()
                log.warning("heartbeat_missed", error=type(err).__name__)

    def beat(self) -> None:
        """Renew everything once. A lease that Postgres no longer grants stops its run."""
        batch = self._snapshot()
        if not batch:
            return
        began = self._clock()
        granted = self._renewer.renew([held.lease for held in batch], self.ttl_s)
        kept = [held for held in batch if held.lease in granted]
        for held in kept:
            held.trusted_until = began + self._trust_s
        for held in batch:
            if held.lease not in granted:
                held.stop.set(StopReason.LEASE_LOST)
        # Last, and only as long as Redis answers: a silent Redis must not hold the heartbeat up.
        all(held.lock.renew() for held in kept)

    def _watch_on(self) -> None:
        while not self._closing.wait(WATCH_PERIOD_S):
            self.watch()

    def watch(self) -> None:
        """Stop what must not go on, by the local clock alone: it works when Postgres does not answer."""
        now = self._clock()
        grace_is_over = self._is_grace_over(now)
        for held in self._snapshot():
            if self._shutting_down.is_set():
                held.stop.ask(StopReason.SHUTDOWN)
            if grace_is_over:
                held.stop.set(StopReason.SHUTDOWN)
            elif now >= held.trusted_until:
                held.stop.set(StopReason.LEASE_LOST)
            elif now >= held.deadline:
                held.stop.set(StopReason.DEADLINE)

    def _is_grace_over(self, now: float) -> bool:
        if not self._shutting_down.is_set():
            return False
        if self._grace_ends_at is None:
            self._grace_ends_at = now + self._grace_s
        return now >= self._grace_ends_at
