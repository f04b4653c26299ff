"""Warnings before a limit of spending is reached: log, metrics, and the sentences of `cost`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import inf
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.corrections import CorrectionStore
from db.ledger import LedgerStore
from db.spend_rate import MonthSpending, read_month_spending
from generation.reconcile import DayCost
from runtime.metrics import Metrics
from runtime.spend_settings import SpendSettings
from tests.support.attempts import an_attempt, dollars_spent
from worker.spend_watch import SpendWatch

pytestmark = pytest.mark.usefixtures("same_day")

Sql = Callable[..., Any]


@pytest.fixture
def run_sql(engine: Engine) -> Sql:
    def run(statement: str) -> Any:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.all() if result.returns_rows else None

    return run


def watch(engine: Engine, **settings: str) -> tuple[SpendWatch, CollectorRegistry]:
    registry = CollectorRegistry()
    values: dict[str, Any] = dict(settings)
    return SpendWatch(engine, SpendSettings(**values), Metrics(registry)), registry


def spend(engine: Engine, dollars: str) -> None:
    LedgerStore(engine).close(dollars_spent(dollars))


def passed(registry: CollectorRegistry) -> list[str]:
    shares = ("50", "80", "95")
    name = "tafawoq_day_limit_passed"
    return [share for share in shares if registry.get_sample_value(name, {"percent": share})]


def test_each_share_of_the_days_limit_is_warned_of_once(engine: Engine, run_sql: Sql) -> None:
    day, registry = watch(engine, spend_limit_day_usd="10")
    seen = []
    for more in ("4.999999", "0.000001", "2.9", "0.1", "1.5", "20"):
        spend(engine, more)
        with capture_logs() as logs:
            day.look_at_day()
            day.look_at_day()
        warned = [line["percent"] for line in logs if line["event"] == "day_limit_near"]
        seen.append((passed(registry), warned))
    assert seen == [
        ([], []),
        (["50"], [50]),
        (["50"], []),
        (["50", "80"], [80]),
        (["50", "80", "95"], [95]),
        (["50", "80", "95"], []),
    ]
    run_sql("UPDATE generation.attempts SET opened_at = date_trunc('day', now(), 'UTC') - interval '1 s'")
    day.look_at_day()
    assert passed(registry) == []


def test_without_limits_nothing_is_warned_of(engine: Engine) -> None:
    unlimited, registry = watch(engine)
    spend(engine, "1000000")
    unlimited.look_at_day()
    unlimited.look_at_month()
    assert passed(registry) == []
    assert registry.get_sample_value("tafawoq_claude_cap_days_left") == inf


def test_the_months_spending_is_claudes_with_its_corrections(engine: Engine, run_sql: Sql) -> None:
    spend(engine, "7")
    LedgerStore(engine).close(an_attempt(provider="openrouter", cost_microdollars=Decimal(9_000_000)))
    today = run_sql("SELECT CAST(timezone('UTC', now()) AS date) AS day")[0].day
    cost = [DayCost(today, name, "m", Decimal(1_000_000)) for name in ("claude", "openrouter")]
    CorrectionStore(engine).book(today, date.max, ("claude", "openrouter"), cost)
    month = read_month_spending(engine)
    assert month.spent_microdollars == 8_000_000
    assert month.per_day_microdollars == 7_000_000, "of less than a day"
    assert 0 < month.month_left_days <= 31
    run_sql("UPDATE generation.attempts SET opened_at = now() - interval '6 days 23 hours'")
    assert read_month_spending(engine).per_day_microdollars == pytest.approx(Decimal(1_004_000), abs=10_000)
    run_sql("UPDATE generation.attempts SET opened_at = now() - interval '40 days'")
    assert read_month_spending(engine).spent_microdollars == 1_000_000
    assert read_month_spending(engine).per_day_microdollars == 0


def test_the_cap_and_how_long_it_lasts_are_metrics(engine: Engine) -> None:
    month, registry = watch(engine, claude_month_cap_usd="10")
    spend(engine, "10")
    month.look_at_month()
    assert registry.get_sample_value("tafawoq_claude_month_spent_microdollars") == 10_000_000
    assert registry.get_sample_value("tafawoq_claude_month_cap_microdollars") == 10_000_000
    assert registry.get_sample_value("tafawoq_claude_cap_days_left") == 0


@pytest.mark.parametrize(
    ("spent", "per_day", "cap", "left"),
    [(40, 10, 100, 6), (40, 10, 40, 0), (41, 10, 40, 0), (40, 4, 100, inf), (0, 0, 100, inf)],
)
def test_days_left_at_this_rate(spent: int, per_day: int, cap: int, left: float) -> None:
    """The month has ten more days."""
    month = MonthSpending(Decimal(spent) * 1_000_000, Decimal(per_day) * 1_000_000, 10)
    assert month.days_left(Decimal(cap)) == left
