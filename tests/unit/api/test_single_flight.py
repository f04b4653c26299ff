from __future__ import annotations

import asyncio

import pytest

from api.single_flight import SingleFlight


def test_a_hundred_calls_look_once_and_all_hear_it_and_the_next_looks_again() -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return looks

    async def all_at_once() -> list[tuple[int, bool]]:
        flight = SingleFlight()
        heard = await asyncio.gather(*(flight.share("batch", look) for _ in range(100)))
        return [*heard, await flight.share("batch", look)]

    assert asyncio.run(all_at_once()) == [(1, True), *[(1, False)] * 99, (2, True)]


def test_an_error_is_heard_by_all_and_not_kept() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise LookupError

    async def work() -> int:
        return 7

    async def scenario() -> None:
        flight = SingleFlight()
        heard = await asyncio.gather(*(flight.share("s", fail) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in heard] == [LookupError] * 3
        assert await flight.share("s", work) == (7, True)

    asyncio.run(scenario())


def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    async def scenario() -> tuple[int, bool]:
        flight, gate = SingleFlight(), asyncio.Event()

        async def look() -> int:
            await gate.wait()
            return 7

        leaving = asyncio.create_task(flight.share("s", look))
        staying = asyncio.create_task(flight.share("s", look))
        await asyncio.sleep(0)
        leaving.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await staying

    assert asyncio.run(scenario()) == (7, False)
