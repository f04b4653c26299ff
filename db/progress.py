"""The student's progress, and how long recent generations took: what decides when the next one begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, func, literal, select, update

from db.errors import QuestionNotLoaded
from db.session_row import batches_of, read_session
from db.tables import batches, plans, questions
from generation.model import Batch, BatchStatus, SessionKind, Urgency
from generation.pace import Due, GenerationTimes, Walk, next_due
from runtime.settings import PlanSettings

#: Of so many of the latest generations the p95 is taken, and with fewer than these it is the usual one.
LATEST = 200
RECENTLY = timedelta(days=1)
ENOUGH = 20
#: Before anything was measured: a whole batch in one call, with the second opinion on it, and in lanes.
USUAL = GenerationTimes(one_lane_s=50, lanes_s=8)
#: A time with an outage in it must not have every exam written ahead.
LONGEST_S = 120.0
#: How long a measurement is good for.
FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Moved:
    """What is known of a session after its student has moved."""

    kind: SessionKind
    position: int
    batches: tuple[Batch, ...]  #: every planned one
    generated: int  #: how many of them are published
    pace_s: float | None  #: seconds a question

    def due(self, plan: PlanSettings, times: GenerationTimes) -> Due | None:
        """What must be wanted now, when batches of such sessions take so long."""
        return next_due(
            self.batches,
            self.position,
            threshold=plan.prefetch_threshold,
            generated=self.generated,
            pace_s=self.pace_s if plan.prefetch_adaptive else None,
            times=times,
        )


def move(connection: Connection, session_id: UUID, position: int) -> Moved:
    """Remember where the student is, and what it tells of his pace. Raises SessionMissing and
    QuestionNotLoaded; then nothing is remembered.
    """
    session = read_session(connection, session_id)
    _check_loaded(connection, session_id, position)
    walk = _walk_on(connection, session_id, position)
    kind, planned = SessionKind(session.kind), batches_of(session.batches)
    return Moved(kind, position, planned, session.generated_batches, walk.pace_s)


def _check_loaded(connection: Connection, session_id: UUID, position: int) -> None:
    loaded = select(questions.c.position).where(
        questions.c.session_id == session_id, questions.c.position == position
    )
    if connection.execute(loaded).one_or_none() is None:
        raise QuestionNotLoaded(session_id=session_id, position=position)


def _walk_on(connection: Connection, session_id: UUID, position: int) -> Walk:
    own = plans.c.session_id == session_id
    after_s = func.extract("epoch", func.clock_timestamp() - plans.c.moved_at)
    # Locked: two reports at the same time must not both count the same step.
    before = connection.execute(
        select(plans.c.furthest_position, plans.c.recent_paces, after_s.label("after_s"))
        .where(own)
        .with_for_update(key_share=True)
    ).one()
    was = Walk(before.furthest_position, tuple(before.recent_paces))
    walk = was.to(position, None if before.after_s is None else float(before.after_s))
    changed: dict[str, Any] = {"student_position": position}
    if walk.furthest != was.furthest:
        changed |= {
            "furthest_position": walk.furthest,
            "recent_paces": list(walk.recent_s),
            "moved_at": func.clock_timestamp(),
        }
    connection.execute(update(plans).where(own).values(changed))
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

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._known: dict[SessionKind, tuple[float, GenerationTimes]] = {}

    def of(self, kind: SessionKind) -> GenerationTimes:
        asked_at, times = self._known.get(kind, (None, USUAL))
        now = self._clock()
        if asked_at is None or now - asked_at > FRESH_S:
            with self._engine.connect() as connection:
                times = latest_times(connection, kind)
            self._known[kind] = (now, times)
        return times
