from __future__ import annotations

import asyncio

import pytest

from api.crowd import LISTENERS, Crowd, Heard


def test_a_hundred_calls_look_once_and_all_hear_it_and_the_next_looks_again() -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return looks

    async def all_at_once() -> list[tuple[int, bool]]:
        crowd = Crowd()
        heard = await asyncio.gather(*(crowd.share("batch", look) for _ in range(100)))
        return [*heard, await crowd.share("batch", look)]

    assert asyncio.run(all_at_once()) == [(1, True), *[(1, False)] * 99, (2, True)]


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
        assert await crowd.share("s", work) == (7, True)

    asyncio.run(scenario())


def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    async def scenario() -> tuple[int, bool]:
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

    assert asyncio.run(scenario()) == (7, False)


def test_who_listens_hears_what_is_asked_just_now_and_never_makes_anybody_ask() -> None:
    async def scenario() -> list[object]:
        crowd, gate = Crowd(), asyncio.Event()

        async def look() -> int:
            await gate.wait()
            return 7

        early = await crowd.overhear("batch")
        asking = asyncio.create_task(crowd.share("batch", look))
        await asyncio.sleep(0)
        listening = [asyncio.create_task(crowd.overhear("batch")) for _ in range(3)]
        await asyncio.sleep(0)
        listening[0].cancel()  # and takes nothing from the others
        gate.set()
        heard = await asyncio.gather(*listening[1:])
        return [early, *heard, await asking, await crowd.overhear("batch")]

    assert asyncio.run(scenario()) == [Heard.NOTHING, 7, 7, (7, True), Heard.NOTHING]


def test_who_listens_is_not_told_of_an_error() -> None:
    async def scenario() -> None:
        crowd = Crowd()

        async def fail() -> int:
            await asyncio.sleep(0)
            raise LookupError

        asking = asyncio.create_task(crowd.share("s", fail))
        await asyncio.sleep(0)
        assert await crowd.overhear("s") is Heard.NOTHING
        with pytest.raises(LookupError):
            await asking

    asyncio.run(scenario())


def test_one_listener_too_many_sends_all_away_and_nobody_waits_after_him_until_the_next_question() -> None:
    async def scenario() -> None:
        crowd, gate = Crowd(), asyncio.Event()

        async def look() -> int:
            await gate.wait()
            return 7

        asking = asyncio.create_task(crowd.share("s", look))
        await asyncio.sleep(0)
        listening = [asyncio.create_task(crowd.overhear("s")) for _ in range(LISTENERS)]
        await asyncio.sleep(0)
        assert not any(listener.done() for listener in listening)
        assert await crowd.overhear("s") is Heard.THRONG
        assert await asyncio.gather(*listening) == [Heard.THRONG] * LISTENERS
        assert await crowd.overhear("s") is Heard.THRONG
        gate.set()
        assert await asking == (7, True)

        gate.clear()
        asking = asyncio.create_task(crowd.share("s", look))
        await asyncio.sleep(0)
        next_one = asyncio.create_task(crowd.overhear("s"))
        gate.set()
        assert await next_one == 7
        await asking

    asyncio.run(scenario())
