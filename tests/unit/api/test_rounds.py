"""The door's loop, over real sockets."""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.rounds import SOCKETS_A_ROUND, FewAtATime, make_loop

CROWD = 5 * SOCKETS_A_ROUND + 3


@pytest.fixture
def crowd() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Pairs of sockets; what is written to the second is read from the first."""
    with ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(CROWD)]
        for end in (end for pair in pairs for end in pair):
            stack.enter_context(end)
        yield pairs


def test_a_round_has_no_more_sockets_than_fit_and_the_others_follow(
    crowd: list[tuple[socket.socket, socket.socket]],
) -> None:
    with FewAtATime() as selector:
        for ours, theirs in crowd:
            selector.register(ours, selectors.EVENT_READ)
            theirs.send(b"x")
        rounds = []
        while ready := selector.select(0):
            rounds.append(len(ready))
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.recv(1)

    assert sum(rounds) == CROWD
    assert max(rounds) <= SOCKETS_A_ROUND + 1


def test_what_a_thread_has_found_comes_before_those_who_stand_in_the_queue(
    crowd: list[tuple[socket.socket, socket.socket]],
) -> None:
    with FewAtATime() as selector:
        waker, wake = crowd[0]
        for ours, _ in crowd:
            selector.register(ours, selectors.EVENT_READ)
        for _, theirs in crowd[1:]:
            theirs.send(b"x")
        wake.send(b"x")

        assert waker in {key.fileobj for key, _ in selector.select(0)}


def test_the_first_of_a_crowd_is_answered_before_the_last_is_read(
    crowd: list[tuple[socket.socket, socket.socket]],
) -> None:
    told: list[str] = []

    async def answer(end: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=end)
        await reader.readexactly(1)
        told.append("read")
        await asyncio.sleep(0)
        told.append("answered")
        writer.close()

    async def scenario() -> None:
        answers = [asyncio.create_task(answer(ours)) for ours, _ in crowd]
        await asyncio.sleep(0.05)  # so that all of them listen
        for _, theirs in crowd:
            theirs.send(b"x")
        await asyncio.gather(*answers)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(scenario())
    assert told.index("answered") < CROWD - 1


def test_threads_wake_the_loop() -> None:
    async def scenario() -> str:
        loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        threading.Thread(target=loop.call_soon_threadsafe, args=(found.set_result, "found")).start()
        return str(await found)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(scenario()) == "found"
