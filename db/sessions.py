"""Sessions: created with their whole plan, adopted, read, paused, resumed and ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row, func, select, update

from db.adoption import adopt_session, sessions_to_adopt
from db.creation import find_key, insert_session, keep_key
from db.engine import committing_each
from db.events import record
from db.fence import NO_LEASE
from db.gone_users import user_gone_for_missing_reference
from db.maintenance import MaintenanceSwitch
from db.publish import set_generating
from db.published_question import content_with_change
from db.quota import Quota, no_quota
from db.retake import RetakeSource, read_retake_source
from db.session_row import (
    ABANDONED,
    COMPLETED,
    IN_PROGRESS,
    PAUSED,
    batches_of,
    choice_of,
    lock_session,
    read_session,
    select_sessions,
    session_status,
)
from db.session_status import SessionStatus, read_session_status
from db.spending import NO_LIMITS, SpendLimits, check_day, reserve
from db.sweep import publish_endings
from db.tables import WEB_APP_TABLES, batches, plans, questions
from generation.errors import SessionClosed, SessionMissing
from generation.model import (
    Batch,
    BatchStatus,
    EventKind,
    Plan,
    PracticeChoice,
    Section,
    SessionKind,
    Track,
    Urgency,
)

T = TypeVar("T")

CANCELLED = "cancelled"

#: Of an adopted session's seed, which fits into the column.
_SEED_BITS = 62


@dataclass(frozen=True, slots=True)
class Created:
    session_id: UUID
    replayed: bool  #: True: an earlier request with the same key created it


@dataclass(frozen=True, slots=True)
class BatchView:
    index: int
    section: Section
    start: int
    size: int
    status: BatchStatus | None  #: None: planned, but not requested yet
    urgency: Urgency | None = None
    not_before: datetime | None = None
    last_error: str | None = None
    requested_at: datetime | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionSummary:
    id: UUID
    kind: SessionKind
    track: Track
    status: str
    total_questions: int
    generated_batches: int
    created_at: datetime
    updated_at: datetime
    practice: PracticeChoice | None


@dataclass(frozen=True, slots=True)
class SessionView(SessionSummary):
    user_id: UUID
    generation_in_progress: bool
    batches: tuple[BatchView, ...]  #: every planned batch, by index
    questions: tuple[dict[str, Any], ...]  #: every committed question with its `position`, and its answer
    last_seq: int  #: of the events; the questions are at least as new


class SessionStore:
    """Every method is one short transaction."""

    def __init__(
        self,
        engine: Engine,
        *,
        limits: SpendLimits = NO_LIMITS,
        quota: Quota = no_quota,
        maintenance: MaintenanceSwitch | None = None,
    ) -> None:
        self._engine = engine
        self._reading = committing_each(engine)
        self._limits = limits
        self._quota = quota
        self._maintenance = maintenance or MaintenanceSwitch()

    def create(
        self,
        user_id: UUID,
        plan: Plan,
        *,
        idempotency_key: str | None = None,
        request_digest: str | None = None,
        traceparent: str | None = None,
        exam_config: Mapping[str, Any] | None = None,
    ) -> Created:
        """Commit the session with its plan and its first batch queued; the caller enqueues that batch.

        A key that was used before yields the session it created then, also when both requests run at the same
        time. `traceparent`: the trace that the runs of the first batch continue. `exam_config`: for the web app's
        column of that name.
        Raises IdempotencyConflict when the key's first request had another digest, Maintenance, SpendLimitReached
        for the day's or the user's limit, QuotaExhausted, and UserGone; then nothing is stored and the key stays
        free.
        """
        session_id = uuid4()
        with user_gone_for_missing_reference(self._engine), self._engine.begin() as connection:
            if idempotency_key is not None:
                earlier = keep_key(connection, user_id, idempotency_key, request_digest or "", session_id)
                if earlier is not None:
                    return Created(earlier, replayed=True)
            self._maintenance.check(connection)
            check_day(connection, self._limits)
            insert_session(
                connection, session_id, user_id, plan, traceparent=traceparent, exam_config=exam_config
            )
            self._quota(connection, user_id, session_id, plan)
            reserve(connection, self._limits, session_id, user_id)
        return Created(session_id, replayed=False)

    def retake_source(self, session_id: UUID, user_id: UUID) -> RetakeSource:
        """The exam to be taken again. Raises SessionMissing, also for another user's, and SessionNotCompleted."""
        with self._reading.connect() as connection:
            return read_retake_source(connection, session_id, user_id)

    def adopt(self, session_id: UUID, kind: SessionKind | None = None, user_id: UUID | None = None) -> bool:
        """Take over a session that the web app's own generator began. False: it has a plan already.

        Its questions keep their positions; the rest is planned and queued batch by batch as it is requested.
        Raises SessionMissing, also for another kind or user than the given ones, and NotAdopted with the reason.
        """
        with self._engine.begin() as connection:
            return adopt_session(
                connection, session_id, seed=secrets.randbits(_SEED_BITS), kind=kind, user_id=user_id
            )

    def adopting(self, session_id: UUID, work: Callable[[], T]) -> T:
        """The result of `work`, which is called again after a session that it did not find was adopted.

        Raises what `work` and `adopt` raise.
        """
        try:
            return work()
        except SessionMissing:
            if not self.adopt(session_id):
                raise
            return work()

    def to_adopt(self) -> list[UUID]:
        """Every session in progress or paused that was begun by the web app's own generator."""
        with self._reading.connect() as connection:
            return sessions_to_adopt(connection)

    def created_with(self, user_id: UUID, idempotency_key: str, request_digest: str) -> Created | None:
        """The session that an earlier request with this key created, if any. Raises IdempotencyConflict as `create`."""
        with self._reading.connect() as connection:
            earlier = find_key(connection, user_id, idempotency_key, request_digest)
        return None if earlier is None else Created(earlier, replayed=True)

    def view(self, session_id: UUID, kind: SessionKind, user_id: UUID) -> SessionView:
        """All of a session. Raises SessionMissing, also when it is another user's or of another kind."""
        with self._reading.connect() as connection:
            # The event counter first: a reader that continues from it may see a question twice, but misses none.
            session = read_session(connection, session_id)
            if (session.kind, session.user_id) != (kind, user_id):
                raise SessionMissing(session_id=session_id)
            asked = _asked_batches(connection, session_id)
            return _view(session, asked, _committed_questions(connection, session_id))

    def session_status(
        self, session_id: UUID, kind: SessionKind, user_id: UUID, *, batch_index: int | None = None
    ) -> SessionStatus:
        """The part of `view` that says whether to wait for one batch. Raises SessionMissing as `view` does."""
        with self._reading.connect() as connection:
            return read_session_status(connection, session_id, kind, user_id=user_id, batch_index=batch_index)

    def page(
        self, user_id: UUID, kind: SessionKind, limit: int, *, before: datetime | None = None
    ) -> list[SessionSummary]:
        """The user's sessions, newest first; `before` is the created_at of the last one seen."""
        query = (
            select_sessions()
            .where(plans.c.user_id == user_id, plans.c.kind == kind, session_status.is_not(None))
            .order_by(plans.c.created_at.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(plans.c.created_at < before)
        with self._reading.connect() as connection:
            return [SessionSummary(**_summary(row)) for row in connection.execute(query)]

    def cancel(self, session_id: UUID) -> None:
        """Close the session for good: nothing more is generated, and running runs can write nothing more.

        A session that is already over stays as it is. Raises SessionMissing.
        """
        self._end(session_id, ABANDONED)

    def complete(self, session_id: UUID) -> None:
        """Close the session as handed in, as the web app does in its own row; else as `cancel`. Raises SessionMissing."""
        self._end(session_id, COMPLETED)

    def pause(self, session_id: UUID) -> None:
        """Start no batch until resume; running ones may finish. Raises SessionMissing and SessionClosed."""
        self._move(session_id, IN_PROGRESS, PAUSED)

    def resume(self, session_id: UUID) -> None:
        """Continue after a pause; the sweep enqueues queued batches. Raises SessionMissing and SessionClosed."""
        self._move(session_id, PAUSED, IN_PROGRESS)

    def publish_endings(self, limit: int) -> None:
        """Record the `session` event of at most `limit` sessions that the web app ended in its own row."""
        with self._engine.begin() as connection:
            publish_endings(connection, limit)

    def _end(self, session_id: UUID, status: str) -> None:
        with self._engine.begin() as connection:
            session = lock_session(connection, session_id)
            if session.status not in {IN_PROGRESS, PAUSED}:
                return
            _lock_batches(connection, session_id)
            _fence_off(connection, session_id)
            _set_status(connection, session, status)
            set_generating(connection, session_id, SessionKind(session.kind))
            connection.execute(
                update(plans).where(plans.c.session_id == session_id).values(closed_at=func.now())
            )

    def _move(self, session_id: UUID, source: str, target: str) -> None:
        with self._engine.begin() as connection:
            session = lock_session(connection, session_id)
            if session.status not in {source, target}:
                raise SessionClosed(session_id=session_id)
            if session.status == source:
                _set_status(connection, session, target)


def _asked_batches(connection: Connection, session_id: UUID) -> dict[int, Row[Any]]:
    rows = connection.execute(select(batches).where(batches.c.session_id == session_id))
    return {row.batch_index: row for row in rows}


def _committed_questions(connection: Connection, session_id: UUID) -> tuple[dict[str, Any], ...]:
    query = select(questions.c.position, content_with_change().label("content"))
    rows = connection.execute(
        query.where(questions.c.session_id == session_id).order_by(questions.c.position)
    )
    return tuple({**row.content, "position": row.position} for row in rows)


def _view(
    session: Row[Any], asked: dict[int, Row[Any]], committed: tuple[dict[str, Any], ...]
) -> SessionView:
    views = tuple(_batch_view(batch, asked.get(batch.index)) for batch in batches_of(session.batches))
    return SessionView(
        **_summary(session),
        user_id=session.user_id,
        generation_in_progress=any(
            view.status in {BatchStatus.QUEUED, BatchStatus.RUNNING} for view in views
        ),
        batches=views,
        questions=committed,
        last_seq=session.last_seq,
    )


def _batch_view(batch: Batch, row: Row[Any] | None) -> BatchView:
    planned = batch.index, batch.section, batch.start, batch.size
    if row is None:
        return BatchView(*planned, status=None)
    return BatchView(
        *planned,
        status=BatchStatus(row.status),
        urgency=Urgency(row.urgency),
        not_before=row.not_before,
        last_error=row.last_error,
        requested_at=row.requested_at,
        ready_at=row.ready_at,
    )


def _summary(row: Row[Any]) -> dict[str, Any]:
    """The fields of SessionSummary."""
    return {
        "id": row.session_id,
        "kind": SessionKind(row.kind),
        "track": Track(row.track),
        "status": row.status,
        "total_questions": row.total_questions,
        "generated_batches": row.generated_batches,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "practice": choice_of(row.practice),
    }


def _lock_batches(connection: Connection, session_id: UUID) -> None:
    """By index, as every statement that locks several batches does."""
    query = select(batches.c.batch_index).where(batches.c.session_id == session_id)
    connection.execute(query.order_by(batches.c.batch_index).with_for_update(key_share=True))


def _fence_off(connection: Connection, session_id: UUID) -> None:
    """Fail every batch that is not ready, with a new epoch, so that its run can write nothing more."""
    connection.execute(
        update(batches)
        .where(batches.c.session_id == session_id, batches.c.status != BatchStatus.READY)
        .values(status=BatchStatus.FAILED, last_error=CANCELLED, epoch=batches.c.epoch + 1, **NO_LEASE)
    )


def _set_status(connection: Connection, session: Row[Any], status: str) -> None:
    record(connection, session.session_id, EventKind.SESSION, {"status": status})
    table = WEB_APP_TABLES[SessionKind(session.kind)]
    connection.execute(update(table).where(table.c.id == session.session_id).values(status=status))
