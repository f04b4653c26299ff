from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hub import Hub, Watch
from api.waiting import Preference, preference, wait_until

SESSION = UUID(int=7)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preference()),
        (["respond-async"], Preference(respond_async=True)),
        (["wait=10"], Preference(wait_s=10)),
        (["Respond-Async, WAIT = 10"], Preference(wait_s=10, respond_async=True)),
        (["respond-async", "wait=10"], Preference(wait_s=10, respond_async=True)),
        (['wait="30"'], Preference(wait_s=30)),
        (["wait=5, wait=50"], Preference(wait_s=5)),
        (["wait=5; unit=seconds"], Preference(wait_s=5)),
        (['note="a, wait=99; b", wait=3'], Preference(wait_s=3)),
        (["wait=0"], Preference(wait_s=0)),
        (["wait"], Preference()),
        (["wait="], Preference()),
        (["wait=-1"], Preference()),
        (["wait=1.5"], Preference()),
        (["wait=soon"], Preference()),
        (["wait=٣"], Preference()),
        (["wait=" + "9" * 5000], Preference()),
        (["return=minimal, handling=lenient"], Preference()),
        ([", ,;,=,"], Preference()),
        (['"wait=5'], Preference(wait_s=5)),
    ],
)
def test_preferences_are_read_as_the_rfc_has_them(headers: list[str], expected: Preference) -> None:
    assert preference(headers) == expected


@given(st.lists(st.text(alphabet='wait=0123456789,;" \\respond-async', max_size=60), max_size=3))
def test_a_wish_is_never_a_reason_to_fail(headers: list[str]) -> None:
    wish = preference(headers)

    assert wish.wait_s is None or wish.wait_s >= 0


@given(st.integers(0, 999_999), st.booleans())
def test_what_is_applied_can_be_preferred_again(wait_s: int, respond_async: bool) -> None:
    wish = Preference(wait_s=wait_s, respond_async=respond_async)

    assert preference([wish.headers()["Preference-Applied"]]) == wish


def test_patience_is_as_asked_within_bounds_and_the_default_for_who_says_nothing() -> None:
    def patience(wish: Preference) -> float:
        return wish.patience_s(default_s=45, longest_s=120)

    assert patience(Preference()) == 45
    assert patience(Preference(respond_async=True)) == 0
    assert patience(Preference(wait_s=10)) == 10
    assert patience(Preference(wait_s=10, respond_async=True)) == 10
    assert patience(Preference(wait_s=999)) == 120
    assert Preference().headers() == {}


class Looks:
    """What a waiting call sees: a number that counts its looks."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> int:
        self.made += 1
        return self.made


def test_what_is_there_already_is_not_waited_for() -> None:
    looks = Looks()
    seen = asyncio.run(wait_until(Watch(), looks, enough=lambda made: made == 1, patience_s=60))

    assert (seen, looks.made) == (1, 1)


def test_without_patience_there_is_one_look() -> None:
    looks = Looks()
    seen = asyncio.run(wait_until(Watch(), looks, enough=lambda _: False, patience_s=0))

    assert (seen, looks.made) == (1, 1)


def test_each_ring_is_a_look_and_the_end_of_the_patience_is_one_more() -> None:
    async def waited() -> int:
        watch, looks = Watch(), Looks()

        async def look() -> int:
            if looks.made < 3:
                watch.ring()
            return await looks()

        return await wait_until(watch, look, enough=lambda _: False, patience_s=0.05)

    assert asyncio.run(waited()) == 5


def test_a_closed_watch_ends_the_waiting() -> None:
    watch = Watch()
    watch.close()
    looks = Looks()
    asyncio.run(wait_until(watch, looks, enough=lambda _: False, patience_s=60))

    assert looks.made == 1


def test_a_change_without_an_event_is_seen_by_looking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.waiting.LOOK_AGAIN_S", 0.01)
    seen = asyncio.run(wait_until(Watch(), Looks(), enough=lambda made: made == 4, patience_s=60))

    assert seen == 4


def test_a_hub_that_is_closed_closes_later_watches_too() -> None:
    async def closed() -> list[bool]:
        hub = Hub(lambda _: asyncio.sleep(0, {}), poll_s=1)
        with hub.watching(SESSION) as before:
            hub.close()
            with hub.watching(SESSION) as after:
                return [before.closed, after.closed]

    assert asyncio.run(closed()) == [True, True]
