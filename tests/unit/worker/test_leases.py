from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import Batch, Claim, Section, SessionKind, Track, Urgency
from generation.stop import StopReason
from worker.leases import Lease, LeaseKeeper
from worker.lock import HeldLock

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
        self.takes_s = 0.0
        self.error: Exception | None = None

    def renew(self, held: Sequence[Lease], ttl_s: float) -> set[Lease]:
        self.clock.now += self.takes_s
        if self.error:
            raise self.error
        return set(held) - self.refused


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def renewer(clock: Clock) -> Granting:
    return Granting(clock)


@pytest.fixture
def keeper(renewer: Granting, clock: Clock) -> LeaseKeeper:
    return LeaseKeeper(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, clock=clock)


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


def test_a_renewed_lease_goes_on(keeper: LeaseKeeper, clock: Clock) -> None:
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        for _ in range(20):
            clock.now += HEARTBEAT_S
            keeper.beat()
            keeper.watch()
        assert stop.reason is None


def test_a_lease_that_is_no_longer_granted_stops_its_run_and_no_other(
    keeper: LeaseKeeper, renewer: Granting, clock: Clock
) -> None:
    lost, kept = claim(), claim()
    renewer.refused = {(lost.session_id, 0, 1)}
    with (
        keeper.kept(lost, FREE, claimed_at=clock.now, deadline_s=1000) as lost_stop,
        keeper.kept(kept, FREE, claimed_at=clock.now, deadline_s=1000) as kept_stop,
    ):
        keeper.beat()
        assert lost_stop.reason is StopReason.LEASE_LOST
        assert kept_stop.reason is None


def test_without_postgres_a_run_stops_before_its_lease_can_be_anothers(
    keeper: LeaseKeeper, renewer: Granting, clock: Clock
) -> None:
    renewer.error = ConnectionError()
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        clock.now += TTL_S - HEARTBEAT_S
        keeper.watch()
        assert stop.reason is None
        clock.now += HEARTBEAT_S - 0.5
        keeper.watch()
        assert stop.reason is StopReason.LEASE_LOST


@given(takes_s=st.floats(0, 60))
def test_however_long_a_renewal_takes_trust_counts_from_its_start(takes_s: float) -> None:
    """A renewal decided in Postgres at its start must not be trusted from the moment we heard of it."""
    clock = Clock()
    renewer = Granting(clock)
    keeper = LeaseKeeper(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, clock=clock)
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as stop:
        renewer.takes_s = takes_s
        keeper.beat()
        keeper.watch()
        assert (stop.reason is StopReason.LEASE_LOST) == (takes_s >= TTL_S - HEARTBEAT_S / 2)


def test_a_run_past_its_deadline_stops(keeper: LeaseKeeper, clock: Clock) -> None:
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=3) as stop:
        clock.now += 2
        keeper.beat()
        keeper.watch()
        assert stop.reason is None
        clock.now += 1
        keeper.watch()
        assert stop.reason is StopReason.DEADLINE


def test_a_shutdown_stops_runs_that_are_there_and_those_that_come(keeper: LeaseKeeper, clock: Clock) -> None:
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as early:
        keeper.hand_back_all()
        keeper.watch()
        with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000) as late:
            keeper.watch()
            assert (early.reason, late.reason) == (StopReason.SHUTDOWN, StopReason.SHUTDOWN)


def test_a_finished_run_is_renewed_no_more(keeper: LeaseKeeper, renewer: Granting, clock: Clock) -> None:
    asked: list[int] = []

    def note(held: Sequence[Lease], ttl_s: float) -> set[Lease]:
        asked.append(len(held))
        return set(held)

    renewer.renew = note  # type: ignore[method-assign]  # the simplest spy
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=1000):
        keeper.beat()
    keeper.beat()
    assert asked == [1]


@pytest.fixture
def started(renewer: Granting) -> Iterator[LeaseKeeper]:
    keeper = LeaseKeeper(renewer, ttl_s=0.9, heartbeat_s=0.1)
    keeper.start()
    yield keeper
    keeper.close()


def test_the_threads_keep_the_beat_and_the_watch(started: LeaseKeeper, renewer: Granting) -> None:
    import threading
    import time

    woken = threading.Event()
    with started.kept(claim(), FREE, claimed_at=time.monotonic(), deadline_s=0.3) as stop:
        with stop.waking(woken.set):
            assert woken.wait(5)
        assert stop.reason is StopReason.DEADLINE


def test_a_failing_heartbeat_is_tried_again(started: LeaseKeeper, renewer: Granting) -> None:
    import threading
    import time

    calls: list[float] = []
    again = threading.Event()

    def fail(held: Sequence[Lease], ttl_s: float) -> set[Lease]:
        calls.append(time.monotonic())
        if len(calls) > 1:
            again.set()
        raise ConnectionError

    renewer.renew = fail  # type: ignore[method-assign]  # the simplest spy
    with started.kept(claim(), FREE, claimed_at=time.monotonic(), deadline_s=100):
        assert again.wait(5)


def test_none_of_a_thousand_healthy_slow_streams_is_taken_for_dead() -> None:
    """Simulated time: four minutes of heartbeats that are late, slow, or now and then missed altogether."""
    clock, rng = Clock(), random.Random(20261122)
    renewer = Granting(clock)
    keeper = LeaseKeeper(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, clock=clock)
    with ExitStack() as stack:
        stops = [
            stack.enter_context(keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=240))
            for _ in range(1000)
        ]
        began, missed = clock.now, False
        while clock.now - began < 235:
            clock.now += HEARTBEAT_S + rng.uniform(0, 0.3)
            missed = not missed and rng.random() < 0.1
            renewer.takes_s, renewer.error = rng.uniform(0, 0.5), LookupError() if missed else None
            with suppress(LookupError):
                keeper.beat()
            keeper.watch()
        assert [stop.reason for stop in stops] == [None] * 1000


def test_no_wall_clock_has_a_say(keeper: LeaseKeeper, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps by a day, in either direction, changes nothing."""
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        for jump_s in (-86_400, 86_400):
            monkeypatch.setattr(time, "time", lambda jump_s=jump_s: 1_000_000_000.0 + jump_s)
            clock.now += 1
            keeper.beat()
            keeper.watch()
        assert stop.reason is None


def test_a_batch_claimed_on_the_way_out_is_not_begun(keeper: LeaseKeeper, clock: Clock) -> None:
    keeper.hand_back_all()
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        assert stop.asked is StopReason.SHUTDOWN


def test_a_shutdown_first_asks_and_after_the_grace_tells(renewer: Granting, clock: Clock) -> None:
    keeper = LeaseKeeper(renewer, ttl_s=TTL_S, heartbeat_s=HEARTBEAT_S, grace_s=5, clock=clock)
    with keeper.kept(claim(), FREE, claimed_at=clock.now, deadline_s=100) as stop:
        keeper.hand_back_all()
        keeper.watch()
        assert (stop.reason, stop.asked) == (None, StopReason.SHUTDOWN)
        clock.now += 4.9
        keeper.beat()
        keeper.watch()
        assert stop.reason is None
        clock.now += 0.1
        keeper.watch()
        assert stop.reason is StopReason.SHUTDOWN
