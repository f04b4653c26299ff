"""The signing keys of the project, kept fresh in the background; a call whose key is known waits for nothing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog
from jwt import PyJWK

from api.metrics import ApiMetrics
from runtime.api_settings import SigningKeySettings
from runtime.jwks import FetchOutcome, KeySet, KeySetUnavailable, fetch_key_set

log = structlog.get_logger(__name__)

#: How long a call waits for a fetch that may bring its key: the first of a process, or one for an unknown key.
FETCH_WAIT_S = 2.0
#: Unknown keys start one fetch in this time, however many tokens name them. So long may a new key be unknown.
EARLY_FETCH_PERIOD_S = 10.0
#: After a failure the next fetch waits this long, and after each further one twice as long, up to the cap.
RETRY_BASE_S = 1.0
RETRY_CAP_S = 30.0

_HOUR_S = 3600.0


class UnknownKey(Exception):
    """The key set in force has no key of this id."""


class NoKeySet(Exception):
    """No key set could be fetched yet, or the last one is too old to be trusted."""


class SigningKeys:
    """The last key set that could be fetched, for as long as it may be used. Of one event loop.

    `run` fetches, one fetch at a time. A set without usable keys never replaces one that has some.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        *,
        refresh_s: float,
        max_age_s: float,
        metrics: ApiMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._refresh_s = refresh_s
        self._max_age_s = max_age_s
        self._metrics = metrics
        self._clock = clock
        self._keys: KeySet = {}
        self._fetched_at = -math.inf
        self._failures = 0  #: since the last success
        self._early_from = -math.inf  #: unknown keys start no fetch before
        self._is_fetching = False
        self._wanted = asyncio.Event()
        self._fetch_ended = asyncio.Event()  #: of the fetch under way, or the next one

    async def run(self) -> None:
        """Fetch at once and then periodically, sooner when a call asks for it, until cancelled."""
        while True:
            pause_s = await self.refresh()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()

    async def key(self, key_id: str) -> PyJWK:
        """The key of this id. Raises UnknownKey or NoKeySet, within FETCH_WAIT_S."""
        key = self._in_force().get(key_id)
        if key is None and self._may_learn():
            await self._next_fetch()
            key = self._in_force().get(key_id)
        if key is not None:
            return key
        raise UnknownKey if self._in_force() else NoKeySet

    async def refresh(self) -> float:
        """Fetch once. The seconds until the next fetch is due; never raises for what the endpoint does."""
        self._wanted.clear()
        self._is_fetching = True
        try:
            keys = await self._fetch()
        except KeySetUnavailable as problem:
            return self._failed(problem.outcome, str(problem))
        except Exception as error:  # noqa: BLE001 - without this task no new key would ever be learned
            return self._failed(FetchOutcome.ERROR, f"the fetch failed with {type(error).__name__}")
        else:
            return self._fetched(keys)
        finally:
            self._is_fetching = False
            self._fetch_ended.set()
            self._fetch_ended = asyncio.Event()

    def _in_force(self) -> KeySet:
        return self._keys if self._clock() - self._fetched_at <= self._max_age_s else {}

    def _may_learn(self) -> bool:
        return self._is_fetching or self._clock() >= self._early_from

    async def _next_fetch(self) -> None:
        """Return when the fetch under way, or else the one that this call starts, has ended; or after a while."""
        if not self._is_fetching:
            self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(FETCH_WAIT_S):
                await self._fetch_ended.wait()

    def _fetched(self, keys: KeySet) -> float:
        is_news = self._failures > 0 or keys.keys() != self._keys.keys()
        self._keys, self._fetched_at, self._failures = keys, self._clock(), 0
        self._early_from = self._clock() + EARLY_FETCH_PERIOD_S
        self._metrics.jwks_fetches.labels(FetchOutcome.FETCHED).inc()
        self._metrics.jwks_fetched.set_to_current_time()
        tell = log.info if is_news else log.debug
        tell("jwks_fetched", keys=len(keys))
        return self._refresh_s

    def _failed(self, outcome: FetchOutcome, problem: str) -> float:
        pause_s = min(RETRY_BASE_S * 2.0 ** min(self._failures, 16), RETRY_CAP_S, self._refresh_s)
        self._failures += 1
        self._early_from = math.inf  # the pause holds for everybody
        self._metrics.jwks_fetches.labels(outcome).inc()
        told = {"outcome": outcome.value, "problem": problem, "retry_in_s": pause_s}
        if self._in_force():
            age_s = self._clock() - self._fetched_at
            left_s = self._max_age_s - age_s
            log.warning("jwks_fetch_failed", **told, serving_set_of_s=round(age_s), for_s=round(left_s))
        else:
            log.error("jwks_fetch_failed", **told, answered="503 to tokens that are signed with keys")
        return pause_s


def make_signing_keys(settings: SigningKeySettings, metrics: ApiMetrics) -> SigningKeys | None:
    """What keeps the keys of the configured address; None without one."""
    if settings.supabase_jwks_url is None:
        return None
    return SigningKeys(
        partial(fetch_key_set, settings.supabase_jwks_url),
        refresh_s=settings.supabase_jwks_refresh_s,
        max_age_s=settings.supabase_jwks_max_age_h * _HOUR_S,
        metrics=metrics,
    )
