from __future__ import annotations

import asyncio

import pytest

from api.single_flight import SingleFlight


def test_a_hundred_equal_calls_share_one_query_and_the_next_call_queries_again() -> None:
    queries = 0

    async def query() -> int:
        nonlocal queries
        queries += 1
        await asyncio.sleep(0)
        return queries

    async def all_at_once() -> list[tuple[int, bool]]:
        flight = SingleFlight()
        results = await asyncio.gather(*(flight.share("batch", query) for _ in range(100)))
        return [*results, await flight.share("batch", query)]

    assert asyncio.run(all_at_once()) == [(1, True), *[(1, False)] * 99, (2, True)]


def test_all_callers_get_the_error_and_it_is_not_cached() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise LookupError

    async def work() -> int:
        return 7

    async def scenario() -> None:
        flight = SingleFlight()
        results = await asyncio.gather(*(flight.share("s", fail) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in results] == [LookupError] * 3
        assert await flight.share("s", work) == (7, True)

    asyncio.run(scenario())


def test_a_cancelled_caller_does_not_cancel_the_query_of_the_others() -> None:
    async def scenario() -> tuple[int, bool]:
        flight, may_answer = SingleFlight(), asyncio.Event()

        async def query() -> int:
            await may_answer.wait()
            return 7

        leaving = asyncio.create_task(flight.share("s", query))
        staying = asyncio.create_task(flight.share("s", query))
        await asyncio.sleep(0)
        leaving.cancel()
        may_answer.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await staying

    assert asyncio.run(scenario()) == (7, False)
