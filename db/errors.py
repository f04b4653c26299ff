"""Errors that only the store raises, beside those in generation.errors."""

from __future__ import annotations

from typing import Any

from generation.errors import GenerationError, StoreRejected


class DatabaseUnreachable(GenerationError):
    """Postgres cannot be reached. Start it, or correct DATABASE_URL."""

    code = "database_unreachable"

    def __init__(self, message: str | None = None, *, remedy: str = "", **context: Any) -> None:
        self.remedy = remedy  #: what helps; the message ends with it
        super().__init__(f"{message} {remedy}" if message and remedy else message, **context)

    @property
    def says(self) -> str:
        """The message without the remedy."""
        return str(self).removesuffix(self.remedy).rstrip(" .")


class DatabaseStruggling(DatabaseUnreachable):
    """Postgres answers but cannot do this now: no space, a lock, a timeout, or read-only after a failover.
    The work is tried again; if the error persists, check the disk and the log of Postgres.
    """

    code = "database_struggling"


class IdempotencyConflict(StoreRejected):
    """This Idempotency-Key was used for another request. Use a new key for a new request."""

    code = "idempotency_conflict"


class QuotaExhausted(StoreRejected):
    """The user may not create a session now: the web app's quota function did not allow it."""

    code = "quota_exhausted"


class Maintenance(StoreRejected):
    """The web app is under maintenance: no session is created meanwhile."""

    code = "maintenance"

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence  #: for the student, from an administrator
        super().__init__()


class SessionNotCompleted(StoreRejected):
    """Only a completed exam can be taken again with other questions."""

    code = "session_not_completed"


class UserGone(StoreRejected):
    """The web app has no such user any more, although their token is still valid."""

    code = "user_gone"


class QuestionNotLoaded(StoreRejected):
    """The student cannot be at this question: it is not written yet, or it is not part of the session."""

    code = "question_not_loaded"


class TooManyReports(StoreRejected):
    """The user has reported as many questions today as one user may."""

    code = "too_many_reports"


class QuestionChanged(StoreRejected):
    """The question is not the one that was looked at: another has taken its place. Look at it again."""

    code = "question_changed"


class BatchIncomplete(StoreRejected):
    """The batch still has open slots. Fill them before the batch is finished."""

    code = "batch_incomplete"


class QuestionUnstorable(StoreRejected):
    """The question holds characters that Postgres cannot store; the slot stays open."""

    code = "question_unstorable"
