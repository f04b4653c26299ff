"""Which message last used a prefix, so that the provider can say why its cache was missed."""

from __future__ import annotations

import threading
from collections import OrderedDict

from generation.model_call import Prompt
from providers.messages import PREFIXES_KEPT

Prefix = tuple[str, ...]


class CacheDiagnostics:
    """The last message id of each prefix. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: OrderedDict[Prefix, str] = OrderedDict()

    def previous(self, prompt: Prompt) -> str | None:
        """The message to compare the next one with, or None for the first of its prefix."""
        with self._lock:
            return self._last.get(_prefix(prompt))

    def remember(self, prompt: Prompt, message_id: str) -> None:
        """The message becomes the last of its prefix."""
        prefix = _prefix(prompt)
        with self._lock:
            self._last[prefix] = message_id
            self._last.move_to_end(prefix)
            if len(self._last) > PREFIXES_KEPT:
                self._last.popitem(last=False)


def _prefix(prompt: Prompt) -> Prefix:
    return tuple(block.text for block in prompt.system)
