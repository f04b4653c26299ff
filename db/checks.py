"""Answer checks of published batches: which are due, and what one needs.

A check is due until its findings are stored or it was tried TRIES times. The sweep takes what is due, so a lost
message or a dead worker costs a minute, never a check.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, case, func, literal, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from db.fence import is_batch, is_one_of
from db.session_row import ABANDONED, batches_of, select_sessions, session_status, sessions
from db.tables import batches, plans, questions
from generation.model import BatchStatus, Claim, SessionKind, Track, Urgency

#: How often a check is tried, and the pause after a try that stored nothing.
TRIES = 3
TRY_AGAIN_AFTER = timedelta(seconds=60)


def make_due(connection: Connection, claim: Claim) -> None:
    """The batch's check is due if it has a question without a verdict."""
    is_unchecked = (
        select(questions.c.position)
        .where(
            questions.c.session_id == batches.c.session_id,
            questions.c.batch_index == batches.c.batch_index,
            questions.c.solver_verdict.is_(None),
        )
        .exists()
    )
    which = is_batch(claim.session_id, claim.batch.index)
    connection.execute(update(batches).where(which, is_unchecked).values(check_due=func.now(), check_tries=0))


def take(connection: Connection, limit: int) -> list[tuple[UUID, int]]:
    """Count a try of at most `limit` due checks and return their batches. Sessions that were cancelled have none."""
    return [(row.session_id, row.batch_index) for row in connection.execute(_taking(limit))]


@cache
def _taking(limit: int) -> ReturningUpdate[Any]:
    due = (
        select(batches.c.session_id, batches.c.batch_index)
        .where(batches.c.check_due <= func.now())
        .order_by(batches.c.check_due)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    tries = batches.c.check_tries + 1
    status = select(session_status).select_from(sessions).where(plans.c.session_id == batches.c.session_id)
    is_wanted = func.coalesce(status.correlate(batches).scalar_subquery(), ABANDONED) != ABANDONED
    next_try = case((and_(is_wanted, tries < TRIES), func.now() + literal(TRY_AGAIN_AFTER)))  # else NULL
    return (
        update(batches)
        .where(is_one_of(due))
        .values(check_due=next_try, check_tries=tries)
        .returning(batches.c.session_id, batches.c.batch_index)
    )


def claim(connection: Connection, session_id: UUID, batch_index: int) -> Claim | None:
    """A claim without open slots and earlier questions: it gives no right to write.

    None when the batch is not published, or its session is gone or cancelled.
    """
    row = connection.execute(_reading().where(is_batch(session_id, batch_index))).one_or_none()
    if row is None:
        return None
    return Claim(
        session_id=row.session_id,
        kind=SessionKind(row.kind),
        track=Track(row.track),
        batch=batches_of(row.batches)[batch_index],
        seed=row.seed,
        epoch=row.epoch,
        urgency=Urgency.PREFETCH,  # no student waits for it
        runs=row.runs,
        failures=row.failures,
        open_slots=(),
        earlier=(),
        traceparent=row.traceparent,
    )


@cache
def _reading() -> Select[Any]:
    session = select_sessions().subquery("session")
    of_batch = batches.c.epoch, batches.c.runs, batches.c.failures, batches.c.traceparent
    of_session = (session.c[name] for name in ("session_id", "kind", "track", "seed", "batches"))
    return (
        select(*of_batch, *of_session)
        .join_from(batches, session, session.c.session_id == batches.c.session_id)
        .where(
            batches.c.status == BatchStatus.READY,
            batches.c.batch_index < session.c.generated_batches,
            session.c.status != ABANDONED,
        )
    )
