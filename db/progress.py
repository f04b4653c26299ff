"""The student's progress, and how long recent generations took: what decides when the next one begins."""

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
from db.spending import SpendLimits, check_session
from db.tables import batches, plans, questions
from generation.errors import BatchNotNext, GenerationError, SessionClosed, SessionMissing, SpendLimitReached
from generation.model import BatchStatus, SessionKind, Urgency
from generation.pace import Due, GenerationTimes, Walk, next_due
from runtime.settings import PlanSettings

#: Of so many of the latest generations the p95 is taken, and with fewer than these it is the usual one.
LATEST = 200
RECENTLY = timedelta(days=1)
ENOUGH = 20
#: Before anything was measured: a whole batch in one call, with the answer check on it, and in lanes.
USUAL = GenerationTimes(one_lane_s=50, lanes_s=8)
#: A time with an outage in it must not have every exam written ahead.
LONGEST_S = 120.0
#: How long a measurement is good for.
FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose session it must be, and of which kind."""

    user_id: UUID
    kind: SessionKind


@dataclass(frozen=True, slots=True)
class Progress:
    """What a report of progress has changed."""

    pace_s: float | None  #: seconds a question
    wanted: Due | None = None  #: a batch that is wanted since this report: the caller enqueues it
    not_wanted: GenerationError | None = None  #: why a batch that is due is not wanted


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
    """BatchStore.note_progress in one transaction. The order of locks is that of every other one: what is due is
    wanted (the web app's row, the batch) before the plan's row is locked.
    """
    session = read_session(connection, session_id)
    kind = SessionKind(session.kind)
    if owner is not None and owner != Owner(session.user_id, kind):
        raise SessionMissing(session_id=session_id)
    if owner is not None and session.status not in {IN_PROGRESS, PAUSED}:
        raise SessionClosed(session_id=session_id)
    _check_loaded(connection, session_id, position)
    due = next_due(
        batches_of(session.batches),
        position,
        threshold=plan.prefetch_threshold,
        generated=session.generated_batches,
        pace_s=_walk_to(position, _walked(connection, session_id)).pace_s if plan.prefetch_adaptive else None,
        times=times.of(connection, kind),
    )
    wanted, not_wanted = (
        (None, None) if due is None else _want(connection, session_id, due, limits, traceparent)
    )
    return Progress(_walk_on(connection, session_id, position).pace_s, wanted, not_wanted)


def _want(
    connection: Connection, session_id: UUID, due: Due, limits: SpendLimits, traceparent: str | None
) -> tuple[Due | None, GenerationError | None]:
    """A refusal takes back what it has changed, and no more: the student has moved all the same."""
    try:
        with connection.begin_nested():
            requested = request(
                connection, session_id, due.batch_index, due.urgency, waits=False, traceparent=traceparent
            )
            if requested.created:
                check_session(connection, limits, session_id)
    except (BatchNotNext, SessionClosed, SpendLimitReached) as error:
        return None, error
    return due if requested.created else None, None


def _check_loaded(connection: Connection, session_id: UUID, position: int) -> None:
    loaded = select(questions.c.position).where(
        questions.c.session_id == session_id, questions.c.position == position
    )
    if connection.execute(loaded).one_or_none() is None:
        raise QuestionNotLoaded(session_id=session_id, position=position)


def _walked(connection: Connection, session_id: UUID, *, lock: bool = False) -> Row[Any]:
    """How far the student has come, and how long ago that was."""
    after_s = func.extract("epoch", func.clock_timestamp() - plans.c.moved_at)
    query = select(plans.c.furthest_position, plans.c.recent_paces, after_s.label("after_s"))
    query = query.where(plans.c.session_id == session_id)
    return connection.execute(query.with_for_update(key_share=True) if lock else query).one()


def _walk_to(position: int, walked: Row[Any]) -> Walk:
    was = Walk(walked.furthest_position, tuple(walked.recent_paces))
    return was.to(position, None if walked.after_s is None else float(walked.after_s))


def _walk_on(connection: Connection, session_id: UUID, position: int) -> Walk:
    # Locked: two reports at the same time must not both count the same step.
    walked = _walked(connection, session_id, lock=True)
    walk = _walk_to(position, walked)
    changed: dict[str, Any] = {"student_position": position}
    if walk.furthest != walked.furthest_position:
        changed |= {
            "furthest_position": walk.furthest,
            "recent_paces": list(walk.recent_s),
            "moved_at": func.clock_timestamp(),
        }
    connection.execute(update(plans).where(plans.c.session_id == session_id).values(changed))
    return walk


def latest_times(connection: Connection, kind: SessionKind) -> GenerationTimes:
    """p95 of how long the latest batches took from being wanted to being ready; the usual before there are
    enough of them.
    """
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
    """latest_times, asked of the database at most once in FRESH_S a kind. Safe to use from many threads:
    two that find it stale at once both ask, which is harmless.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[SessionKind, tuple[float, GenerationTimes]] = {}

    def of(self, connection: Connection, kind: SessionKind) -> GenerationTimes:
        """On the caller's connection: one who holds one and waits for another could wait for ever."""
        asked_at, times = self._known.get(kind, (None, USUAL))
        now = self._clock()
        if asked_at is None or now - asked_at > FRESH_S:
            times = latest_times(connection, kind)
            self._known[kind] = (now, times)
        return times
