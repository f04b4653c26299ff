"""Spend limits: nothing new begins beyond them, and nothing that runs is stopped.

All checks are here. A new session checks the day's limit; a new batch, a revived batch and a new run check
their session's limit. The ledger does not yet contain calls in flight, so a limit may be exceeded by these,
and by sessions created at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from db.tables import attempts
from generation.errors import SpendLimitReached
from runtime.settings import SpendSettings

#: Waiting does not lift a session's limit: ask again when an operator may have raised it.
_ASK_AGAIN_S = 3600.0

_MICRODOLLARS = 1_000_000


@dataclass(frozen=True, slots=True)
class SpendLimits:
    """In dollars; None: no limit."""

    session_usd: Decimal | None = None
    day_usd: Decimal | None = None

    @classmethod
    def of(cls, settings: SpendSettings) -> SpendLimits:
        return cls(settings.spend_limit_session_usd, settings.spend_limit_day_usd)


NO_LIMITS = SpendLimits()


def check_day(connection: Connection, limits: SpendLimits) -> None:
    """Raise SpendLimitReached when the calls of this UTC day have reached the day's limit."""
    if limits.day_usd is None:
        return
    today = func.date_trunc("day", func.now(), "UTC")
    left_s = func.extract("epoch", func.date_trunc("day", func.now(), "UTC") + _one_day() - func.now())
    query = select(_sum().label("spent"), left_s.label("left_s")).where(attempts.c.opened_at >= today)
    row = connection.execute(query).one()
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


def _sum() -> Any:
    return func.coalesce(func.sum(attempts.c.cost_microdollars), 0)


def _one_day() -> Any:
    return func.make_interval(0, 0, 0, 1)
