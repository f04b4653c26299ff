"""Who waits for whom: what each trouble of each provider means for when the batch is tried again.

A student waits neither for a provider that another can stand in for, nor for the slower of two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry

from db.batches import BatchStore
from generation.errors import (
    CircuitOpen,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    StreamCut,
)
from generation.model import Claim, Urgency
from generation.run_batch import PROVIDERS_UNAVAILABLE as AWAY
from generation.run_batch import READY
from runtime.metrics import Metrics
from runtime.settings import GenerationSettings
from tests.support.scripted import ScriptedProvider
from tests.unit.generation.test_run_batch import Bench, make_claim
from worker.outcomes import Outcomes

#: Its own pause after a run is next to nothing here.
LIMITS, OWN_PAUSE_S = GenerationSettings(generation_retry_base_s=0.01), 0.05

STUDENT, PREFETCH = Urgency.INTERACTIVE, Urgency.PREFETCH


@dataclass(frozen=True)
class Case:
    """Two providers that answer like this, and what becomes of the batch."""

    claude: ProviderError
    openrouter: ProviderError | None  #: None: it is well
    urgency: Urgency
    outcome: str
    pause_s: float = 0.0  #: 0: nobody asked for one

    def __str__(self) -> str:
        return (
            f"{self.urgency}-{self.claude.code}-{self.openrouter and self.openrouter.code}-{self.pause_s:g}"
        )


def busy(retry_after_s: float | None = None) -> ProviderError:
    return ProviderBusy(provider="any", retry_after_s=retry_after_s)


def throttled(retry_after_s: float) -> ProviderError:
    return ProviderThrottled(provider="any", retry_after_s=retry_after_s)


DEAD, OPEN, DENIED, CUT, REFUSED, MISUSED = (
    kind(provider="any")
    for kind in (
        ProviderUnreachable,
        CircuitOpen,
        ProviderDenied,
        StreamCut,
        ProviderRefused,
        ProviderMisused,
    )
)

CASES = [
    # One provider's trouble is no wait at all where another is well; but nobody pays twice for a prefetch
    # because our own limits are used up, and a wrong request is wrong everywhere.
    *(
        Case(error, None, urgency, READY)
        for urgency in Urgency
        for error in (busy(60), busy(), DEAD, OPEN, DENIED, CUT, REFUSED)
    ),
    Case(throttled(40), None, STUDENT, READY),
    Case(throttled(40), None, PREFETCH, ProviderThrottled.code, 40),
    *(Case(MISUSED, None, urgency, MISUSED.code) for urgency in Urgency),
    # Where both are away, the one that is back first is waited for; one that names no time may be back at once.
    *(
        Case(claude, openrouter, urgency, AWAY, pause_s)
        for urgency in Urgency
        for claude, openrouter, pause_s in (
            (busy(50), busy(5), 5),
            (busy(5), busy(50), 5),
            (busy(50), DEAD, 0),
            (DEAD, busy(50), 0),
            (OPEN, busy(30), 0),
            (DENIED, DENIED, 0),
            (DEAD, DENIED, 0),
        )
    ),
    Case(throttled(40), throttled(20), STUDENT, AWAY, 20),
]


def answering(name: str, error: ProviderError | None) -> ScriptedProvider:
    if error is None:
        return ScriptedProvider(name=name)
    if isinstance(error, ProviderThrottled | CircuitOpen):
        return ScriptedProvider(name=name, refuses=error)
    return ScriptedProvider([lambda _: ("", error)], name=name)


class Rows(BatchStore):
    """What is written down at the end of a run."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []

    def release(self, claim: Claim, delay_s: float, error_code: str, *, counts_as_failure: bool) -> None:
        self.delays_s.append(delay_s)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_batch_is_tried_again_when_somebody_may_be_asked(case: Case) -> None:
    providers = answering("claude", case.claude), answering("openrouter", case.openrouter)
    bench = Bench(*providers, claim=replace(make_claim(), urgency=case.urgency))
    rows, result = Rows(), bench.run()
    Outcomes(rows, LIMITS, Metrics(CollectorRegistry())).settle(bench.claim, result)
    assert result.outcome == case.outcome
    if case.outcome == READY:
        assert rows.delays_s == []
    else:
        [delay_s] = rows.delays_s
        assert case.pause_s <= delay_s <= case.pause_s + OWN_PAUSE_S
