"""Retries while Postgres is down: a finished question is already paid for, and a restart takes seconds.

However long a retry lasts, it is safe, because each write carries its epoch: when another worker has claimed
the batch meanwhile, the write raises FenceLost and adds no second question. A commit whose answer was lost
may have happened; every write here may be repeated.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from db.errors import DatabaseUnreachable
from generation.cancellation import CancellationSignal, StopReason
from generation.model import Claim, Question, Slot
from generation.model_call import AttemptRecord
from generation.ports import Ledger, RunStore
from generation.verdicts import Finding

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Errors that end by themselves, without a change to the program.
PASSING = (DatabaseUnreachable, NoConnectionFree)

_LOOK_AGAIN_S = 0.3


@dataclass(frozen=True)
class StoreRetry:
    """Repeats a write until it succeeds, `longest_s` is over, or a shutdown's grace time is over."""

    longest_s: float
    stop: CancellationSignal
    clock: Callable[[], float] = time.monotonic

    def with_(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises its last error; raises at once an error that is not in PASSING."""
        gives_up_at = self.clock() + self.longest_s
        tries = 0
        while True:
            try:
                return work()
            except PASSING as err:
                if self.clock() >= gives_up_at or self.stop.reason is StopReason.SHUTDOWN:
                    raise
                if tries == 0:
                    log.warning("store_retried", error=type(err).__name__)
            tries += 1
            time.sleep(_LOOK_AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311  spreads load


@dataclass(frozen=True)
class RetryingStore:
    """Implements generation.ports.RunStore."""

    store: RunStore
    retry: StoreRetry

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        self.retry.with_(lambda: self.store.accept(claim, question, attempt_id, provider))

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        return self.retry.with_(lambda: self.store.unchecked(claim))

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        return self.retry.with_(lambda: self.store.settle_verdicts(claim, given))

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None:
        self.retry.with_(lambda: self.store.replace_slots(claim, slots))

    def finish_short(self, claim: Claim) -> None:
        self.retry.with_(lambda: self.store.finish_short(claim))

    def finish(self, claim: Claim) -> None:
        self.retry.with_(lambda: self.store.finish(claim))


@dataclass(frozen=True)
class RetryingLedger:
    """Implements generation.ports.Ledger."""

    ledger: Ledger
    retry: StoreRetry

    def open(self, attempt: AttemptRecord) -> None:
        self.retry.with_(lambda: self.ledger.open(attempt))

    def close(self, attempt: AttemptRecord) -> None:
        self.retry.with_(lambda: self.ledger.close(attempt))
