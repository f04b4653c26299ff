"""The key set over time: a clock that the test sets, and an endpoint that it scripts."""

from __future__ import annotations

import asyncio
import itertools
import math
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from api import signing_keys
from api.metrics import ApiMetrics
from api.signing_keys import (
    EARLY_FETCH_PERIOD_S,
    RETRY_CAP_S,
    NoKeySet,
    SigningKeys,
    UnknownKey,
    make_signing_keys,
)
from runtime.api_settings import SigningKeySettings
from runtime.jwks import FetchOutcome, KeySet, KeySetUnavailable, read_key_set
from tests.support.published_keys import published

KEY = ec.generate_private_key(ec.SECP256R1())
REFRESH_S, MAX_AGE_S = 300.0, 3600.0


class Endpoint:
    """Publishes keys with these ids, or fails. Every fetch waits for `may_answer`, if it is set."""

    def __init__(self, *kids: str) -> None:
        self.kids = kids
        self.failure: Exception | None = None
        self.may_answer: asyncio.Event | None = None
        self.fetches = 0

    async def fetch(self) -> KeySet:
        self.fetches += 1
        if self.may_answer is not None:
            await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return read_key_set(published(dict.fromkeys(self.kids, KEY)))


class World:
    def __init__(self, *kids: str) -> None:
        self.now_s = 0.0
        self.endpoint = Endpoint(*kids)
        self.metrics = ApiMetrics()
        self.keys = SigningKeys(
            self.endpoint.fetch,
            refresh_s=REFRESH_S,
            max_age_s=MAX_AGE_S,
            metrics=self.metrics,
            clock=lambda: self.now_s,
        )

    def fails(self, problem: str = "it answers 404") -> None:
        self.endpoint.failure = KeySetUnavailable(FetchOutcome.STATUS, problem)

    def recovers(self) -> None:
        self.endpoint.failure = None

    async def knows(self, kid: str) -> bool:
        try:
            await self.keys.key(kid)
        except UnknownKey:
            return False
        return True

    def counted(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("tafawoq_jwks_fetches_total", {"outcome": outcome}) or 0


async def turns(count: int = 20) -> None:
    """Let every ready task run."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_known_key_is_returned_while_a_fetch_hangs() -> None:
    async def play() -> None:
        world = World("current")
        await world.keys.refresh()
        world.endpoint.may_answer = asyncio.Event()
        hanging = asyncio.create_task(world.keys.refresh())
        await turns()
        assert world.endpoint.fetches == 2
        # The coroutine ends in one step, so it does not wait.
        with pytest.raises(StopIteration):
            world.keys.key("current").send(None)
        hanging.cancel()

    asyncio.run(play())


def test_the_last_set_is_used_until_its_maximum_age_and_a_failure_never_replaces_it() -> None:
    async def play() -> None:
        world = World("current")
        await world.keys.refresh()
        world.fails()
        for world.now_s in (300.0, 301.0, MAX_AGE_S):
            await world.keys.refresh()
            assert await world.knows("current")
        world.now_s = MAX_AGE_S + 1
        with pytest.raises(NoKeySet):
            await world.keys.key("current")
        world.recovers()
        await world.keys.refresh()
        assert await world.knows("current")

    asyncio.run(play())


def test_a_withdrawn_key_is_unknown_after_the_next_fetch() -> None:
    async def play() -> None:
        world = World("old", "new")
        await world.keys.refresh()
        world.endpoint.kids = ("new",)
        await world.keys.refresh()
        assert (await world.knows("old"), await world.knows("new")) == (False, True)

    asyncio.run(play())


def test_pauses_grow_after_failures_up_to_the_cap_and_restart_after_a_success() -> None:
    async def play() -> None:
        world = World("current")
        world.fails()
        pauses = [await world.keys.refresh() for _ in range(40)]
        assert pauses[:5] == [1, 2, 4, 8, 16]
        assert pauses[5:] == [RETRY_CAP_S] * 35
        world.recovers()
        assert await world.keys.refresh() == REFRESH_S
        world.fails()
        assert await world.keys.refresh() == 1

    asyncio.run(play())


def test_an_unforeseen_error_counts_as_a_failure_and_does_not_end_the_refresh() -> None:
    async def play() -> None:
        world = World("current")
        world.endpoint.failure = ZeroDivisionError("a secret")
        with capture_logs() as logs:
            assert await world.keys.refresh() == 1
        assert world.counted("error") == 1
        assert "a secret" not in str(logs)

    asyncio.run(play())


def test_any_number_of_unknown_keys_starts_one_fetch_in_a_period() -> None:
    async def play() -> None:
        world = World("current")
        running = asyncio.create_task(world.keys.run())
        await turns()
        assert world.endpoint.fetches == 1
        for period in (1, 2):
            world.now_s += EARLY_FETCH_PERIOD_S
            asked = [asyncio.create_task(world.knows(f"made-up-{number}")) for number in range(30)]
            assert await asyncio.gather(*asked) == [False] * 30
            assert world.endpoint.fetches == 1 + period
            assert not any([await world.knows(f"late-{number}") for number in range(30)])
            assert world.endpoint.fetches == 1 + period
        running.cancel()

    asyncio.run(play())


def test_unknown_keys_start_no_fetch_while_the_endpoint_fails() -> None:
    async def play() -> None:
        world = World("current")
        await world.keys.refresh()
        world.fails()
        world.now_s = REFRESH_S
        await world.keys.refresh()
        world.now_s += 100 * EARLY_FETCH_PERIOD_S
        assert not any([await world.knows(f"made-up-{number}") for number in range(30)])
        assert world.endpoint.fetches == 2

    asyncio.run(play())


def test_a_new_key_is_fetched_at_the_first_call_that_names_it() -> None:
    async def play() -> None:
        world = World("old")
        running = asyncio.create_task(world.keys.run())
        await turns()
        world.endpoint.kids = ("old", "new")
        world.now_s = EARLY_FETCH_PERIOD_S
        assert await world.knows("new")
        running.cancel()

    asyncio.run(play())


def test_the_first_calls_of_a_process_share_the_first_fetch() -> None:
    async def play() -> None:
        world = World("current")
        world.endpoint.may_answer = asyncio.Event()
        running = asyncio.create_task(world.keys.run())
        students = [asyncio.create_task(world.knows("current")) for _ in range(8)]
        await turns()
        assert not any(student.done() for student in students)
        world.endpoint.may_answer.set()
        assert await asyncio.gather(*students) == [True] * 8
        assert world.endpoint.fetches == 1
        running.cancel()

    asyncio.run(play())


@pytest.mark.parametrize("known", [(), ("current",)])
def test_a_call_waits_for_a_fetch_only_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, known: tuple[str, ...]
) -> None:
    async def play() -> None:
        world = World("current")
        if known:
            await world.keys.refresh()
        world.endpoint.may_answer = asyncio.Event()
        hanging = asyncio.create_task(world.keys.refresh())
        await turns()
        monkeypatch.setattr(signing_keys, "FETCH_WAIT_S", 0.01)
        with pytest.raises(UnknownKey if known else NoKeySet):
            await world.keys.key("new")
        assert not hanging.done()
        hanging.cancel()

    asyncio.run(play())


def test_without_a_key_set_no_call_waits_in_the_pause_after_a_failure() -> None:
    async def play() -> None:
        world = World("current")
        world.fails()
        await world.keys.refresh()
        with pytest.raises(NoKeySet):
            world.keys.key("current").send(None)

    asyncio.run(play())


def test_the_log_and_the_metrics_say_how_old_the_set_is_and_why() -> None:
    async def play() -> list[Any]:
        world = World("current")
        assert math.isnan(fetched_at(world))
        with capture_logs() as logs:
            world.fails("it answers 404")
            await world.keys.refresh()
            world.recovers()
            await world.keys.refresh()
            await world.keys.refresh()
            world.fails("it answers 404")
            world.now_s = 600.0
            await world.keys.refresh()
        assert (world.counted("fetched"), world.counted("status")) == (2, 2)
        assert fetched_at(world) > 0
        return logs

    cold, fetched, again, stale = asyncio.run(play())
    assert (cold["event"], cold["log_level"]) == ("jwks_fetch_failed", "error")
    assert (fetched["event"], fetched["log_level"], fetched["keys"]) == ("jwks_fetched", "info", 1)
    assert again["log_level"] == "debug"
    assert (stale["log_level"], stale["problem"]) == ("warning", "it answers 404")
    assert (stale["serving_set_of_s"], stale["for_s"], stale["retry_in_s"]) == (600, 3000, 1)


def fetched_at(world: World) -> float:
    value = world.metrics.registry.get_sample_value("tafawoq_jwks_fetched_timestamp_seconds")
    assert value is not None
    return value


@pytest.mark.parametrize("order", list(itertools.permutations(["succeed", "fail", "ask"], 3)))
def test_in_every_order_of_events_a_fetched_set_stays(order: tuple[str, ...]) -> None:
    async def play() -> None:
        world = World("current")
        await world.keys.refresh()
        for step in order:
            if step == "ask":
                await world.knows("made-up")
            else:
                world.fails() if step == "fail" else world.recovers()
                await world.keys.refresh()
            assert await world.knows("current")

    asyncio.run(play())


def test_without_an_address_there_are_no_signing_keys() -> None:
    assert make_signing_keys(SigningKeySettings(), ApiMetrics()) is None
