"""How often replies are read that nobody waits for.

To wake up for a few words costs a thread more than all that is done with them. So the words of a prefetch gather
in its socket for a while: the longer, the more of them a process reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: What one process spends on waking up: about a tenth of a core.
READS_PER_S = 250

#: At 300 tokens a second, faster than any model of ours, a second is some 60 KB. A socket holds 128, and what it
#: holds outlives a reset; what is not read outlives no worker.
LONGEST_GATHER_S = 1.0


@dataclass
class ReadPacing:
    """The readers of a process who are in no hurry: all together read so many times a second."""

    reads_per_s: float = READS_PER_S
    longest_s: float = LONGEST_GATHER_S
    _readers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One more of them while the block runs."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1

    def gather_s(self) -> float:
        """How long each lets its words gather between two reads, as many as they are now."""
        return min(self._readers / self.reads_per_s, self.longest_s)
