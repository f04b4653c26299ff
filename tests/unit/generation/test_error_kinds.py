"""Who is asked next after an error, by its kind."""

from __future__ import annotations

import pytest

from generation.error_kinds import AskNext, ErrorKind, Scope
from generation.errors import (
    CircuitOpen,
    ConnectionsExhausted,
    ContentFiltered,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    StaleConnection,
    StreamCut,
    StreamStalled,
)
from generation.run_batch import READY
from tests.support.scripted import ScriptedProvider, everything
from tests.unit.generation.test_run_batch import Bench, failing

TABLE: dict[type[ProviderError], tuple[ErrorKind, AskNext, Scope]] = {
    ContentFiltered: (ErrorKind.CONTENT_FILTER, AskNext.OTHER, Scope.SLOT),
    ProviderRefused: (ErrorKind.REFUSAL, AskNext.SAME, Scope.SLOT),
    ProviderDenied: (ErrorKind.KEY, AskNext.OTHER, Scope.PROVIDER),
    ProviderMisused: (ErrorKind.MISTAKE, AskNext.NOBODY, Scope.BATCH),
    ProviderBusy: (ErrorKind.BUSY, AskNext.OTHER, Scope.PROVIDER),
    ProviderThrottled: (ErrorKind.THROTTLED, AskNext.OTHER, Scope.CALL),
    ConnectionsExhausted: (ErrorKind.POOL, AskNext.OTHER, Scope.CALL),
    CircuitOpen: (ErrorKind.CIRCUIT_OPEN, AskNext.OTHER, Scope.PROVIDER),
    StaleConnection: (ErrorKind.STALE_CONNECTION, AskNext.SAME, Scope.CALL),
    ProviderUnreachable: (ErrorKind.UNREACHABLE, AskNext.OTHER, Scope.PROVIDER),
    StreamCut: (ErrorKind.CUT, AskNext.SAME, Scope.CALL),
    StreamStalled: (ErrorKind.STALLED, AskNext.SAME, Scope.CALL),
}


@pytest.mark.parametrize("cls", TABLE)
def test_every_error_says_what_it_means_for_the_work(cls: type[ProviderError]) -> None:
    error = cls(provider="claude")
    assert (error.kind, error.ask_next, error.scope) == TABLE[cls]


@pytest.mark.parametrize("kind", [ErrorKind.CREDIT, ErrorKind.QUOTA, ErrorKind.POLICY])
def test_one_error_may_have_several_kinds(kind: ErrorKind) -> None:
    assert ProviderDenied(provider="claude", kind=kind).kind is kind


def test_one_dead_connection_does_not_cost_a_run_its_provider() -> None:
    provider = ScriptedProvider([failing(StaleConnection(provider="claude")), everything])
    other = ScriptedProvider(name="openrouter")
    assert Bench(provider, other).run().outcome == READY
    assert (len(provider.prompts), other.prompts) == (2, [])


def test_a_model_that_one_provider_has_not_may_be_at_the_next() -> None:
    missing = ProviderMisused(provider="claude", kind=ErrorKind.MODEL)
    provider, other = ScriptedProvider([failing(missing)]), ScriptedProvider(name="openrouter")
    assert Bench(provider, other).run().outcome == READY
    assert (len(provider.prompts), len(other.prompts)) == (1, 1)


@pytest.mark.parametrize("after", [0, 3])
def test_a_filter_of_one_provider_costs_no_question_of_the_batch(after: int) -> None:
    filtered = failing(ContentFiltered(provider="claude"), after=after)
    provider, other = ScriptedProvider([filtered]), ScriptedProvider(name="openrouter")
    bench = Bench(provider, other)
    assert bench.run().outcome == READY
    assert len(bench.store.questions) == 10
