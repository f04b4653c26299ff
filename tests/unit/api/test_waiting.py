from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notifications import Notifier, Subscription
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
def test_preferences_are_parsed_as_the_rfc_says(headers: list[str], expected: Preference) -> None:
    assert preference(headers) == expected


@given(st.lists(st.text(alphabet='wait=0123456789,;" \\respond-async', max_size=60), max_size=3))
def test_no_prefer_header_causes_an_error(headers: list[str]) -> None:
    preferred = preference(headers)

    assert preferred.wait_s is None or preferred.wait_s >= 0


@given(st.integers(0, 999_999), st.booleans())
def test_preference_applied_parses_to_the_same_preference(wait_s: int, respond_async: bool) -> None:
    preferred = Preference(wait_s=wait_s, respond_async=respond_async)

    assert preference([preferred.headers()["Preference-Applied"]]) == preferred


def test_the_timeout_is_the_preferred_one_within_bounds_else_the_default() -> None:
    def timeout(preferred: Preference) -> float:
        return preferred.timeout_s(default_s=45, longest_s=120)

    assert timeout(Preference()) == 45
    assert timeout(Preference(respond_async=True)) == 0
    assert timeout(Preference(wait_s=10)) == 10
    assert timeout(Preference(wait_s=10, respond_async=True)) == 10
    assert timeout(Preference(wait_s=999)) == 120
    assert Preference().headers() == {}


class Reads:
    """Counts how often a waiting call reads the rows."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> int:
        self.made += 1
        return self.made


def test_a_result_that_is_enough_at_once_is_not_waited_for() -> None:
    reads = Reads()
    seen = asyncio.run(wait_until(Subscription(), reads, enough=lambda made: made == 1, timeout_s=60))

    assert (seen, reads.made) == (1, 1)


def test_with_a_timeout_of_zero_the_rows_are_read_once() -> None:
    reads = Reads()
    seen = asyncio.run(wait_until(Subscription(), reads, enough=lambda _: False, timeout_s=0))

    assert (seen, reads.made) == (1, 1)


def test_the_rows_are_read_at_each_wake_up_and_once_more_at_the_timeout() -> None:
    async def waited() -> int:
        subscription, reads = Subscription(), Reads()

        async def look() -> int:
            if reads.made < 3:
                subscription.wake()
            return await reads()

        return await wait_until(subscription, look, enough=lambda _: False, timeout_s=0.5)

    assert asyncio.run(waited()) == 5


def test_a_closed_subscription_ends_the_wait() -> None:
    subscription = Subscription()
    subscription.close()
    reads = Reads()
    asyncio.run(wait_until(subscription, reads, enough=lambda _: False, timeout_s=60))

    assert reads.made == 1


def test_a_change_without_an_event_is_found_by_reading_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.waiting.REREAD_S", 0.01)
    seen = asyncio.run(wait_until(Subscription(), Reads(), enough=lambda made: made == 4, timeout_s=60))

    assert seen == 4


def test_a_closed_notifier_also_closes_later_subscriptions() -> None:
    async def closed() -> list[bool]:
        notifier = Notifier(lambda _: asyncio.sleep(0, {}), poll_s=1)
        with notifier.subscribed(SESSION) as before:
            notifier.close()
            with notifier.subscribed(SESSION) as after:
                return [before.closed, after.closed]

    assert asyncio.run(closed()) == [True, True]
