"""What this process knows of its sources' health: whom to ask now, and whom to leave alone for a while.

Only a memory of its own for each process. A breaker that all workers share takes its place by having the
same two methods (`SourceHealth`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from generation.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
)


class SourceHealth(Protocol):
    """Whether a source may be asked, learned from how calls to it went. Safe to use from many threads."""

    def may_be_asked(self, source: str) -> bool: ...

    def note(self, source: str, error: ProviderError | None) -> None:
        """A call to `source` ended; None means well."""


@dataclass(frozen=True, slots=True)
class RestRules:
    """When a source is left alone, and for how long. Seconds."""

    failures_before_rest: int = 3  #: in a row; single breaks are everyday life
    first_rest_s: float = 2.0  #: doubled with each further failure
    longest_rest_s: float = 60.0  #: also for `retry-after`, which may name hours
    denied_rest_s: float = 60.0  #: no waiting cures it, so look again now and then until an operator has


@dataclass(slots=True)
class _Record:
    failures: int = 0
    resting_until: float = 0.0


class LocalHealth:
    """The memory of one process."""

    def __init__(
        self, rules: RestRules | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules = rules or RestRules()
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}

    def may_be_asked(self, source: str) -> bool:
        with self._lock:
            record = self._records.get(source)
            return record is None or record.resting_until <= self._clock()

    def note(self, source: str, error: ProviderError | None) -> None:
        if isinstance(error, ProviderRefused | ProviderMisused):
            return  # about one request, not about the source
        with self._lock:
            if error is None:
                self._records.pop(source, None)
                return
            record = self._records.setdefault(source, _Record())
            record.failures += 1
            # A call that failed late must not shorten the rest that an earlier answer asked for.
            until = self._clock() + self._rest_s(error, record.failures)
            record.resting_until = max(record.resting_until, until)

    def _rest_s(self, error: ProviderError, failures: int) -> float:
        rules = self._rules
        if isinstance(error, ProviderDenied):
            return rules.denied_rest_s
        if isinstance(error, ProviderBusy) and error.retry_after_s is not None:
            return min(error.retry_after_s, rules.longest_rest_s)
        beyond = failures - rules.failures_before_rest
        if beyond < 0:
            return 0.0
        return min(rules.first_rest_s * 2.0 ** min(beyond, 32), rules.longest_rest_s)
