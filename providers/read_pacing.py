"""How often replies are read that no student waits for.

To wake a thread for a few words costs more than to process them. So the text of a prefetch gathers in its socket
between two reads: the more such replies a process reads, the longer.
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
    """The replies of a process that no student waits for: all together are read `reads_per_s` times a second."""

    reads_per_s: float = READS_PER_S
    longest_s: float = LONGEST_GATHER_S
    _readers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count one more such reply while the block runs."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1

    def gather_s(self) -> float:
        """Seconds for which the text of each reply gathers between two reads."""
        return min(self._readers / self.reads_per_s, self.longest_s)
