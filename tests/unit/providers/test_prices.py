from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model_call import Usage
from providers.prices import cost_microdollars
from providers.profiles import known_profiles, profile_of

#: Dollars per million tokens: input, output, 5-minute write, 1-hour write, read.
LIST_PRICES = {
    "claude-sonnet-4-5": "3 15 3.75 6 0.30",
    "claude-sonnet-4-6": "3 15 3.75 6 0.30",
    "claude-sonnet-5": "2 10 2.50 4 0.20",
    "claude-sonnet-5-5": "2 10 2.50 4 0.10",
    "claude-haiku-4-5": "1 5 1.25 2 0.10",
    "claude-haiku-5-5": "0.10 0.50 0.125 0.20 0.01",
    "claude-opus-5-5": "4 20 5 8 0.20",
}

tokens = st.integers(0, 10_000_000)
usages = st.builds(
    Usage, input=tokens, output=tokens, cache_read=tokens, cache_write_5m=tokens, cache_write_1h=tokens
)


def cost(model: str, usage: Usage) -> Decimal:
    return cost_microdollars(profile_of(model).prices, usage)


@pytest.mark.parametrize(("model", "row"), LIST_PRICES.items())
def test_a_million_tokens_of_each_kind_cost_their_list_price(model: str, row: str) -> None:
    kinds = ["input", "output", "cache_write_5m", "cache_write_1h", "cache_read"]
    short = 100_000  # the long-prompt tier is tested by itself
    for kind, dollars in zip(kinds, row.split(), strict=True):
        assert cost(model, Usage(**{kind: short})) * 10 == Decimal(dollars) * 1_000_000


def test_every_price_is_checked() -> None:
    assert set(LIST_PRICES) == {profile.name for profile in known_profiles()}


def test_the_original_systems_example_costs_what_it_should() -> None:
    """15,000 read, 300 in and 3,000 out were booked as 0.04509 dollars there."""
    usage = Usage(input=300, output=3000, cache_read=15_000)
    assert cost("claude-sonnet-4-5", usage) == Decimal(50400)


def test_a_single_cached_token_costs_less_than_a_microdollar_and_is_not_lost() -> None:
    assert cost("claude-haiku-5-5", Usage(cache_read=1)) == Decimal("0.01")


@given(usages, usages)
def test_the_costs_of_two_calls_add_up(one: Usage, other: Usage) -> None:
    both = Usage(
        one.input + other.input,
        one.output + other.output,
        one.cache_read + other.cache_read,
        one.cache_write_5m + other.cache_write_5m,
        one.cache_write_1h + other.cache_write_1h,
    )
    model = "claude-sonnet-5-5"
    assert cost(model, both) == cost(model, one) + cost(model, other)


@pytest.mark.parametrize(
    ("usage", "microdollars"),
    [
        (Usage(input=100_000, output=1000), "10500.00"),
        (Usage(input=100_001, output=1000), "52500.50"),
        (Usage(input=1, cache_read=50_000, cache_write_5m=50_000), "33750.50"),
        (Usage(input=1, cache_read=50_000, cache_write_1h=50_000), "52500.50"),
    ],
)
def test_a_long_prompt_makes_every_token_of_the_call_dearer(usage: Usage, microdollars: str) -> None:
    assert cost("claude-haiku-5-5", usage) == Decimal(microdollars)
