from __future__ import annotations

import socket
import threading
import time

import httpcore2
import pytest

from providers.wire import Overdue, Wire


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(clock: Clock) -> Wire:
    return Wire(stall_timeout_s=10, deadline_s=100, clock=clock)


def patience_of(wire: Wire, timeout_s: float | None) -> float:
    with wire.patience(timeout_s) as limit_s:
        return limit_s


def test_a_read_may_take_until_text_is_overdue(wire: Wire, clock: Clock) -> None:
    clock.now += 4
    assert patience_of(wire, 60) == 6


def test_the_librarys_own_timeout_holds_when_it_is_shorter(wire: Wire) -> None:
    assert patience_of(wire, 3) == 3


def test_text_starts_the_stall_timeout_anew_but_not_the_deadline(wire: Wire, clock: Clock) -> None:
    clock.now += 95
    wire.grew()
    assert patience_of(wire, None) == 5


def test_hurry_never_makes_the_deadline_later(wire: Wire, clock: Clock) -> None:
    wire.hurry(1)
    wire.hurry(500)
    assert patience_of(wire, None) == 1


def test_a_limit_that_has_passed_ends_the_wait_before_it_begins(wire: Wire, clock: Clock) -> None:
    clock.now += 10
    with pytest.raises(httpcore2.ReadTimeout):
        patience_of(wire, 60)
    assert wire.overdue is Overdue.TEXT


def test_the_deadline_is_named_when_text_kept_coming(wire: Wire, clock: Clock) -> None:
    clock.now += 99
    wire.grew()
    clock.now += 2
    with pytest.raises(httpcore2.ReadTimeout):
        patience_of(wire, 60)
    assert wire.overdue is Overdue.DEADLINE


def test_the_librarys_own_timeout_is_none_of_our_limits(wire: Wire) -> None:
    with pytest.raises(httpcore2.ReadTimeout), wire.patience(1):
        raise httpcore2.ReadTimeout
    assert wire.overdue is None


def test_between_two_reads_text_gathers(clock: Clock) -> None:
    wire = Wire(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 0.05, clock=clock)
    wire.gather()  # the first read is due at once
    began = time.monotonic()
    wire.gather()
    assert time.monotonic() - began >= 0.05
    clock.now += 0.05  # what was read took as long to understand
    wire.gather()


def test_a_cut_ends_the_gathering(clock: Clock) -> None:
    wire = Wire(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 3600, clock=clock)
    wire.gather()
    threading.Timer(0.01, wire.cut).start()
    wire.gather()  # would be an hour


def test_nothing_gathers_any_more_at_the_end_of_a_reply(clock: Clock) -> None:
    wire = Wire(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 3600, clock=clock)
    wire.gather()
    wire.hurry(1)
    wire.gather()  # would be an hour


def test_cutting_shuts_the_socket_that_is_waited_on(wire: Wire) -> None:
    left, right = socket.socketpair()
    with left, right, wire.waiting_on(left):
        wire.cut()
        assert left.recv(1) == b""


def test_cutting_leaves_a_socket_alone_that_is_no_longer_waited_on(wire: Wire) -> None:
    left, right = socket.socketpair()
    with left, right:
        with wire.waiting_on(left):
            pass
        wire.cut()
        right.sendall(b"x")
        assert left.recv(1) == b"x"


def test_a_wire_that_is_cut_lets_nothing_more_through(wire: Wire) -> None:
    wire.cut()
    left, right = socket.socketpair()
    with left, right, pytest.raises(httpcore2.ReadError), wire.waiting_on(left):
        pytest.fail("the wait must not begin")


def test_cutting_a_socket_that_is_closed_already_is_harmless(wire: Wire) -> None:
    left, right = socket.socketpair()
    with right, wire.waiting_on(left):
        left.close()
        wire.cut()
