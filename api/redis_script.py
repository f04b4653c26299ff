"""A Lua script in Redis that calls ask, with bounds: a Redis that does not answer delays them only for a moment."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files

import structlog
from redis.exceptions import RedisError

from runtime.redis import make_async_redis
from runtime.redis_refusals import redis_refusal
from runtime.settings import RedisSettings

log = structlog.get_logger(__name__)

#: How long a call waits for Redis, in seconds.
TIMEOUT_S = 0.25

#: How many calls ask at once, each over its own connection; the others wait.
CONCURRENT_CALLS = 16

#: How long Redis is not asked after it did not answer.
_PAUSE_S = 2.0


class RedisScript:
    """The script of this name in api/lua. Belongs to the event loop of its first call.

    `unknown`: the log event that says that Redis did not answer.
    """

    def __init__(self, name: str, settings: RedisSettings, *, timeout_s: float, unknown: str) -> None:
        self._unknown = unknown
        self._password = settings.redis_address.password
        self._redis = make_async_redis(settings, timeout_s=timeout_s)
        self._script = self._redis.register_script(files("api").joinpath(f"lua/{name}").read_text("utf-8"))
        self._turns = asyncio.Semaphore(CONCURRENT_CALLS)
        self._ask_again_at = 0.0

    async def run(self, key: str, *args: str | float) -> int | None:
        """What the script returns; None when Redis does not answer."""
        async with self._turns:
            if time.monotonic() < self._ask_again_at:
                return None
            try:
                return int(await self._script(keys=[key], args=args))
            except RedisError as err:
                self._ask_again_at = time.monotonic() + _PAUSE_S
                says = redis_refusal(err, self._password).says
                log.warning(self._unknown, error=type(err).__name__, says=says, retry_in_s=_PAUSE_S)
                return None

    async def close(self) -> None:
        await self._redis.aclose()
