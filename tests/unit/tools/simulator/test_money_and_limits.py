"""Exact costs, token estimates, buckets and spend limits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.simulator.bill import Bill, BilledRequest
from tools.simulator.config import SimulatorConfig
from tools.simulator.errors import ApiError
from tools.simulator.limits import Bucket, RateLimits, check_spend
from tools.simulator.pricing import TokenCounts, cost_microdollars
from tools.simulator.tokens import count_tokens


def billed(cost: str, route: str = "anthropic") -> BilledRequest:
    return BilledRequest(
        request_id="req_1",
        message_id="msg_1",
        route=route,
        model="claude-sonnet-5-5",
        tokens=TokenCounts(),
        cost_microdollars=Decimal(cost),
        outcome="complete",
        stop_reason="end_turn",
    )


def test_a_cost_is_exact_to_the_fraction_of_a_micro_dollar() -> None:
    tokens = TokenCounts(input=300, read=15_000, write_5m=1, write_1h=1, output=3_000)
    expected = Decimal(300 * 2) + Decimal("1500.0") + Decimal("2.50") + 4 + 30_000
    assert cost_microdollars("claude-sonnet-5-5", tokens) == expected
    assert cost_microdollars("claude-sonnet-5-5", tokens, in_batch=True) == expected / 2


def test_haiku_charges_its_higher_tier_for_all_tokens_of_a_long_prompt() -> None:
    at_the_edge = TokenCounts(input=50_000, read=50_000, output=10)
    beyond = TokenCounts(input=50_000, read=50_001, output=10)
    assert cost_microdollars("claude-haiku-5-5", at_the_edge) == Decimal("5505.00")
    assert cost_microdollars("claude-haiku-5-5", beyond) == Decimal("27525.05")


@given(st.text(max_size=200), st.text(max_size=200))
def test_tokens_grow_with_the_text_and_add_up_to_rounding(one: str, other: str) -> None:
    together = count_tokens(one + other)
    assert count_tokens(one) <= together <= count_tokens(one) + count_tokens(other)


def test_arabic_costs_one_token_for_two_letters_and_a_bit() -> None:
    assert count_tokens("س" * 220) == 100
    assert count_tokens("a" * 350) == 100
    assert count_tokens("") == 0


def test_a_bill_keeps_exact_totals_by_model_and_route() -> None:
    bill = Bill()
    bill.add(billed("0.1"))
    bill.add(billed("0.2", "openrouter"))
    assert bill.total_microdollars == Decimal("0.3")
    assert bill.of_route("openrouter") == Decimal("0.2")
    shown = bill.to_json()
    assert shown["by_model"] == {"claude-sonnet-5-5": "0.3"}
    assert len(shown["entries"]) == 2
    bill.clear()
    assert bill.requests == 0
    assert bill.entries == []


def test_a_bucket_refills_continuously_and_holds_a_minute_at_most() -> None:
    bucket = Bucket(60, now=0)
    bucket.take(60, 0)
    assert bucket.wait_s(1, 0) == pytest.approx(1)
    assert bucket.level(30) == pytest.approx(30)
    assert bucket.level(1000) == 60


def test_a_request_beyond_the_limit_is_told_how_long_to_wait() -> None:
    limits = RateLimits(SimulatorConfig(rpm=2))
    limits.admit("sonnet", 10, 0)
    limits.admit("sonnet", 10, 0)
    with pytest.raises(ApiError) as caught:
        limits.admit("sonnet", 10, 0)
    assert caught.value.status == 429
    assert caught.value.headers()["retry-after"] == "30"
    assert caught.value.headers()["anthropic-ratelimit-requests-remaining"] == "0"
    limits.admit("another", 10, 0)
    limits.admit("sonnet", 10, 30)


def test_a_scaled_clock_shortens_the_wait_that_is_told() -> None:
    limits = RateLimits(SimulatorConfig(rpm=1, speed=10, scaled_clock=True))
    limits.admit("sonnet", 10, 0)
    with pytest.raises(ApiError) as caught:
        limits.admit("sonnet", 10, 0)
    assert caught.value.retry_after == 6


def test_output_is_charged_when_it_is_known_and_blocks_what_comes_after() -> None:
    limits = RateLimits(SimulatorConfig(otpm=1000))
    limits.admit("sonnet", 10, 0)
    limits.produced("sonnet", 1500, 0)
    with pytest.raises(ApiError, match="output tokens"):
        limits.admit("sonnet", 10, 0)


def test_headers_name_the_tightest_token_limit_and_round_to_thousands() -> None:
    limits = RateLimits(SimulatorConfig(rpm=10, itpm=100_000, otpm=50_000))
    limits.admit("sonnet", 60_400, 0)
    headers = limits.headers("sonnet", 0)
    assert headers["anthropic-ratelimit-requests-remaining"] == "9"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "40000"
    assert headers["anthropic-ratelimit-tokens-limit"] == "100000"
    assert headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


def test_no_limit_means_no_headers() -> None:
    assert RateLimits(SimulatorConfig()).headers("sonnet", 0) == {}


def test_growing_too_fast_is_its_own_kind_of_429() -> None:
    limits = RateLimits(SimulatorConfig(acceleration_per_s=1))
    limits.admit("sonnet", 1, 0)
    with pytest.raises(ApiError) as caught:
        limits.admit("sonnet", 1, 0.5)
    assert caught.value.error_code == "ramp_limit_exceeded"
    limits.admit("sonnet", 1, 1.5)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("enforced", 429, "enforced_spend_limit_reached"),
        ("contract", 429, "contract_spend_limit_reached"),
        ("own", 400, None),
    ],
)
def test_a_spent_account_is_refused_without_a_wait(kind: str, status: int, code: str | None) -> None:
    config = SimulatorConfig(spend_limit_usd=Decimal("0.000001"), spend_limit_kind=kind)
    bill = Bill()
    check_spend(config, bill)
    bill.add(billed("1"))
    with pytest.raises(ApiError) as caught:
        check_spend(config, bill)
    assert (caught.value.status, caught.value.error_code) == (status, code)
    assert "retry-after" not in caught.value.headers()


def test_a_setting_is_read_from_text_and_a_wrong_one_names_itself() -> None:
    config = SimulatorConfig()
    config.update(
        {"speed": "8", "rpm": "5", "scaled_clock": "true", "today": "2026-12-01", "spend_limit_usd": 2}
    )
    assert (config.speed, config.rpm, config.scaled_clock) == (8.0, 5, True)
    assert config.current_day().isoformat() == "2026-12-01"
    assert config.to_json()["spend_limit_usd"] == "2"
    config.update({"today": None})
    assert config.today is None
    for name, value in {
        "speed": 0,
        "reject_rate": 2,
        "rpm": "x",
        "nothing": 1,
        "spend_limit_kind": "x",
    }.items():
        with pytest.raises(ValueError, match=name):
            config.update({"seed": 9, name: value})
    assert config.seed == 1
