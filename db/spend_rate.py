"""What was spent today and this month, and how long a monthly cap lasts at this rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Engine, text

#: Claude's name in the ledger: the cap is that of its account.
_CLAUDE = "claude"

_MICRODOLLARS = 1_000_000


@dataclass(frozen=True, slots=True)
class MonthSpending:
    """Claude's calls, with the corrections that were booked. Micro-dollars at list prices."""

    spent_microdollars: Decimal  #: since the first of this month (UTC)
    per_day_microdollars: Decimal  #: the mean of the last seven days, or since the first call in them
    month_left_days: float

    def days_left(self, cap_usd: Decimal) -> float:
        """For how many days the cap lasts at this rate; infinite when the month ends before."""
        left = cap_usd * _MICRODOLLARS - self.spent_microdollars
        if left <= 0:
            return 0.0
        if self.per_day_microdollars <= 0:
            return math.inf
        days = float(left / self.per_day_microdollars)
        return days if days < self.month_left_days else math.inf


def read_spent_today(engine: Engine) -> Decimal:
    """Micro-dollars since midnight UTC. Reads only today's attempts."""
    with engine.connect() as connection:
        return spent_today(connection)


def spent_today(connection: Connection) -> Decimal:
    return Decimal(connection.execute(_TODAY).scalar_one())


def read_month_spending(engine: Engine) -> MonthSpending:
    """Reads every attempt of the month: for a look every few minutes, not for every scrape."""
    with engine.connect() as connection:
        row = connection.execute(_MONTH, {"provider": _CLAUDE}).one()
    return MonthSpending(Decimal(row.spent), Decimal(row.per_day), float(row.left_days))


_TODAY = text(
    "SELECT coalesce(sum(cost_microdollars), 0) FROM generation.attempts "
    "WHERE opened_at >= date_trunc('day', now(), 'UTC')"
)

_MONTH = text("""
    WITH spans AS (
        SELECT date_trunc('month', now(), 'UTC') AS month, now() - interval '7 days' AS week
    ), calls AS (
        SELECT opened_at, cost_microdollars FROM generation.attempts, spans
        WHERE opened_at >= least(month, week) AND provider = :provider
    ), booked AS (
        SELECT coalesce(sum(cost_microdollars), 0) AS cost FROM generation.corrections, spans
        WHERE provider = :provider AND day >= CAST(timezone('UTC', month) AS date)
    )
    SELECT coalesce(sum(cost_microdollars) FILTER (WHERE opened_at >= month), 0) + min(booked.cost) AS spent,
           coalesce(sum(cost_microdollars) FILTER (WHERE opened_at >= week), 0)
               / greatest(1, least(7, extract(epoch FROM now() - min(opened_at)) / 86400)) AS per_day,
           extract(epoch FROM timezone('UTC', timezone('UTC', min(month)) + interval '1 month') - now()) / 86400
               AS left_days
    FROM spans CROSS JOIN booked LEFT JOIN calls ON true
""")
