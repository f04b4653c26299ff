from __future__ import annotations

from datetime import date

import pytest

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


@pytest.mark.parametrize(
    ("name", "minimum"),
    [("claude-sonnet-5-5", 512), ("claude-sonnet-4-5", 1024), ("claude-haiku-4-5", 4096)],
)
def test_the_shortest_prefix_that_is_cached_is_known(name: str, minimum: int) -> None:
    assert profile_of(name).cache_minimum_tokens == minimum
