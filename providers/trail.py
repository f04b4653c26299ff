"""Which message last used a prefix, so that the provider can say why its cache was missed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator

from generation.model import Prompt, StreamEvent, StreamStarted

#: A prompt has a handful of prefixes; anything beyond is a leak, not a memory.
_PREFIXES_KEPT = 64

Prefix = tuple[str, ...]


class CacheTrail:
    """The last message id of each prefix. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: OrderedDict[Prefix, str] = OrderedDict()

    def previous(self, prompt: Prompt) -> str | None:
        """The message to compare the next one with, or None for the first of its prefix."""
        with self._lock:
            return self._last.get(_prefix(prompt))

    def following(self, prompt: Prompt, events: Iterator[StreamEvent]) -> Iterator[StreamEvent]:
        """The same events; the message among them becomes the prefix's last."""
        for event in events:
            if isinstance(event, StreamStarted):
                self._remember(_prefix(prompt), event.message_id)
            yield event

    def _remember(self, prefix: Prefix, message_id: str) -> None:
        with self._lock:
            self._last[prefix] = message_id
            self._last.move_to_end(prefix)
            if len(self._last) > _PREFIXES_KEPT:
                self._last.popitem(last=False)


def _prefix(prompt: Prompt) -> Prefix:
    return tuple(block.text for block in prompt.system)
