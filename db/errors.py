"""What only the store can say no to, beside the family in generation.errors."""

from __future__ import annotations

from generation.errors import GenerationError, StoreRejected


class DatabaseUnreachable(GenerationError):
    """Postgres cannot be reached. Start it, or correct DATABASE_URL."""

    code = "database_unreachable"


class IdempotencyConflict(StoreRejected):
    """This Idempotency-Key was used for another request. Use a new key for a new request."""

    code = "idempotency_conflict"


class BatchIncomplete(StoreRejected):
    """The batch still has open slots. Fill them before the batch is finished."""

    code = "batch_incomplete"


class QuestionUnstorable(StoreRejected):
    """The question holds characters that Postgres cannot store; the slot stays open."""

    code = "question_unstorable"
