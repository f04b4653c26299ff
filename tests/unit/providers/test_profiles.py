from __future__ import annotations

from datetime import date

import pytest

from generation.model import Usage
from providers.prices import cost_microdollars
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
    assert stranger == max(cost_microdollars(known.prices, many) for known in known_profiles())


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
