"""The answer check of a published batch: the first of a session, and each that its student asked for."""

from __future__ import annotations

import time
from uuid import UUID

import structlog

from db.verdicts import PublishedVerdicts
from generation.answer_check import AnswerCheck
from generation.call import RunContext
from generation.cancellation import CancellationSignal
from generation.errors import SpendLimitReached
from worker.assembly import Assembly
from worker.store_retry import PASSING, RetryingLedger, StoreRetry

log = structlog.get_logger(__name__)

CHECKED, NOTHING_TO_CHECK, NOT_CHECKED = "checked", "nothing_to_check", "not_checked"

#: How long a write waits for Postgres.
_STORE_RETRY_S = 30.0


def check_published(assembly: Assembly, session_id: UUID, batch_index: int) -> str:
    """Check the batch's unchecked questions and store what was found. Returns the outcome; a later try may do more."""
    try:
        claim = assembly.batches.claim_check(session_id, batch_index)
        if claim is None or not assembly.providers.has_solver:
            return NOTHING_TO_CHECK
        assembly.batches.check_spending(session_id)
        stop = CancellationSignal()
        ledger = RetryingLedger(assembly.ledger, StoreRetry(_STORE_RETRY_S, stop))
        context = RunContext(
            claim, assembly.batches, ledger, assembly.observer, stop, time.monotonic, time.monotonic()
        )
        AnswerCheck(context, assembly.providers, PublishedVerdicts(assembly.engine)).disputed()
    except (*PASSING, SpendLimitReached) as err:
        log.warning("check_not_made", error=type(err).__name__)
        return NOT_CHECKED
    return CHECKED
