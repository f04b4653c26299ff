"""One waiting call for each batch, over all API processes: a second one is the student's other tab.

A key in Redis says that a call waits. It ends with its call (answered, or its client hung up) and by itself soon
after its process has gone. When Redis does not answer, every call may wait: that costs a connection, and no model call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID, uuid4

from api.redis_script import TIMEOUT_S, RedisScript
from runtime.settings import RedisSettings

#: How long the key outlives its process, in seconds. The web app tries again after 1 and 3 s: the last try finds it gone.
TTL_S = 2.5

_RENEW_EVERY_S = TTL_S / 3

#: The shortest time to live that Redis knows: it gives the key up.
_GIVEN_UP_S = 0.001


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
        self._script = RedisScript(
            "waiting_call.lua", settings, timeout_s=timeout_s, unknown="waiting_calls_unknown"
        )

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
        return await self._script.run(key, owner, int(ttl_s * 1000)) != 0

    async def close(self) -> None:
        await self._script.close()
