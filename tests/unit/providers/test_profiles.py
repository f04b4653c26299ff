from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from anthropic.types import Model

from generation.model_call import Usage
from providers.prices import PriceTable, Rates, cost_microdollars
from providers.profiles import ThinkingOff, known_prices, known_profiles, profile_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-5.5", "claude-sonnet-5-5"),
        ("anthropic/claude-4.5-sonnet-20250929", "claude-sonnet-4-5"),
        ("anthropic/claude-5-sonnet", "claude-sonnet-5"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
    ],
)
def test_a_model_is_known_by_any_of_its_names(name: str, expected: str) -> None:
    assert (profile_of(name).name, profile_of(name).known) == (expected, True)


def test_the_model_of_the_quickstart_is_known_to_retire_soon() -> None:
    profile = profile_of("claude-sonnet-4-5")
    assert (profile.deprecated_on, profile.retires_on) == (date(2026, 9, 30), date(2026, 11, 30))


def test_a_stranger_gets_safe_guesses_and_a_flag() -> None:
    profile = profile_of("claude-sonnet-9")
    assert not profile.known
    assert (profile.thinking_off, profile.efforts) == (ThinkingOff.OMITTED, frozenset())
    assert profile.max_output_tokens == 64_000


@pytest.mark.parametrize("kind", ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"])
def test_a_stranger_costs_no_less_than_any_known_model_for_any_kind_of_token(kind: str) -> None:
    """A spend limit must not be overrun because one model is the dearest to write and another to read."""
    many = Usage(**{kind: 1_000_000})
    stranger = cost_microdollars(profile_of("claude-sonnet-9").prices, many)
    assert stranger == max(cost_microdollars(prices, many) for prices in known_prices())
    assert not profile_of("claude-sonnet-9").price_is_known


def named_by_the_sdk() -> list[str]:
    return [name for choice in get_args(Model) for name in get_args(choice)]


#: Named by the SDK; no list price of theirs could be read.
WITHOUT_A_LIST_PRICE = {"claude-fable-5-2", "claude-mythos-5-2"}


def test_every_model_that_the_sdk_names_has_a_price() -> None:
    names = named_by_the_sdk()
    assert len(names) > 20
    assert {name for name in names if not profile_of(name).price_is_known} == WITHOUT_A_LIST_PRICE


@pytest.mark.parametrize("name", named_by_the_sdk())
def test_a_model_has_the_same_price_by_its_name_at_openrouter(name: str) -> None:
    version = re.sub(r"-(\d)-(\d)(?=$|-)", r"-\1.\2", name)
    prices = profile_of(name).prices
    for other in (f"anthropic/{version}", f"~anthropic/{name}", f"us.anthropic.{name}-v1:0", f"{name}:beta"):
        assert profile_of(other).prices == prices


@pytest.mark.parametrize(
    ("name", "dollars"),
    [
        ("claude-opus-5", ("5", "25", "6.25", "10", "0.50")),
        ("claude-fable-5", ("10", "50", "12.50", "20", "1")),
        ("claude-mythos-5-1", ("10", "50", "12.50", "20", "0.25")),
        ("claude-fable-5-2", ("10", "50", "12.50", "20", "1")),
    ],
)
def test_a_price_without_a_profile_is_the_vendors(name: str, dollars: tuple[str, ...]) -> None:
    assert profile_of(name).prices == PriceTable(Rates(*map(Decimal, dollars)))


@pytest.mark.parametrize(
    "name", ["", "claude", "gpt-5", "claude-sonnet-5-6", "x" * 100_000, "anthropic/", "كلود"]
)
def test_any_name_has_a_price(name: str) -> None:
    assert not profile_of(name).price_is_known
    assert profile_of(name).prices.rates.output >= 50


#: The vendor's tables, written down a second time: thinking off, cache minimum, largest reply, deprecated,
#: retired, and not retired before.
TABLE = {
    "claude-sonnet-4-5": ("omitted", 1024, 64_000, date(2026, 9, 30), date(2026, 11, 30), None),
    "claude-sonnet-4-6": ("omitted", 1024, 128_000, None, None, date(2027, 2, 17)),
    "claude-sonnet-5": ("disabled", 1024, 128_000, None, None, date(2027, 6, 30)),
    "claude-sonnet-5-5": ("between_tools", 512, 128_000, None, None, date(2027, 9, 28)),
    "claude-haiku-4-5": ("omitted", 4096, 64_000, None, None, date(2026, 10, 15)),
    "claude-haiku-5-5": ("disabled", 512, 128_000, None, None, None),
    "claude-opus-5-5": ("impossible", 512, 128_000, None, None, None),
}


def test_every_cell_of_the_table_is_the_vendors() -> None:
    ours = {
        profile.name: (
            profile.thinking_off.value,
            profile.cache_minimum_tokens,
            profile.max_output_tokens,
            profile.deprecated_on,
            profile.retires_on,
            profile.not_retired_before,
        )
        for profile in known_profiles()
    }
    assert ours == TABLE
