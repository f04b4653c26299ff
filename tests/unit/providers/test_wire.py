from __future__ import annotations

import socket
import threading
import time

import httpcore2
import pytest

from providers.transport import Overdue, Transport


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Transport:
    return Transport(stall_timeout_s=10, deadline_s=100, clock=clock)


def retry_of(transport: Transport, timeout_s: float | None) -> float:
    with transport.timeout(timeout_s) as limit_s:
        return limit_s


def test_a_read_may_take_until_text_is_overdue(transport: Transport, clock: Clock) -> None:
    clock.now += 4
    assert retry_of(transport, 60) == 6


def test_the_librarys_own_timeout_holds_when_it_is_shorter(transport: Transport) -> None:
    assert retry_of(transport, 3) == 3


def test_text_starts_the_stall_timeout_again_but_not_the_deadline(transport: Transport, clock: Clock) -> None:
    clock.now += 95
    transport.grew()
    assert retry_of(transport, None) == 5


def test_hurry_never_makes_the_deadline_later(transport: Transport, clock: Clock) -> None:
    transport.hurry(1)
    transport.hurry(500)
    assert retry_of(transport, None) == 1


def test_a_limit_that_has_passed_ends_the_wait_before_it_begins(transport: Transport, clock: Clock) -> None:
    clock.now += 10
    with pytest.raises(httpcore2.ReadTimeout):
        retry_of(transport, 60)
    assert transport.overdue is Overdue.TEXT


def test_the_deadline_is_named_when_text_kept_coming(transport: Transport, clock: Clock) -> None:
    clock.now += 99
    transport.grew()
    clock.now += 2
    with pytest.raises(httpcore2.ReadTimeout):
        retry_of(transport, 60)
    assert transport.overdue is Overdue.DEADLINE


def test_the_librarys_own_timeout_is_none_of_our_limits(transport: Transport) -> None:
    with pytest.raises(httpcore2.ReadTimeout), transport.timeout(1):
        raise httpcore2.ReadTimeout
    assert transport.overdue is None


def test_between_two_reads_text_gathers(clock: Clock) -> None:
    transport = Transport(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 0.05, clock=clock)
    transport.gather()  # the first read is due at once
    began = time.monotonic()
    transport.gather()
    assert time.monotonic() - began >= 0.05
    clock.now += 0.05  # what was read took as long to understand
    transport.gather()


def test_a_cut_ends_the_gathering(clock: Clock) -> None:
    transport = Transport(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 3600, clock=clock)
    transport.gather()
    threading.Timer(0.01, transport.cut).start()
    transport.gather()  # would be an hour


def test_nothing_gathers_any_more_at_the_end_of_a_reply(clock: Clock) -> None:
    transport = Transport(stall_timeout_s=10, deadline_s=100, gather_s=lambda: 3600, clock=clock)
    transport.gather()
    transport.hurry(1)
    transport.gather()  # would be an hour


def test_cutting_shuts_the_socket_that_is_waited_on(transport: Transport) -> None:
    left, right = socket.socketpair()
    with left, right, transport.waiting_on(left):
        transport.cut()
        assert left.recv(1) == b""


def test_cutting_leaves_a_socket_alone_that_is_no_longer_waited_on(transport: Transport) -> None:
    left, right = socket.socketpair()
    with left, right:
        with transport.waiting_on(left):
            pass
        transport.cut()
        right.sendall(b"x")
        assert left.recv(1) == b"x"


def test_a_wire_that_is_cut_lets_nothing_more_through(transport: Transport) -> None:
    transport.cut()
    left, right = socket.socketpair()
    with left, right, pytest.raises(httpcore2.ReadError), transport.waiting_on(left):
        pytest.fail("the wait must not begin")


def test_cutting_a_socket_that_is_closed_already_is_harmless(transport: Transport) -> None:
    left, right = socket.socketpair()
    with right, transport.waiting_on(left):
        left.close()
        transport.cut()
