"""The door's event loop: asyncio's own, which reads few sockets a round.

A loop that takes all that has come answers none of a crowd before it has read the last of it. This one answers
the first while the others still stand in the kernel's queue, in the order in which they came.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

#: Their calls take some 5 ms of the loop's time.
SOCKETS_A_ROUND = 16

_Ready = list[tuple[selectors.SelectorKey, int]]


def make_loop() -> asyncio.AbstractEventLoop:
    """A loop as uvicorn wants it made."""
    return asyncio.SelectorEventLoop(FewAtATime())


class FewAtATime(selectors.DefaultSelector):
    """Names no more sockets than fit into a round; the kernel names the others again the next time.

    The first that is registered comes first: through it threads wake the loop with what they have found, which
    a call has waited for long enough.
    """

    _waker: int | None = None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        if self._waker is None:
            self._waker = key.fd
        return key

    def select(self, timeout: float | None = None) -> _Ready:
        ready: _Ready = super().select(timeout)
        if len(ready) <= SOCKETS_A_ROUND:
            return ready
        few, others = ready[:SOCKETS_A_ROUND], ready[SOCKETS_A_ROUND:]
        return [other for other in others if other[0].fd == self._waker] + few
