"""`cost`: what the model calls have cost, and for how many calls the cost is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isinf
from typing import Annotated, Any, Self
from uuid import UUID

import typer
from sqlalchemy import Engine

from db.ledger import Cost, CostKey
from db.spend_rate import MonthSpending, read_month_spending, read_spent_today
from runtime.money import dollars
from runtime.settings import load
from runtime.spend_settings import SpendSettings
from worker.commands.output import AsJson, percent, print_json, print_table
from worker.commands.stores import stores

_COLUMNS = ("calls", "questions", "in", "out", "cache read", "written", "counted", "estimated", "unknown")


def cost(
    by: Annotated[CostKey, typer.Option(help="What to add up by.")] = CostKey.DAY,
    session: Annotated[UUID | None, typer.Option(help="One session only, batch by batch.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days back, today included (UTC).")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what the model calls have cost, at list prices, exactly as in the ledger."""
    with stores() as at:
        if session is not None:
            by = CostKey.BATCH
            rows = sorted(at.ledger.cost_by(by, session_id=session), key=lambda row: int(row.key))
        else:
            rows = at.ledger.cost_by(by, since=days_ago(days))
        # A correction is for a whole day, and for no single session.
        booked = Decimal(0) if session else at.corrections.booked(days_ago(days).date(), date.max)
        spending = None if session else _Spending.read(at.engine)
    if as_json:
        report = cost_report(rows, "batchIndex" if session else by.value)
        report |= {"correctionMicrodollars": str(booked)}
        print_json(report if spending is None else report | {"spending": spending.as_json()})
        return
    print_table([by.value, *_COLUMNS, "cost"], [_cells(row) for row in rows])
    against_limits = () if spending is None else spending.sentences()
    for sentence in (*_summary(rows, by), *_correction(booked, rows), *against_limits):
        typer.echo(sentence)


@dataclass(frozen=True)
class _Spending:
    """Today and this month, against the limit of the day and the cap at Claude."""

    today: Decimal
    month: MonthSpending
    limits: SpendSettings

    @classmethod
    def read(cls, engine: Engine) -> Self:
        return cls(read_spent_today(engine), read_month_spending(engine), load(SpendSettings))

    @property
    def days_left(self) -> float | None:
        cap_usd = self.limits.claude_month_cap_usd
        return None if cap_usd is None else self.month.days_left(cap_usd)

    def sentences(self) -> Iterable[str]:
        limit_usd, cap_usd = self.limits.spend_limit_day_usd, self.limits.claude_month_cap_usd
        yield f"Today {dollars(self.today)}{_of('SPEND_LIMIT_DAY_USD', limit_usd, self.today)}."
        yield (
            f"This month Claude's calls cost {dollars(self.month.spent_microdollars)}"
            f"{_of('CLAUDE_MONTH_CAP_USD', cap_usd, self.month.spent_microdollars)}, and "
            f"{dollars(self.month.per_day_microdollars)} a day in the last week."
        )
        if self.days_left is not None:
            lasts = "until the month ends" if isinf(self.days_left) else f"for {self.days_left:.1f} days"
            yield f"At this rate the cap lasts {lasts}."

    def as_json(self) -> dict[str, Any]:
        """`claudeCapDaysLeft` is null without a cap, and when the month ends first."""
        days = self.days_left
        return {
            "todayMicrodollars": str(self.today),
            "dayLimitUsd": self.limits.spend_limit_day_usd,
            "claudeMonthMicrodollars": str(self.month.spent_microdollars),
            "claudePerDayMicrodollars": str(self.month.per_day_microdollars),
            "claudeMonthCapUsd": self.limits.claude_month_cap_usd,
            "claudeCapDaysLeft": None if days is None or isinf(days) else days,
        }


def _of(variable: str, limit_usd: Decimal | None, spent: Decimal) -> str:
    return (
        "" if limit_usd is None else f", {percent(float(spent / limit_usd) / 1e6)} of {variable}={limit_usd}"
    )


def _cells(row: Cost) -> list[str]:
    usage = row.usage
    tokens = (usage.input, usage.output, usage.cache_read, usage.cache_written)
    return [
        row.key,
        str(row.attempts),
        f"{row.accepted}/{row.asked}",
        *(f"{count:,}" for count in tokens),
        *(str(count) for count in (row.counted, row.estimated, row.unknown)),
        dollars(row.cost_microdollars),
    ]


def _summary(rows: Sequence[Cost], by: CostKey) -> Iterable[str]:
    spent = total(rows)
    yield f"In all {dollars(spent)}, cache hit rate {percent(hit_rate(rows))} of the shared tokens."
    if by is CostKey.SESSION and rows:
        yield f"{len(rows)} sessions, {dollars(spent / len(rows))} each on average."
    counted, estimated, unknown = (
        sum(getattr(row, name) for row in rows) for name in ("counted", "estimated", "unknown")
    )
    if counted or estimated:
        yield (
            f"Of calls whose usage the provider did not report, {counted} were counted by what we received; "
            f"{estimated} are estimated, or of a model without a known price."
        )
    if unknown:
        yield f"The cost of {unknown} calls is unknown and not in the sum: `reconcile` asks the providers for it."


def _correction(booked: Decimal, rows: Sequence[Cost]) -> Iterable[str]:
    if booked:
        more = f"{dollars(abs(booked))} {'more' if booked > 0 else 'less'}"
        yield f"The providers billed {more}: {dollars(total(rows) + booked)}."


def cost_report(rows: Sequence[Cost], key: str) -> dict[str, Any]:
    """Costs for programs; amounts are exact decimals as text."""
    return {
        "costMicrodollars": str(total(rows)),
        "cacheHitRate": hit_rate(rows),
        "unknown": sum(row.unknown for row in rows),
        "rows" if key != "batchIndex" else "batches": [
            {
                key: int(row.key) if key == "batchIndex" else row.key,
                "attempts": row.attempts,
                "asked": row.asked,
                "accepted": row.accepted,
                "rejected": row.rejected,
                "inputTokens": row.usage.input,
                "outputTokens": row.usage.output,
                "cacheReadTokens": row.usage.cache_read,
                "cacheWriteTokens": row.usage.cache_written,
                "counted": row.counted,
                "estimated": row.estimated,
                "unknown": row.unknown,
                "costMicrodollars": str(row.cost_microdollars),
            }
            for row in rows
        ],
    }


def total(rows: Iterable[Cost]) -> Decimal:
    return sum((row.cost_microdollars for row in rows), Decimal(0))


def hit_rate(rows: Sequence[Cost]) -> float | None:
    """Token-weighted: read / (read + written); None when nothing was cached at all."""
    read = sum(row.usage.cache_read for row in rows)
    shared = read + sum(row.usage.cache_written for row in rows)
    return read / shared if shared else None


def days_ago(days: int) -> datetime:
    """Midnight UTC, so that every day of the table is whole."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)
