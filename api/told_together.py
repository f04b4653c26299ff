"""One log line for many calls that end at once and are told the same: of a crowd, a line a call would say nothing more.

Its fields are those of a call's own line; what differs from call to call is a list, with a place for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import asdict, dataclass, field
from typing import Any

Same = tuple[tuple[str, Any], ...]


@dataclass(slots=True)
class _Line:
    request_ids: list[str] = field(default_factory=list)
    ms: list[int] = field(default_factory=list)
    queued_ms: list[int] = field(default_factory=list)


class ToldTogether:
    """Of one event loop. `write` gets an event's name and fields, like a logger's method."""

    def __init__(self, write: Callable[..., object]) -> None:
        self._write = write
        self._lines: dict[Same, _Line] = {}

    def note(self, request_id: str, *, ms: int, queued_ms: int, **same: Any) -> None:
        """Goes into the line of those that end in this round of the loop and are the `same`."""
        what = tuple(same.items())
        line = self._lines.get(what)
        if line is None:
            line = self._lines[what] = _Line()
            alone = Context()  # not that of this call, whose id would be added
            asyncio.get_running_loop().call_soon(self._end, what, context=alone)
        line.request_ids.append(request_id)
        line.ms.append(ms)
        line.queued_ms.append(queued_ms)

    def _end(self, what: Same) -> None:
        self._write("requests", **dict(what), **asdict(self._lines.pop(what)))
