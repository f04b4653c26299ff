"""One waiting call for each batch, over all API processes: a second one is the student's other tab.

A key in Redis says that a call waits. It ends with its call (answered, or its client hung up) and by itself soon
after its process has gone. When Redis does not answer, every call may wait: that costs a connection, and no model call.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from importlib.resources import files
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from redis.exceptions import RedisError

from runtime.redis import make_async_redis
from runtime.redis_refusals import redis_refusal
from runtime.settings import RedisSettings

log = structlog.get_logger(__name__)

#: How long the key outlives its process, in seconds. The web app tries again after 1 and 3 s: the last try finds it gone.
TTL_S = 2.5

_RENEW_EVERY_S = TTL_S / 3

#: The shortest time to live that Redis knows: it gives the key up.
_GIVEN_UP_S = 0.001

#: How many calls ask Redis at once, each over its own connection; the others wait.
_CONCURRENT = 16

#: How long a call waits for Redis, in seconds.
TIMEOUT_S = 0.25

#: How long Redis is not asked after it did not answer.
_REDIS_PAUSE_S = 2.0


class WaitingCalls(Protocol):
    def entered(self, session_id: UUID, batch_index: int, /) -> AbstractAsyncContextManager[bool]:
        """While the block runs, this call counts as the one that waits. False: another call already waits."""

    async def close(self) -> None:
        """Release the connections."""


class Uncounted:
    """Lets every call wait."""

    @contextlib.asynccontextmanager
    async def entered(self, _session_id: UUID, _batch_index: int, /) -> AsyncIterator[bool]:
        yield True

    async def close(self) -> None:
        return


class SharedWaitingCalls:
    """Counted in Redis. Belongs to the event loop of its first call."""

    def __init__(self, settings: RedisSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._prefix = settings.redis_key_prefix
        self._password = settings.redis_address.password
        self._redis = make_async_redis(settings, timeout_s=timeout_s)
        self._script = self._redis.register_script(
            files("api").joinpath("lua/waiting_call.lua").read_text("utf-8")
        )
        self._turns = asyncio.Semaphore(_CONCURRENT)
        self._ask_again_at = 0.0

    @contextlib.asynccontextmanager
    async def entered(self, session_id: UUID, batch_index: int, /) -> AsyncIterator[bool]:
        key, owner = f"{self._prefix}waiting:{session_id}:{batch_index}", uuid4().hex
        if not await self._keep(key, owner):
            yield False
            return
        renewing = asyncio.create_task(self._renew(key, owner))
        try:
            yield True
        finally:
            renewing.cancel()
            # In a task of its own: a call that is cancelled releases the key, too.
            await asyncio.shield(asyncio.create_task(self._keep(key, owner, ttl_s=_GIVEN_UP_S)))

    async def _renew(self, key: str, owner: str) -> None:
        while True:
            await asyncio.sleep(_RENEW_EVERY_S)
            await self._keep(key, owner)

    async def _keep(self, key: str, owner: str, *, ttl_s: float = TTL_S) -> bool:
        """Take or renew the key. False: it has another owner. True when Redis does not answer."""
        if time.monotonic() < self._ask_again_at:
            return True
        try:
            async with self._turns:
                return bool(await self._script(keys=[key], args=[owner, int(ttl_s * 1000)]))
        except RedisError as err:
            self._ask_again_at = time.monotonic() + _REDIS_PAUSE_S
            says = redis_refusal(err, self._password).says
            log.warning(
                "waiting_calls_unknown", error=type(err).__name__, says=says, retry_in_s=_REDIS_PAUSE_S
            )
            return True

    async def close(self) -> None:
        await self._redis.aclose()
