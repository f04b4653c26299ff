"""Lease renewal: one heartbeat per process renews all leases, and stops a run whose lease is lost.

Only the clock of Postgres decides when a lease ends. This process trusts a lease until (start of its last
successful renewal + ttl - margin) on its monotonic clock. After that the run stops by itself, because another
worker may have claimed the batch and pay for the same questions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from db.leases import Lease, Renewal
from generation.cancellation import CancellationSignal, StopReason
from generation.model import Claim
from worker.lock import HeldLock, renew_locks

log = structlog.get_logger(__name__)

#: How often deadlines and trust are checked.
WATCH_PERIOD_S = 0.2

#: A failed heartbeat is tried again after this share of the usual pause.
SOONER = 0.25


class Renewer(Protocol):
    def renew(self, held: Sequence[Lease], ttl_s: float) -> Renewal:
        """Extend these leases in one statement that waits for no row lock."""


@dataclass(eq=False)
class _Held:
    lease: Lease
    lock: HeldLock
    trusted_until: float
    deadline: float
    stop: CancellationSignal = field(default_factory=CancellationSignal)


class LeaseRenewer:
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
        """`grace_s`: how long a shutdown waits for questions in progress. `missed` is called when Postgres did
        not answer a heartbeat.
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

    def release_all(self) -> None:
        """Ask every run, running or still to come, to stop after the question in progress, and stop it when
        `grace_s` is over. Only sets a flag: safe in a signal handler.
        """
        self._shutting_down.set()

    @contextmanager
    def kept(
        self, claim: Claim, lock: HeldLock, *, claimed_at: float, deadline_s: float
    ) -> Iterator[CancellationSignal]:
        """Keep the claim's lease and lock alive while the block runs; the signal says when to stop.

        `claimed_at` is the monotonic moment before the claim was asked for: trust counts from there.
        """
        held = _Held(
            Lease.of(claim),
            lock,
            trusted_until=claimed_at + self._trust_s,
            deadline=claimed_at + deadline_s,
        )
        if self._shutting_down.is_set():
            held.stop.ask(StopReason.SHUTDOWN)  # claimed during the shutdown: no model call is made
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
            all_renewed = False  # a beat that failed or skipped a locked row is soon repeated
            try:
                all_renewed = self.beat()
            except Exception as err:  # noqa: BLE001  the database may be down: trust ends by itself
                self._missed()
                log.warning("heartbeat_missed", error=type(err).__name__)
            pause_s = self._heartbeat_s * (1 if all_renewed else SOONER)

    def beat(self) -> bool:
        """Renew every lease once, and stop each run whose lease is lost.

        Returns False when a row was locked; its lease then keeps the trust that it has.
        """
        beating = self._snapshot()
        if not beating:
            return True
        began = self._clock()
        renewal = self._renewer.renew([held.lease for held in beating], self.ttl_s)
        for held in beating:
            if held.lease in renewal.renewed:
                held.trusted_until = began + self._trust_s
            elif held.lease not in renewal.busy:
                held.stop.set(StopReason.LEASE_LOST)
        # Last: a silent Redis may cost the locks, which only save money, but never a lease.
        renew_locks([held.lock for held in beating if held.lease in renewal.renewed])
        return not renewal.busy

    def _watch_on(self) -> None:
        while not self._closing.wait(WATCH_PERIOD_S):
            try:
                self.watch()
            except Exception as err:  # noqa: BLE001  a run that cannot be stopped must not protect the others
                log.warning("watch_failed", error=type(err).__name__)

    def watch(self) -> None:
        """Stop runs by the local clock alone, so that it works while Postgres does not answer."""
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
