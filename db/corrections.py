"""Corrections from the providers' statements: the ledger alone cannot know what some calls cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select

from db.tables import attempts
from db.tables import corrections as booked
from generation.reconcile import DayCost

_UTC_DAY: Any = func.date(func.timezone("UTC", attempts.c.opened_at))


class CorrectionStore:
    """Days are UTC days; `until` is exclusive. Every method is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def noted(self, since: date, until: date) -> list[DayCost]:
        """The cost of the ledger's calls, without corrections."""
        model_of_day = _UTC_DAY, attempts.c.provider, attempts.c.model
        query = (
            select(*model_of_day, func.sum(attempts.c.cost_microdollars))
            .where(attempts.c.opened_at >= _midnight(since), attempts.c.opened_at < _midnight(until))
            .group_by(*model_of_day)
        )
        with self._engine.connect() as connection:
            return [DayCost(*row) for row in connection.execute(query)]

    def book(
        self, since: date, until: date, providers: Iterable[str], corrections: Iterable[DayCost]
    ) -> None:
        """Replace what was booked for these days and providers with these corrections. Idempotent."""
        old = delete(booked).where(*_days(since, until), booked.c.provider.in_(list(providers)))
        rows = [asdict(correction) for correction in corrections]
        with self._engine.begin() as connection:
            connection.execute(old)
            if rows:
                connection.execute(insert(booked), rows)

    def booked(self, since: date, until: date) -> Decimal:
        """The sum of the booked corrections, in micro-dollars."""
        total = select(func.coalesce(func.sum(booked.c.cost_microdollars), 0)).where(*_days(since, until))
        with self._engine.connect() as connection:
            return Decimal(connection.execute(total).scalar_one())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _days(since: date, until: date) -> tuple[Any, ...]:
    return booked.c.day >= since, booked.c.day < until
