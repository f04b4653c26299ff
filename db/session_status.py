"""The status of a session and of one of its batches, in one short query, for the frequent small requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, and_, bindparam, select

from db.session_row import IN_PROGRESS, session_status, sessions
from db.tables import batches, plans
from generation.errors import SessionMissing
from generation.model import BatchStatus, SessionKind, Urgency


@dataclass(frozen=True, slots=True)
class WantedBatch:
    status: BatchStatus
    urgency: Urgency
    not_before: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class SessionStatus:
    status: str  #: of the session
    last_seq: int  #: of its events
    batch: WantedBatch | None  #: None: not requested yet, not planned, or no batch was asked about

    @property
    def is_ready(self) -> bool:
        """Whether the batch is ready, which never changes again."""
        return self.batch is not None and self.batch.status is BatchStatus.READY

    @property
    def is_under_way(self) -> bool:
        """Whether a request by a waiting student would change nothing."""
        return (
            self.batch is not None
            and self.batch.status in {BatchStatus.QUEUED, BatchStatus.RUNNING}
            and self.batch.urgency is Urgency.INTERACTIVE
            and self.status == IN_PROGRESS
        )


def read_session_status(
    connection: Connection, session_id: UUID, kind: SessionKind, *, user_id: UUID, batch_index: int | None
) -> SessionStatus:
    """The status of this user's session. Raises SessionMissing, also for another user's or another kind."""
    values = {"session": session_id, "kind": kind, "user": user_id, "index": batch_index}
    row = connection.execute(_SESSION_STATUS, values).one_or_none()
    if row is None or row.session_status is None:
        raise SessionMissing(session_id=session_id)
    return SessionStatus(row.session_status, row.last_seq, _wanted(row))


_SESSION_STATUS = (
    select(
        session_status.label("session_status"),
        plans.c.last_seq,
        batches.c.status,
        batches.c.urgency,
        batches.c.not_before,
        batches.c.last_error,
    )
    .select_from(
        sessions.outerjoin(
            batches,
            and_(batches.c.session_id == plans.c.session_id, batches.c.batch_index == bindparam("index")),
        )
    )
    .where(
        plans.c.session_id == bindparam("session"),
        plans.c.kind == bindparam("kind"),
        plans.c.user_id == bindparam("user"),
    )
)


def _wanted(row: Row[Any]) -> WantedBatch | None:
    if row.status is None:
        return None
    return WantedBatch(BatchStatus(row.status), Urgency(row.urgency), row.not_before, row.last_error)
