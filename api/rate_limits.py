"""How often one user may call: token buckets in Redis, shared by all API processes.

When Redis does not answer, every call is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from api.redis_script import TIMEOUT_S, RedisScript
from runtime.api_settings import ApiSettings
from runtime.settings import RedisSettings

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
        self._rates = rates
        self._take = RedisScript("take.lua", settings, timeout_s=timeout_s, unknown="limits_unknown")

    async def take(self, user_id: UUID, kind: Kind, /) -> float:
        rate = self._rates[kind]
        if rate.times == 0:
            return 0.0
        token_us = rate.period_s * 1_000_000 / rate.times
        wait_us = await self._take.run(f"{self._prefix}rate:{kind}:{user_id}", token_us, rate.times)
        return (wait_us or 0) / 1_000_000

    async def close(self) -> None:
        await self._take.close()
