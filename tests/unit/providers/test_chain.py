from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.errors import ProviderBusy, ProviderDenied, ProviderMisused
from generation.ports import SourceChain
from providers.chain import OrderedChain, make_chain
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings

NOBODY: frozenset[str] = frozenset()


def chain_with(openrouter_key: str | None, **claude: str) -> OrderedChain:
    return make_chain(
        ClaudeSettings.model_validate({"anthropic_api_key": "a-key"} | claude),
        OpenRouterSettings.model_validate({"openrouter_api_key": openrouter_key}),
        GenerationSettings.model_validate({}),
        traffic=TrafficSettings.model_validate({}),
    )


@pytest.fixture
def chain() -> Iterator[OrderedChain]:
    chain = chain_with("or-key")
    yield chain
    chain.close()


def picked(chain: SourceChain, excluded: frozenset[str] = NOBODY) -> str | None:
    source = chain.pick(excluded)
    return None if source is None else source.name


def test_claude_is_asked_first(chain: OrderedChain) -> None:
    assert picked(chain) == "claude"


def test_the_fallback_is_asked_when_a_run_has_given_claude_up(chain: OrderedChain) -> None:
    assert picked(chain, frozenset({"claude"})) == "openrouter"


def test_the_fallback_is_asked_while_claude_rests(chain: OrderedChain) -> None:
    chain.report("claude", ProviderDenied(provider="claude"))
    assert picked(chain) == "openrouter"


def test_nobody_is_asked_when_all_are_given_up_or_rest(chain: OrderedChain) -> None:
    chain.report("openrouter", ProviderDenied(provider="openrouter"))
    assert picked(chain, frozenset({"claude"})) is None


def test_without_its_key_there_is_no_fallback() -> None:
    chain = chain_with(None)
    assert [source.name for source in chain.sources] == ["claude"]
    chain.close()


def solver_of(chain: SourceChain) -> str | None:
    source = chain.pick_solver()
    return None if source is None else source.model


def test_the_solver_is_the_cheapest_model_unless_it_is_another(chain: OrderedChain) -> None:
    assert solver_of(chain) == "claude-haiku-5-5"
    other = chain_with(None, solver_model="claude-sonnet-5")
    assert solver_of(other) == "claude-sonnet-5"
    other.close()


def test_without_a_solver_nobody_is_asked_for_a_second_opinion() -> None:
    chain = chain_with(None, solver_model="off")
    assert solver_of(chain) is None
    chain.close()


def test_nobody_is_asked_for_a_second_opinion_while_claude_rests(chain: OrderedChain) -> None:
    chain.report("claude", ProviderBusy(provider="claude", retry_after_s=60))
    assert solver_of(chain) is None


def test_what_the_solver_meets_keeps_nobody_from_writing(chain: OrderedChain) -> None:
    """A model that is not there answers every opinion with an error; the exam is another model's."""
    for _ in range(5):
        chain.report_solver(ProviderMisused(provider="claude"))
    assert solver_of(chain) is None
    assert picked(chain) == "claude"


def test_a_solver_that_answers_is_asked_again(chain: OrderedChain) -> None:
    assert solver_of(chain) is not None
    chain.report_solver(None)
    assert solver_of(chain) is not None
