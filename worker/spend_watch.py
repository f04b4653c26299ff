"""Warns before a limit of spending is reached: the day's of everybody, and the month's at Claude."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import structlog
from sqlalchemy import Engine

from db.spend_rate import read_month_spending, read_spent_today
from runtime.metrics import Metrics
from runtime.money import dollars
from runtime.spend_settings import SpendSettings

log = structlog.get_logger(__name__)

#: The shares of the day's limit that are warned of, in percent.
WARNINGS_PERCENT = (50, 80, 95)

_MICRODOLLARS = 1_000_000


@dataclass(slots=True)
class SpendWatch:
    """Reads the ledger, sets the metrics, and logs each share once when it is passed."""

    engine: Engine
    settings: SpendSettings
    metrics: Metrics
    _warned: int = 0  # the greatest share that is passed and logged

    def look_at_day(self) -> None:
        """Compare today's calls with SPEND_LIMIT_DAY_USD; nothing without that limit."""
        limit_usd = self.settings.spend_limit_day_usd
        if limit_usd is None:
            return
        spent = read_spent_today(self.engine)
        percent = spent / (limit_usd * _MICRODOLLARS) * 100
        for share in WARNINGS_PERCENT:
            self.metrics.day_limit_passed.labels(str(share)).set(percent >= share)
        passed = max((share for share in WARNINGS_PERCENT if percent >= share), default=0)
        if passed > self._warned:
            log.warning("day_limit_near", percent=passed, spent=dollars(spent), limit=str(limit_usd))
        self._warned = passed  # lower after midnight

    def look_at_month(self) -> None:
        """Show what Claude's calls of this month have cost, and how long CLAUDE_MONTH_CAP_USD lasts."""
        month, cap_usd = read_month_spending(self.engine), self.settings.claude_month_cap_usd
        self.metrics.claude_month_spent.set(float(month.spent_microdollars))
        if cap_usd is not None:
            self.metrics.claude_month_cap.set(float(cap_usd * _MICRODOLLARS))
            self.metrics.claude_cap_days_left.set(month.days_left(Decimal(cap_usd)))
