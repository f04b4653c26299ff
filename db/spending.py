"""Spend limits: nothing new begins beyond them, and nothing that runs is stopped.

All checks are here. A new session checks the day's limit and its user's; a new batch, a revived batch and a
new run check their session's limit. The ledger lacks calls in flight: these, and sessions created at the same
time, may exceed the limits of the day and of a session.

The user's limit is never exceeded in this way: a session reserves its whole cost when it is created, and one
user's reservations are made one after the other. So this limit stops no exam that is being taken. A reservation
lapses when nothing moves for RESERVED_FOR; the next batch then makes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, case, func, literal, or_, select, true, update

from db.ledger import OPEN
from db.session_row import IN_PROGRESS, PAUSED, session_status, sessions
from db.tables import SlotState, attempts, plans, slots
from generation.errors import SpendLimitReached
from generation.model_call import UsageSource
from generation.verdicts import Purpose
from runtime.spend_settings import SpendSettings

#: Waiting does not lift a session's limit: ask again when an operator may have raised it.
_ASK_AGAIN_S = 3600.0

#: How long a reservation lasts after the latest request for a batch, or the student's latest step.
RESERVED_FOR = timedelta(hours=2)

_MICRODOLLARS = 1_000_000


@dataclass(frozen=True, slots=True)
class SpendLimits:
    """In dollars; None: no limit."""

    session_usd: Decimal | None = None
    day_usd: Decimal | None = None
    user_day_usd: Decimal | None = None
    question_usd: Decimal = Decimal("0.005")  #: what a question that is not written yet is expected to cost

    @classmethod
    def of(cls, settings: SpendSettings) -> SpendLimits:
        return cls(
            settings.spend_limit_session_usd,
            settings.spend_limit_day_usd,
            settings.spend_limit_user_day_usd,
            settings.spend_estimate_question_usd,
        )


NO_LIMITS = SpendLimits()


def check_day(connection: Connection, limits: SpendLimits) -> None:
    """Raise SpendLimitReached when the calls of this UTC day have reached the day's limit."""
    if limits.day_usd is None:
        return
    query = select(_sum().label("spent"), _day_left_s().label("left_s"))
    row = connection.execute(query.where(attempts.c.opened_at >= _midnight())).one()
    if row.spent >= limits.day_usd * _MICRODOLLARS:
        raise SpendLimitReached(
            f"Today's calls have cost SPEND_LIMIT_DAY_USD={limits.day_usd}. New sessions are rejected until "
            "midnight UTC; existing sessions continue. Raise the limit to allow more.",
            scope="day",
            retry_after_s=float(row.left_s),
        )


def check_session(connection: Connection, limits: SpendLimits, session_id: UUID) -> None:
    """Raise SpendLimitReached when the session's calls have reached the session's limit."""
    if limits.session_usd is None:
        return
    spent = connection.execute(select(_sum()).where(attempts.c.session_id == session_id)).scalar_one()
    if spent >= limits.session_usd * _MICRODOLLARS:
        raise SpendLimitReached(
            f"The session has cost SPEND_LIMIT_SESSION_USD={limits.session_usd}, so no further batch is "
            "generated for it. Raise the limit, then ask again or run `tafawoq-worker retry`.",
            scope="session",
            retry_after_s=_ASK_AGAIN_S,
            session_id=session_id,
        )


def reserve(connection: Connection, limits: SpendLimits, session_id: UUID, user_id: UUID) -> None:
    """Reserve the cost of the session's unwritten questions within the user's limit of this UTC day.

    Call it last in the transaction, when the session's rows are written: it waits for the user's other
    reservations. Raises SpendLimitReached when the user's calls of the day and their other reservations leave too
    little; then undo the transaction.
    """
    if limits.user_day_usd is None:
        return
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"spending of {user_id}", 0))))
    row = connection.execute(_reckoning(limits, session_id, user_id)).one()
    limit = limits.user_day_usd * _MICRODOLLARS
    if row.spent + row.others + row.wanted > limit:
        waits_s = float(row.left_s)
        if row.spent + row.wanted <= limit:  # it fits when the user's open sessions have ended or lapsed
            waits_s = min(RESERVED_FOR.total_seconds(), waits_s)
        raise SpendLimitReached(
            f"The user's sessions have cost or reserved SPEND_LIMIT_USER_DAY_USD={limits.user_day_usd} today, so "
            "they get no new session until midnight UTC; the exam that they are taking continues.",
            scope="user",
            retry_after_s=waits_s,
            session_id=session_id,
        )
    connection.execute(_reserving(session_id))


def keep_reserved(connection: Connection, limits: SpendLimits, session_id: UUID) -> None:
    """Prolong the session's reservation, or make it again when it has lapsed. Raises SpendLimitReached as `reserve`."""
    if limits.user_day_usd is None:
        return
    if not connection.execute(_reserving(session_id).where(_is_reserved)).rowcount:
        user_id = connection.execute(
            select(plans.c.user_id).where(plans.c.session_id == session_id)
        ).scalar_one()
        reserve(connection, limits, session_id, user_id)


def prolonged() -> Any:
    """The new value of `reserved_until` when the student moves on: a lapsed reservation stays lapsed."""
    return case((_is_reserved, func.now() + literal(RESERVED_FOR)), else_=plans.c.reserved_until)


_is_reserved = plans.c.reserved_until > func.now()


def _reserving(session_id: UUID) -> Any:
    return (
        update(plans)
        .where(plans.c.session_id == session_id)
        .values(reserved_until=func.now() + literal(RESERVED_FOR))
    )


def _reckoning(limits: SpendLimits, session_id: UUID, user_id: UUID) -> Any:
    """Micro-dollars: spent today, reserved by the user's other sessions, wanted by this one; and the day's seconds left."""
    question = limits.question_usd * _MICRODOLLARS
    is_held = and_(_is_reserved, session_status.in_([IN_PROGRESS, PAUSED]))
    is_this = plans.c.session_id == session_id
    unknown = and_(
        attempts.c.usage_source == UsageSource.UNKNOWN,
        attempts.c.cost_microdollars == 0,
        attempts.c.purpose == Purpose.WRITE,
        # The questions of a call in flight are part of its session's reservation.
        or_(attempts.c.outcome != OPEN, func.coalesce(~is_held, true())),
    )
    spent = (
        select(
            func.coalesce(
                func.sum(case((unknown, attempts.c.asked * question), else_=attempts.c.cost_microdollars)), 0
            )
        )
        .select_from(sessions.join(attempts, attempts.c.session_id == plans.c.session_id))
        .where(plans.c.user_id == user_id, attempts.c.opened_at >= _midnight())
    )
    unwritten = (
        select(func.count() * question)
        .select_from(sessions.join(slots, slots.c.session_id == plans.c.session_id))
        .where(plans.c.user_id == user_id, slots.c.state == SlotState.OPEN)
    )
    return select(
        spent.scalar_subquery().label("spent"),
        unwritten.where(is_held, ~is_this).scalar_subquery().label("others"),
        unwritten.where(is_this).scalar_subquery().label("wanted"),
        _day_left_s().label("left_s"),
    )


def _sum() -> Any:
    return func.coalesce(func.sum(attempts.c.cost_microdollars), 0)


def _midnight() -> Any:
    return func.date_trunc("day", func.now(), "UTC")


def _day_left_s() -> Any:
    return func.extract("epoch", _midnight() + func.make_interval(0, 0, 0, 1) - func.now())
