from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.errors import ProviderDenied
from generation.ports import SourceChain
from providers.chain import OrderedChain, make_chain
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings

NOBODY: frozenset[str] = frozenset()


def chain_with(openrouter_key: str | None) -> OrderedChain:
    return make_chain(
        ClaudeSettings.model_validate({"anthropic_api_key": "a-key"}),
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
