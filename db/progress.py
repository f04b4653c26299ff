"""The student's progress and the duration of recent generations: they decide when the next batch begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, literal, select, update

from db.errors import QuestionNotLoaded
from db.requests import request
from db.session_row import IN_PROGRESS, PAUSED, batches_of, read_session
from db.spending import SpendLimits, check_session, keep_reserved, prolonged
from db.tables import batches, plans, questions
from generation.errors import BatchNotNext, GenerationError, SessionClosed, SessionMissing, SpendLimitReached
from generation.model import BatchStatus, SessionKind, Urgency
from generation.pace import Due, GenerationTimes, ReadingProgress, is_plausible, next_due
from runtime.settings import PlanSettings

#: The p95 is taken over at most LATEST generations of the last day; with fewer than ENOUGH, USUAL is used.
LATEST = 200
RECENTLY = timedelta(days=1)
ENOUGH = 20
#: Estimates before anything was measured: a batch in one call with its answer check, and a batch in lanes.
USUAL = GenerationTimes(one_lane_s=50, lanes_s=8)
#: The upper bound of a measured duration: an outage must not make every batch due immediately.
LONGEST_S = 120.0
#: How long a measurement is reused.
FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The user who must own the session, and the kind it must have."""

    user_id: UUID
    kind: SessionKind


@dataclass(frozen=True, slots=True)
class Progress:
    """The result of a progress report."""

    pace_s: float | None  #: seconds per question; None when too few are known
    wanted: Due | None = None  #: the batch that this report requested: the caller enqueues it
    not_wanted: GenerationError | None = None  #: why a batch that is due was not requested
    is_plausible: bool = True  #: False: nobody reads so fast, and no batch was requested


def note_progress(
    connection: Connection,
    session_id: UUID,
    position: int,
    *,
    owner: Owner | None,
    plan: PlanSettings,
    limits: SpendLimits,
    times: TimesTaken,
    traceparent: str | None,
) -> Progress:
    """BatchStore.note_progress in one transaction.

    It keeps the common lock order: it requests the due batch (the web app's row, then the batch) before it
    locks the plans row.
    """
    session = read_session(connection, session_id)
    kind = SessionKind(session.kind)
    if owner is not None and owner != Owner(session.user_id, kind):
        raise SessionMissing(session_id=session_id)
    if owner is not None and session.status not in {IN_PROGRESS, PAUSED}:
        raise SessionClosed(session_id=session_id)
    _check_loaded(connection, session_id, position)
    if not _is_plausible(connection, session_id, position, plan):
        return Progress(_store_progress(connection, session_id, position).pace_s, is_plausible=False)
    pace_s = None
    if plan.prefetch_adaptive:
        pace_s = _moved_to(position, _read_progress(connection, session_id)).pace_s
    due = next_due(
        batches_of(session.batches),
        position,
        threshold=plan.prefetch_threshold,
        generated=session.generated_batches,
        pace_s=pace_s,
        times=times.of(connection, kind),
    )
    wanted = not_wanted = None
    if due is not None:
        wanted, not_wanted = _want(connection, session_id, due, limits, traceparent)
    stored = _store_progress(connection, session_id, position, is_read=True)
    return Progress(stored.pace_s, wanted, not_wanted)


def _want(
    connection: Connection, session_id: UUID, due: Due, limits: SpendLimits, traceparent: str | None
) -> tuple[Due | None, GenerationError | None]:
    """Request the due batch. An error rolls back the request only; the student's position is stored anyway."""
    try:
        with connection.begin_nested():
            requested = request(
                connection, session_id, due.batch_index, due.urgency, waits=False, traceparent=traceparent
            )
            if requested.created:
                check_session(connection, limits, session_id)
                keep_reserved(connection, limits, session_id)
    except (BatchNotNext, SessionClosed, SpendLimitReached) as error:
        return None, error
    return due if requested.created else None, None


def _check_loaded(connection: Connection, session_id: UUID, position: int) -> None:
    loaded = select(questions.c.position).where(
        questions.c.session_id == session_id, questions.c.position == position
    )
    if connection.execute(loaded).one_or_none() is None:
        raise QuestionNotLoaded(session_id=session_id, position=position)


def _read_progress(connection: Connection, session_id: UUID, *, lock: bool = False) -> Row[Any]:
    """The furthest position, the recent paces and the seconds since the student reached that position."""
    after_s = func.extract("epoch", func.clock_timestamp() - plans.c.moved_at)
    columns = plans.c.furthest_position, plans.c.recent_paces, plans.c.read_position
    query = select(*columns, after_s.label("after_s")).where(plans.c.session_id == session_id)
    return connection.execute(query.with_for_update(key_share=True) if lock else query).one()


def _moved_to(position: int, row: Row[Any]) -> ReadingProgress:
    before = ReadingProgress(row.furthest_position, tuple(row.recent_paces))
    return before.moved_to(position, None if row.after_s is None else float(row.after_s))


def _is_plausible(connection: Connection, session_id: UUID, position: int, plan: PlanSettings) -> bool:
    """Whether the student can have read so far since their last plausible report, or since the first question."""
    first_shown = (
        select(batches.c.first_question_at)
        .where(batches.c.session_id == session_id, batches.c.batch_index == 0)
        .scalar_subquery()
    )
    since = func.coalesce(plans.c.read_at, first_shown, plans.c.created_at)
    after_s = func.extract("epoch", func.clock_timestamp() - since)
    query = select(plans.c.read_position, after_s.label("after_s")).where(plans.c.session_id == session_id)
    row = connection.execute(query).one()
    return is_plausible(
        position,
        read_to=row.read_position or 0,
        after_s=float(row.after_s),
        reading_s=plan.prefetch_reading_s,
    )


def _store_progress(
    connection: Connection, session_id: UUID, position: int, *, is_read: bool = False
) -> ReadingProgress:
    # Locked, so that two concurrent reports do not both count the same step.
    row = _read_progress(connection, session_id, lock=True)
    progress = _moved_to(position, row)
    changed: dict[str, Any] = {"student_position": position}
    if progress.furthest != row.furthest_position:
        changed |= {
            "furthest_position": progress.furthest,
            "recent_paces": list(progress.recent_s),
            "moved_at": func.clock_timestamp(),
        }
    if is_read and position > (row.read_position or 0):
        changed |= {
            "read_position": position,
            "read_at": func.clock_timestamp(),
            "reserved_until": prolonged(),
        }
    connection.execute(update(plans).where(plans.c.session_id == session_id).values(changed))
    return progress


def latest_times(connection: Connection, kind: SessionKind) -> GenerationTimes:
    """The p95 of the seconds from request to ready over the latest batches, or USUAL when there are too few."""
    took_s = func.extract("epoch", batches.c.ready_at - batches.c.requested_at)
    latest = (
        select(batches.c.urgency, took_s.label("took_s"))
        .join(plans, plans.c.session_id == batches.c.session_id)
        .where(
            batches.c.status == BatchStatus.READY,
            batches.c.ready_at > func.now() - literal(RECENTLY),
            plans.c.kind == kind,
        )
        .order_by(batches.c.ready_at.desc())
        .limit(LATEST)
        .subquery()
    )
    p95 = func.percentile_cont(0.95).within_group(latest.c.took_s)
    rows = connection.execute(
        select(latest.c.urgency, p95.label("p95_s")).group_by(latest.c.urgency).having(func.count() >= ENOUGH)
    )
    measured = {row.urgency: min(float(row.p95_s), LONGEST_S) for row in rows}
    return GenerationTimes(
        one_lane_s=measured.get(Urgency.PREFETCH, USUAL.one_lane_s),
        lanes_s=measured.get(Urgency.INTERACTIVE, USUAL.lanes_s),
    )


class TimesTaken:
    """A cache of latest_times for FRESH_S seconds per kind. Safe to use from many threads.

    Two threads that find it stale at the same time both query, which is harmless.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[SessionKind, tuple[float, GenerationTimes]] = {}

    def of(self, connection: Connection, kind: SessionKind) -> GenerationTimes:
        """Uses the caller's connection: to wait for a second one while holding the first could deadlock."""
        asked_at, times = self._known.get(kind, (None, USUAL))
        now = self._clock()
        if asked_at is None or now - asked_at > FRESH_S:
            times = latest_times(connection, kind)
            self._known[kind] = (now, times)
        return times
