"""Waiting for Postgres with a finished question in hand: it is paid for, and a restart takes seconds.

Safe however long it lasts, because each write shows its epoch: when somebody else has taken the batch
meanwhile, the answer is FenceLost and not a second question. A commit whose answer was lost may have
happened; all that is repeated here may be repeated.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from db.errors import DatabaseUnreachable
from generation.cancellation import CancellationSignal, StopReason
from generation.model import AttemptRecord, Claim, Question, Slot
from generation.ports import Ledger, RunStore
from generation.verdicts import Verdict

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: What passes by itself.
PASSING = (DatabaseUnreachable, NoConnectionFree)

_LOOK_AGAIN_S = 0.3


@dataclass(frozen=True)
class StoreRetry:
    """Tries again until it works, `longest_s` is over or a shutdown's grace is."""

    longest_s: float
    stop: CancellationSignal
    clock: Callable[[], float] = time.monotonic

    def with_(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises its last error, and at once every error that does not pass by itself."""
        gives_up_at = self.clock() + self.longest_s
        tries = 0
        while True:
            try:
                return work()
            except PASSING as err:
                if self.clock() >= gives_up_at or self.stop.reason is StopReason.SHUTDOWN:
                    raise
                if tries == 0:
                    log.warning("store_awaited", error=type(err).__name__)
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

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Verdict]) -> tuple[Slot, ...]:
        return self.retry.with_(lambda: self.store.settle_verdicts(claim, given))

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
