"""The signing keys of the Supabase project, refreshed in the background. A call with a known key does not wait."""

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

#: How long a call waits for a fetch that may bring its key: the first fetch, or one for an unknown key.
FETCH_WAIT_S = 2.0
#: Unknown keys start at most one fetch in this time, however many tokens name them. So a new key may be unknown that long.
EARLY_FETCH_PERIOD_S = 10.0
#: The pause after a failed fetch; it doubles after each further failure, up to the cap.
RETRY_BASE_S = 1.0
RETRY_CAP_S = 30.0

_HOUR_S = 3600.0


class UnknownKey(Exception):
    """The current key set has no key with this id."""


class NoKeySet(Exception):
    """No key set was fetched yet, or the last one is too old."""


class SigningKeys:
    """The last fetched key set, until it is older than `max_age_s`. Belongs to one event loop.

    `run` fetches, one fetch at a time. A set without usable keys never replaces a usable one.
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
        self._early_from = -math.inf  #: unknown keys start no fetch before this time
        self._is_fetching = False
        self._wanted = asyncio.Event()
        self._fetch_ended = asyncio.Event()  #: the end of the current fetch, or of the next one

    async def run(self) -> None:
        """Fetch at once and then periodically, or sooner when a call needs an unknown key, until cancelled."""
        while True:
            pause_s = await self.refresh()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()

    async def key(self, key_id: str) -> PyJWK:
        """The key with this id, within FETCH_WAIT_S. Raises UnknownKey or NoKeySet."""
        key = self._current().get(key_id)
        if key is None and self._may_fetch():
            await self._next_fetch()
            key = self._current().get(key_id)
        if key is not None:
            return key
        raise UnknownKey if self._current() else NoKeySet

    async def refresh(self) -> float:
        """Fetch once. Returns the seconds until the next fetch; never raises, whatever the endpoint does."""
        self._wanted.clear()
        self._is_fetching = True
        try:
            keys = await self._fetch()
        except KeySetUnavailable as problem:
            return self._failed(problem.outcome, str(problem))
        except Exception as error:  # noqa: BLE001 - if this task ended, no new key would ever be fetched
            return self._failed(FetchOutcome.ERROR, f"the fetch failed with {type(error).__name__}")
        else:
            return self._fetched(keys)
        finally:
            self._is_fetching = False
            self._fetch_ended.set()
            self._fetch_ended = asyncio.Event()

    def _current(self) -> KeySet:
        return self._keys if self._clock() - self._fetched_at <= self._max_age_s else {}

    def _may_fetch(self) -> bool:
        return self._is_fetching or self._clock() >= self._early_from

    async def _next_fetch(self) -> None:
        """Wait, at most FETCH_WAIT_S, for the end of the current fetch, or of one that this call starts."""
        if not self._is_fetching:
            self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(FETCH_WAIT_S):
                await self._fetch_ended.wait()

    def _fetched(self, keys: KeySet) -> float:
        is_changed = self._failures > 0 or keys.keys() != self._keys.keys()
        self._keys, self._fetched_at, self._failures = keys, self._clock(), 0
        self._early_from = self._clock() + EARLY_FETCH_PERIOD_S
        self._metrics.jwks_fetches.labels(FetchOutcome.FETCHED).inc()
        self._metrics.jwks_fetched.set_to_current_time()
        write = log.info if is_changed else log.debug
        write("jwks_fetched", keys=len(keys))
        return self._refresh_s

    def _failed(self, outcome: FetchOutcome, problem: str) -> float:
        pause_s = min(RETRY_BASE_S * 2.0 ** min(self._failures, 16), RETRY_CAP_S, self._refresh_s)
        self._failures += 1
        self._early_from = math.inf  # during the pause, unknown keys start no fetch
        self._metrics.jwks_fetches.labels(outcome).inc()
        fields = {"outcome": outcome.value, "problem": problem, "retry_in_s": pause_s}
        if self._current():
            age_s = self._clock() - self._fetched_at
            left_s = self._max_age_s - age_s
            log.warning("jwks_fetch_failed", **fields, serving_set_of_s=round(age_s), for_s=round(left_s))
        else:
            log.error("jwks_fetch_failed", **fields, answered="503 to tokens that are signed with keys")
        return pause_s


def make_signing_keys(settings: SigningKeySettings, metrics: ApiMetrics) -> SigningKeys | None:
    """The keys of the configured address; None when none is configured."""
    if settings.supabase_jwks_url is None:
        return None
    return SigningKeys(
        partial(fetch_key_set, settings.supabase_jwks_url),
        refresh_s=settings.supabase_jwks_refresh_s,
        max_age_s=settings.supabase_jwks_max_age_h * _HOUR_S,
        metrics=metrics,
    )
