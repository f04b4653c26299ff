from __future__ import annotations

import asyncio

import pytest

from api.crowd import BELIEVED_S, Crowd


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_under_way_is_believed_for_a_moment_and_then_looked_up_again() -> None:
    clock = Clock()
    crowd = Crowd(clock)
    crowd.note_under_way("batch")
    assert crowd.is_under_way("batch")
    assert not crowd.is_under_way("another")
    clock.now = BELIEVED_S
    assert not crowd.is_under_way("batch")


def test_what_is_over_is_forgotten_at_once() -> None:
    crowd = Crowd()
    crowd.note_under_way("batch")
    crowd.forget("batch")
    assert not crowd.is_under_way("batch")


def test_memory_stays_bounded() -> None:
    crowd = Crowd(Clock())
    for number in range(10_100):
        crowd.note_under_way(number)
    assert not crowd.is_under_way(0)
    assert crowd.is_under_way(10_099)


def test_a_hundred_calls_look_once_and_all_hear_it() -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return looks

    async def all_at_once() -> list[int]:
        crowd = Crowd()
        heard = await asyncio.gather(*(crowd.share("batch", look) for _ in range(100)))
        return [*heard, await crowd.share("batch", look)]

    assert asyncio.run(all_at_once()) == [1] * 100 + [2]


def test_an_error_is_heard_by_all_and_not_kept() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise LookupError

    async def work() -> int:
        return 7

    async def scenario() -> None:
        crowd = Crowd()
        heard = await asyncio.gather(*(crowd.share("s", fail) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in heard] == [LookupError] * 3
        assert await crowd.share("s", work) == 7

    asyncio.run(scenario())


def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    async def scenario() -> int:
        crowd, gate = Crowd(), asyncio.Event()

        async def look() -> int:
            await gate.wait()
            return 7

        leaving = asyncio.create_task(crowd.share("s", look))
        staying = asyncio.create_task(crowd.share("s", look))
        await asyncio.sleep(0)
        leaving.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await staying

    assert asyncio.run(scenario()) == 7
