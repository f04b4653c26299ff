from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.errors import ProviderBusy, ProviderDenied
from generation.ports import Fallback
from providers.fallback import OrderedFallback, make_fallback
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings

NOBODY: frozenset[str] = frozenset()


def fallback_with(openrouter_key: str | None, **claude: str) -> OrderedFallback:
    return make_fallback(
        ClaudeSettings.model_validate({"anthropic_api_key": "a-key"} | claude),
        OpenRouterSettings.model_validate({"openrouter_api_key": openrouter_key}),
        GenerationSettings.model_validate({}),
        traffic=TrafficSettings.model_validate({}),
    )


@pytest.fixture
def fallback() -> Iterator[OrderedFallback]:
    fallback = fallback_with("or-key")
    yield fallback
    fallback.close()


def picked(fallback: Fallback, excluded: frozenset[str] = NOBODY) -> str | None:
    provider = fallback.pick(excluded)
    return None if provider is None else provider.name


def test_claude_is_asked_first(fallback: OrderedFallback) -> None:
    assert picked(fallback) == "claude"


def test_the_fallback_is_asked_when_a_run_has_given_claude_up(fallback: OrderedFallback) -> None:
    assert picked(fallback, frozenset({"claude"})) == "openrouter"


def test_the_fallback_is_asked_while_claude_rests(fallback: OrderedFallback) -> None:
    fallback.report("claude", ProviderDenied(provider="claude"))
    assert picked(fallback) == "openrouter"


def test_nobody_is_asked_when_all_are_given_up_or_rest(fallback: OrderedFallback) -> None:
    fallback.report("openrouter", ProviderDenied(provider="openrouter"))
    assert picked(fallback, frozenset({"claude"})) is None


def test_without_its_key_there_is_no_fallback() -> None:
    fallback = fallback_with(None)
    assert [provider.name for provider in fallback.providers] == ["claude"]
    fallback.close()


def solver_of(fallback: Fallback) -> str | None:
    provider = fallback.pick_solver()
    return None if provider is None else provider.model


def test_the_solver_is_the_cheapest_model_unless_it_is_another(fallback: OrderedFallback) -> None:
    assert solver_of(fallback) == "claude-haiku-5-5"
    other = fallback_with(None, solver_model="claude-sonnet-5")
    assert solver_of(other) == "claude-sonnet-5"
    other.close()


def test_without_a_solver_nobody_is_asked_for_a_second_opinion() -> None:
    fallback = fallback_with(None, solver_model="off")
    assert solver_of(fallback) is None
    fallback.close()


def test_nobody_is_asked_for_a_second_opinion_while_claude_rests(fallback: OrderedFallback) -> None:
    fallback.report("claude", ProviderBusy(provider="claude", retry_after_s=60))
    assert solver_of(fallback) is None


def test_what_the_solver_meets_keeps_nobody_from_writing(fallback: OrderedFallback) -> None:
    """The exam is another model's. See test_turns for a model that is not there."""
    fallback.report_solver(ProviderDenied(provider="claude"))
    assert solver_of(fallback) is None
    assert picked(fallback) == "claude"


def test_a_solver_that_answers_is_asked_again(fallback: OrderedFallback) -> None:
    assert solver_of(fallback) is not None
    fallback.report_solver(None)
    assert solver_of(fallback) is not None
