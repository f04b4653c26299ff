from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.leases import Lease, Renewal
from generation.cancellation import StopReason
from generation.model import Batch, Claim, Section, SessionKind, Track, Urgency
from runtime.settings import LeaseSettings
from worker.leases import SOONER, LeaseRenewer
from worker.lock import HeldLock
from worker.periodic import JITTER

TTL_S = 8.0
HEARTBEAT_S = 2.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Granting:
    """Grants what it is told to; every renewal takes `takes_s` of the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.refused: set[Lease] = set()
        self.busy: set[Lease] = set()
        self.takes_s = 0.0
        self.error: Exception | None = None

    def renew(self, held: Sequence[Lease], ttl_s: float) -> Renewal:
        self.clock.now += self.takes_s
        if self.error:
            raise self.error
        granted = frozenset(held) - self.refused
        return Renewal(renewed=granted - self.busy, busy=granted & self.busy)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def renewer(clock: Clock) -> Granting:
    return Granting(clock)


@pytest.fixture
def held_leases(renewer: Granting, clock: Clock) -> LeaseRenewer:
    return LeaseRenewer(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, clock=clock)


FREE = HeldLock(held_elsewhere=False)


def claim() -> Claim:
    return Claim(
        session_id=uuid4(),
        kind=SessionKind.EXAM,
        track=Track.SCIENTIFIC,
        batch=Batch(0, Section.QUANTITATIVE, 0, 10),
        seed=1,
        epoch=1,
        urgency=Urgency.INTERACTIVE,
        runs=1,
        failures=0,
        open_slots=(),
        earlier=(),
    )


def test_a_renewed_lease_goes_on(held_leases: LeaseRenewer, clock: Clock) -> None:
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        for _ in range(20):
            clock.now += HEARTBEAT_S
            held_leases.beat()
            held_leases.watch()
        assert stop.reason is None


def test_a_lease_that_is_no_longer_granted_stops_its_run_and_no_other(
    held_leases: LeaseRenewer, renewer: Granting, clock: Clock
) -> None:
    lost, kept = claim(), claim()
    renewer.refused = {Lease.of(lost)}
    with (
        held_leases.kept(lost, FREE, claimed_at=clock.now, deadline_s=1000) as lost_stop,
        held_leases.kept(kept, FREE, claimed_at=clock.now, deadline_s=1000) as kept_stop,
    ):
        held_leases.beat()
        assert lost_stop.reason is StopReason.LEASE_LOST
        assert kept_stop.reason is None


def test_a_lease_whose_row_is_being_written_to_keeps_the_trust_that_it_has(
    held_leases: LeaseRenewer, renewer: Granting, clock: Clock
) -> None:
    busy = claim()
    renewer.busy = {Lease.of(busy)}
    with held_leases.kept(busy, FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        for _ in range(3):
            assert held_leases.beat() is False
            held_leases.watch()
            assert stop.reason is None
            clock.now += HEARTBEAT_S
        clock.now += HEARTBEAT_S / 2
        held_leases.watch()
        assert stop.reason is StopReason.LEASE_LOST


def test_without_postgres_a_run_stops_before_its_lease_can_be_anothers(
    held_leases: LeaseRenewer, renewer: Granting, clock: Clock
) -> None:
    renewer.error = ConnectionError()
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        clock.now += TTL_S - HEARTBEAT_S
        held_leases.watch()
        assert stop.reason is None
        clock.now += HEARTBEAT_S - 0.5
        held_leases.watch()
        assert stop.reason is StopReason.LEASE_LOST


@given(takes_s=st.floats(0, 60))
def test_however_long_a_renewal_takes_trust_counts_from_its_start(takes_s: float) -> None:
    """A renewal decided in Postgres at its start must not be trusted from the moment we heard of it."""
    clock = Clock()
    renewer = Granting(clock)
    held_leases = LeaseRenewer(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, clock=clock)
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        renewer.takes_s = takes_s
        held_leases.beat()
        held_leases.watch()
        assert (stop.reason is StopReason.LEASE_LOST) == (takes_s >= TTL_S - HEARTBEAT_S / 2)


def test_a_run_past_its_deadline_stops(held_leases: LeaseRenewer, clock: Clock) -> None:
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=3) as stop:
        clock.now += 2
        held_leases.beat()
        held_leases.watch()
        assert stop.reason is None
        clock.now += 1
        held_leases.watch()
        assert stop.reason is StopReason.DEADLINE


def test_a_shutdown_stops_runs_that_are_there_and_those_that_come(
    held_leases: LeaseRenewer, clock: Clock
) -> None:
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as early:
        held_leases.release_all()
        held_leases.watch()
        with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as late:
            held_leases.watch()
            assert (early.reason, late.reason) == (StopReason.SHUTDOWN, StopReason.SHUTDOWN)


def test_a_finished_run_is_renewed_no_more(
    held_leases: LeaseRenewer, renewer: Granting, clock: Clock
) -> None:
    asked: list[int] = []

    def note(held: Sequence[Lease], ttl_s: float) -> Renewal:
        asked.append(len(held))
        return Renewal(frozenset(held))

    renewer.renew = note  # type: ignore[method-assign]  # the simplest spy
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000):
        held_leases.beat()
    held_leases.beat()
    assert asked == [1]


@pytest.fixture
def started(renewer: Granting) -> Iterator[LeaseRenewer]:
    held_leases = LeaseRenewer(renewer, ttl_s=30, heartbeat_s=0.1)
    held_leases.start()
    yield held_leases
    held_leases.close()


def test_the_threads_keep_the_beat_and_the_watch(started: LeaseRenewer, renewer: Granting) -> None:
    woken = threading.Event()
    with started.kept(claim(), FREE, claimed_at=time.monotonic(), deadline_s=0.3) as stop:
        with stop.waking(woken.set):
            assert woken.wait(5)
        assert stop.reason is StopReason.DEADLINE


def test_one_run_that_cannot_be_stopped_ends_no_other_ones_watch(started: LeaseRenewer) -> None:
    def refuse() -> None:
        raise RuntimeError

    woken = threading.Event()
    now = time.monotonic()
    with (
        started.kept(claim(), FREE, claimed_at=now, deadline_s=0) as stuck,
        stuck.waking(refuse),
        started.kept(claim(), FREE, claimed_at=now, deadline_s=0.5) as late,
        late.waking(woken.set),
    ):
        assert woken.wait(5)
    assert late.reason is StopReason.DEADLINE


def test_a_failing_heartbeat_is_tried_again(started: LeaseRenewer, renewer: Granting) -> None:
    calls: list[float] = []
    again = threading.Event()

    def fail(held: Sequence[Lease], ttl_s: float) -> Renewal:
        calls.append(time.monotonic())
        if len(calls) > 1:
            again.set()
        raise ConnectionError

    renewer.renew = fail  # type: ignore[method-assign]  # the simplest spy
    with started.kept(claim(), FREE, claimed_at=time.monotonic(), deadline_s=100):
        assert again.wait(5)


class Database(Granting):
    """Leases as Postgres keeps them, on the same simulated time; a sweep takes away what has lapsed."""

    def __init__(self, clock: Clock, ttl_s: float) -> None:
        super().__init__(clock)
        self.until: dict[Lease, float] = {}
        self.ttl_s = ttl_s

    def grant(self, lease: Lease) -> None:
        self.until[lease] = self.clock.now + self.ttl_s

    def renew(self, held: Sequence[Lease], ttl_s: float) -> Renewal:
        renewed = super().renew(held, ttl_s).renewed & self.until.keys()
        for lease in renewed:
            self.grant(lease)
        return Renewal(renewed)

    def sweep(self) -> set[Lease]:
        lapsed = {lease for lease, until in self.until.items() if until < self.clock.now}
        for lease in lapsed:
            del self.until[lease]
        return lapsed


@pytest.mark.parametrize(
    "away_s", [0.0, 3.0], ids=["missed beats", "Postgres away for three seconds at times"]
)
def test_none_of_a_thousand_healthy_slow_streams_is_rescued(away_s: float) -> None:
    """Simulated time, as set by default: four minutes of heartbeats that are late, slow, or missed."""
    clock, rng = Clock(), random.Random(20261122)
    leases = LeaseSettings()
    database = Database(clock, leases.lease_ttl_s)
    held_leases = LeaseRenewer(
        database, ttl_s=leases.lease_ttl_s, heartbeat_s=leases.lease_heartbeat_s, clock=clock
    )
    with ExitStack() as stack:
        stops = []
        for _ in range(1000):
            one = claim()
            database.grant(Lease.of(one))
            stops.append(
                stack.enter_context(held_leases.kept(one, FREE, claimed_at=clock.now, deadline_s=300))
            )
        ends, back_at, missed = clock.now + 240, 0.0, False
        while clock.now < ends:
            clock.now += leases.lease_heartbeat_s * (SOONER if missed else 1) + rng.uniform(0, 0.1)
            assert database.sweep() == set()
            if not missed and rng.random() < 0.1:
                back_at = clock.now + away_s
            missed = clock.now <= back_at
            database.takes_s, database.error = rng.uniform(0, 0.2), LookupError() if missed else None
            with suppress(LookupError):
                held_leases.beat()
            held_leases.watch()
        assert [stop.reason for stop in stops] == [None] * 1000


def test_a_dead_workers_batch_is_enqueued_in_half_of_what_a_rescue_may_take() -> None:
    """Killed right after a heartbeat, and found by one sweep alone, which has just looked."""
    leases = LeaseSettings()
    assert leases.lease_ttl_s + leases.sweep_period_s * (1 + JITTER) <= 7.5


def test_no_wall_clock_has_a_say(
    held_leases: LeaseRenewer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that jumps by a day, in either direction, changes nothing."""
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        for jump_s in (-86_400, 86_400):
            monkeypatch.setattr(time, "time", lambda jump_s=jump_s: 1_000_000_000.0 + jump_s)
            clock.now += 1
            held_leases.beat()
            held_leases.watch()
        assert stop.reason is None


def test_a_batch_claimed_on_the_way_out_is_not_begun(held_leases: LeaseRenewer, clock: Clock) -> None:
    held_leases.release_all()
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        assert stop.asked is StopReason.SHUTDOWN


def test_a_shutdown_first_asks_and_after_the_grace_tells(renewer: Granting, clock: Clock) -> None:
    held_leases = LeaseRenewer(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, grace_s=5, clock=clock)
    with held_leases.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        held_leases.release_all()
        held_leases.watch()
        assert (stop.reason, stop.asked) == (None, StopReason.SHUTDOWN)
        clock.now += 4.9
        held_leases.beat()
        held_leases.watch()
        assert stop.reason is None
        clock.now += 0.1
        held_leases.watch()
        assert stop.reason is StopReason.SHUTDOWN
