from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from api.notifications import Notifier

FIRST, SECOND = UUID(int=1), UUID(int=2)


class Numbers:
    """Replaces the event log: the latest event number of each session, and the sessions that were asked for."""

    def __init__(self) -> None:
        self.latest: dict[UUID, int] = {FIRST: 1, SECOND: 1}
        self.asked: list[frozenset[UUID]] = []
        self.is_down = False
        self.polled = asyncio.Event()

    async def __call__(self, seen: Mapping[UUID, int]) -> Mapping[UUID, int]:
        self.asked.append(frozenset(seen))
        self.polled.set()
        if self.is_down:
            raise ConnectionError
        return {
            session_id: self.latest[session_id]
            for session_id, number in seen.items()
            if self.latest[session_id] > number
        }

    async def next_poll(self) -> None:
        self.polled.clear()
        await self.polled.wait()


@contextlib.asynccontextmanager
async def running(numbers: Numbers) -> AsyncIterator[Notifier]:
    notifier = Notifier(numbers, poll_s=0.005)
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        task.cancel()


def test_a_new_number_wakes_the_readers_of_its_session_and_no_others() -> None:
    async def woken() -> list[bool]:
        numbers = Numbers()
        async with running(numbers) as notifier:
            with (
                notifier.subscribed(FIRST) as first,
                notifier.subscribed(FIRST) as too,
                notifier.subscribed(SECOND) as second,
            ):
                for subscription in (first, too, second):  # the first poll wakes every reader
                    assert await subscription.changed(5)
                    subscription.seen = 1
                numbers.latest[FIRST] = 2
                return [await first.changed(5), await too.changed(5), await second.changed(0.05)]

    assert asyncio.run(woken()) == [True, True, False]


def test_the_poll_wakes_only_those_who_have_not_read_it_yet() -> None:
    """Each event would be read twice, and every half second all readers would do so together."""

    async def woken() -> list[bool]:
        numbers = Numbers()
        async with running(numbers) as notifier:
            with (
                notifier.subscribed(FIRST, seen=1) as up_to_date,
                notifier.subscribed(FIRST, seen=0) as behind,
            ):
                return [await behind.changed(5), await up_to_date.changed(0.05)]

    assert asyncio.run(woken()) == [True, False]


def test_one_query_polls_all_sessions_and_none_is_made_without_readers() -> None:
    async def asked() -> tuple[frozenset[UUID], int]:
        numbers = Numbers()
        async with running(numbers) as notifier:
            with notifier.subscribed(FIRST), notifier.subscribed(SECOND):
                await numbers.next_poll()
            await asyncio.sleep(0.05)
            polls = len(numbers.asked)
            await asyncio.sleep(0.05)
            return numbers.asked[0], len(numbers.asked) - polls

    assert asyncio.run(asked()) == (frozenset({FIRST, SECOND}), 0)


def test_an_unreachable_database_only_delays_readers() -> None:
    async def woken() -> bool:
        numbers = Numbers()
        numbers.is_down = True
        async with running(numbers) as notifier:
            with notifier.subscribed(FIRST) as subscription:
                await numbers.next_poll()
                await numbers.next_poll()
                numbers.is_down = False
                return await subscription.changed(5)

    assert asyncio.run(woken()) is True


def test_a_wake_up_from_a_thread_reaches_only_the_readers_of_its_session() -> None:
    async def woken() -> list[bool]:
        numbers = Numbers()
        async with running(numbers) as notifier:
            with notifier.subscribed(FIRST, seen=1) as subscription:
                await numbers.next_poll()
                await asyncio.to_thread(notifier.wake_from_thread, SECOND)
                other_session = await subscription.changed(0.05)
                await asyncio.to_thread(notifier.wake_from_thread, FIRST)
                return [other_session, await subscription.changed(5)]

    assert asyncio.run(woken()) == [False, True]


def test_a_wake_up_before_the_start_or_after_the_end_is_ignored() -> None:
    async def notifier_that_ran() -> Notifier:
        async with running(Numbers()) as notifier:
            notifier.wake_from_thread(FIRST)
            with notifier.subscribed(FIRST) as subscription:
                assert await subscription.changed(5), "it goes on"
        return notifier

    asyncio.run(notifier_that_ran()).wake_from_thread(FIRST)


def test_readers_are_counted_only_while_they_are_subscribed() -> None:
    async def counts() -> list[int]:
        notifier = Notifier(Numbers(), poll_s=1)
        with notifier.subscribed(FIRST), notifier.subscribed(FIRST), notifier.subscribed(SECOND):
            inside = notifier.readers
        return [inside, notifier.readers]

    assert asyncio.run(counts()) == [3, 0]
