"""How often one user may call: token buckets in Redis, shared by all API processes.

When Redis does not answer, every call is allowed. Redis is then not asked for a moment, so that calls do not
all wait for the time limit.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Protocol
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from runtime.api_settings import ApiSettings
from runtime.redis import make_async_redis
from runtime.redis_refusals import redis_refusal
from runtime.settings import RedisSettings

log = structlog.get_logger(__name__)

#: How long a call waits for Redis, in seconds.
TIMEOUT_S = 0.25

#: How many calls are counted at once, each over its own connection; the others wait.
CONCURRENT_COUNTS = 16

#: How long Redis is not asked after it did not answer.
_REDIS_PAUSE_S = 2.0

_MINUTE_S = 60.0
_HOUR_S = 3600.0


class Kind(StrEnum):
    """What is counted: every call, and every new session, which spends money."""

    CALLS = "calls"
    SESSIONS = "sessions"


class Limits(Protocol):
    async def take(self, user_id: UUID, kind: Kind, /) -> float:
        """Count one call. Returns 0 when it is allowed, else the seconds until one is allowed. Never raises."""

    async def close(self) -> None:
        """Release the connections."""


class Unlimited:
    async def take(self, _user_id: UUID, _kind: Kind, /) -> float:
        return 0.0

    async def close(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Rate:
    """`times` calls in each `period_s`, also all at once; the bucket refills evenly. 0 times: no limit."""

    times: int
    period_s: float


def rates(settings: ApiSettings) -> dict[Kind, Rate]:
    return {
        Kind.CALLS: Rate(settings.api_calls_per_minute, _MINUTE_S),
        Kind.SESSIONS: Rate(settings.api_sessions_per_hour, _HOUR_S),
    }


class SharedLimits:
    """Limits kept in Redis. Belongs to the event loop of its first call."""

    def __init__(
        self, settings: RedisSettings, rates: dict[Kind, Rate], *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._prefix = settings.redis_key_prefix
        self._password = settings.redis_address.password
        self._rates = rates
        self._turns = asyncio.Semaphore(CONCURRENT_COUNTS)
        self._redis = make_async_redis(settings, timeout_s=timeout_s)
        self._take = self._redis.register_script(files("api").joinpath("lua/take.lua").read_text("utf-8"))
        self._ask_again_at = 0.0

    async def take(self, user_id: UUID, kind: Kind, /) -> float:
        rate = self._rates[kind]
        if rate.times == 0:
            return 0.0
        async with self._turns:
            return await self._counted(rate, f"{self._prefix}rate:{kind}:{user_id}")

    async def _counted(self, rate: Rate, bucket: str) -> float:
        if time.monotonic() < self._ask_again_at:
            return 0.0
        token_us = rate.period_s * 1_000_000 / rate.times
        try:
            wait_us = await self._take(keys=[bucket], args=[token_us, rate.times])
        except RedisError as err:
            self._ask_again_at = time.monotonic() + _REDIS_PAUSE_S
            says = redis_refusal(err, self._password).says
            log.warning("limits_unknown", error=type(err).__name__, says=says, retry_in_s=_REDIS_PAUSE_S)
            return 0.0
        return float(wait_us) / 1_000_000

    async def close(self) -> None:
        await self._redis.aclose()
