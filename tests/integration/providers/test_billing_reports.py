"""What the providers say they billed, from the simulator's bill over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from generation.reconcile import DayCost
from providers.billing_reports import BillingReportError, Statement, reading_billing_reports
from runtime.settings import BillingReportSettings, ClaudeSettings, Environment, OpenRouterSettings
from tests.support.raw_server import RawServer, json_reply
from tools.simulator.bill import BilledRequest
from tools.simulator.pricing import TokenCounts
from tools.simulator.running import RunningSimulator

pytestmark = pytest.mark.usefixtures("same_day")

TOKENS = TokenCounts(input=11, read=1_000, write_5m=200, write_1h=70, output=300)
COST = Decimal(2) * 11 + Decimal("0.1") * 1_000 + Decimal("2.5") * 200 + Decimal(4) * 70 + Decimal(10) * 300


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(openrouter_activity_today=True) as simulator:
        yield simulator


def reading(url: str, **keys: str) -> AbstractContextManager[dict[str, Statement]]:
    return reading_billing_reports(
        BillingReportSettings.model_validate(keys),
        ClaudeSettings(tafawoq_env=Environment.DEVELOPMENT, claude_base_url=url),
        OpenRouterSettings(openrouter_base_url=f"{url}/api"),
    )


def bill(simulator: RunningSimulator, route: str, times: int = 1) -> None:
    entry = BilledRequest("req", "msg", route, "claude-sonnet-5-5", TOKENS, COST, "complete", "end_turn")
    for _ in range(times):
        simulator.bill().add(entry)


def today() -> date:
    return datetime.now(UTC).date()


def test_claude_tells_each_day_by_model_at_list_prices(simulator: RunningSimulator) -> None:
    bill(simulator, "anthropic", times=3)
    bill(simulator, "openrouter")
    with reading(simulator.url, anthropic_admin_key="sk-ant-admin-1") as statements:
        statement = statements["claude"]
        # More days than one page holds, and the day that has something is on the second.
        found = statement(today() - timedelta(days=40), today() + timedelta(days=1))
        assert found == [DayCost(today(), "claude", "claude-sonnet-5-5", 3 * COST)]


def test_openrouter_tells_dollars_under_our_name_of_the_model(simulator: RunningSimulator) -> None:
    bill(simulator, "openrouter", times=2)
    with reading(simulator.url, openrouter_management_key="management") as statements:
        statement = statements["openrouter"]
        assert statement(today(), today() + timedelta(days=1)) == [
            DayCost(today(), "openrouter", "claude-sonnet-5-5", 2 * COST)
        ]
        assert statement(today() - timedelta(days=1), today()) == []


def test_openrouter_tells_nothing_of_a_day_that_is_not_over(simulator: RunningSimulator) -> None:
    simulator.config.openrouter_activity_today = False
    bill(simulator, "openrouter")
    with reading(simulator.url, openrouter_management_key="management") as statements:
        statement = statements["openrouter"]
        assert statement(today(), today() + timedelta(days=1)) == []


def test_a_key_that_may_read_no_bills_is_named(simulator: RunningSimulator) -> None:
    with reading(simulator.url, anthropic_admin_key="sk-ant-api-1") as statements:
        statement = statements["claude"]
        with pytest.raises(BillingReportError, match="ANTHROPIC_ADMIN_KEY is not accepted"):
            statement(today(), today() + timedelta(days=1))


def test_a_provider_that_is_away_is_a_sentence() -> None:
    with reading("http://127.0.0.1:9", anthropic_admin_key="sk-ant-admin-1") as statements:
        statement = statements["claude"]
        with pytest.raises(BillingReportError, match="did not answer"):
            statement(today(), today() + timedelta(days=1))


def test_a_statement_of_another_shape_is_not_taken_for_an_empty_one() -> None:
    with (
        RawServer(json_reply({"rows": []})).running() as server,
        reading(server.url, anthropic_admin_key="sk-ant-admin-1") as statements,
        pytest.raises(BillingReportError, match="another shape"),
    ):
        statements["claude"](today(), today() + timedelta(days=1))


def test_a_page_that_names_no_next_one_is_not_asked_for_ever() -> None:
    """Nor taken for the last: a statement with days missing would be believed."""
    with (
        RawServer(json_reply({"data": [], "has_more": True, "next_page": None})).running() as server,
        reading(server.url, anthropic_admin_key="sk-ant-admin-1") as statements,
        pytest.raises(BillingReportError, match="has more and does not say where"),
    ):
        statements["claude"](today(), today() + timedelta(days=1))
    assert len(server.requests) == 1


def test_without_a_key_there_is_no_statement() -> None:
    with reading("http://127.0.0.1:9") as statements:
        assert statements == {}
