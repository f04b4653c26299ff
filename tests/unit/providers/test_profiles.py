from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from providers.prices import Rates
from providers.profiles import ThinkingOff, known_profiles, profile_of


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


def test_every_slug_leads_back_to_its_model() -> None:
    for known in known_profiles():
        assert profile_of(known.openrouter_slug or known.name) == known


def test_the_model_of_the_quickstart_is_known_to_retire_soon() -> None:
    profile = profile_of("claude-sonnet-4-5")
    assert (profile.deprecated_on, profile.retires_on) == (date(2026, 9, 30), date(2026, 11, 30))


def test_a_stranger_gets_safe_guesses_and_a_flag() -> None:
    profile = profile_of("claude-sonnet-9")
    assert not profile.known
    assert (profile.thinking_off, profile.efforts) == (ThinkingOff.OMITTED, frozenset())
    assert profile.max_output_tokens == 64_000
    assert profile.prices == profile_of("claude-opus-5-5").prices


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

#: Dollars per million tokens: input, output, 5-minute write, 1-hour write, read.
PRICES = {
    "claude-sonnet-4-5": "3 15 3.75 6 0.30",
    "claude-sonnet-4-6": "3 15 3.75 6 0.30",
    "claude-sonnet-5": "2 10 2.50 4 0.20",
    "claude-sonnet-5-5": "2 10 2.50 4 0.10",
    "claude-haiku-4-5": "1 5 1.25 2 0.10",
    "claude-haiku-5-5": "0.10 0.50 0.125 0.20 0.01",
    "claude-opus-5-5": "4 20 5 8 0.20",
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


def test_every_price_of_the_table_is_the_vendors() -> None:
    ours = {profile.name: amounts(profile.prices.rates) for profile in known_profiles()}
    assert ours == {name: [Decimal(price) for price in row.split()] for name, row in PRICES.items()}
    [(name, long_prompt)] = [
        (profile.name, profile.prices.long_prompt)
        for profile in known_profiles()
        if profile.prices.long_prompt
    ]
    assert (name, long_prompt.above_tokens) == ("claude-haiku-5-5", 100_000)
    assert list(map(str, amounts(long_prompt.rates))) == ["0.50", "2.50", "0.625", "1.00", "0.05"]


def amounts(rates: Rates) -> list[Decimal]:
    return [rates.input, rates.output, rates.cache_write_5m, rates.cache_write_1h, rates.cache_read]
