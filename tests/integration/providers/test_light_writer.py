"""Two models of Claude write one batch, by difficulty; both are in the ledger's rows and on the bill."""

from __future__ import annotations

from decimal import Decimal

import pytest

from generation.model import Difficulty, Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import READY
from providers.fallback import OrderedFallback, make_fallback
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings
from tools.simulator.running import RunningSimulator
from worker.trial import Trial, write_batch

PLAN = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1)
EASY = sum(slot.difficulty is Difficulty.EASY for slot in PLAN.slots_of(PLAN.batches[1]))


def providers(simulator: RunningSimulator, light_model: str) -> OrderedFallback:
    settings = {"claude_base_url": simulator.url, "solver_model": "off", "light_model": light_model}
    return make_fallback(
        ClaudeSettings.model_validate(settings),
        OpenRouterSettings.model_validate({}),
        GenerationSettings(),
        traffic=TrafficSettings(),
    )


def written(simulator: RunningSimulator, light_model: str) -> Trial:
    chain = providers(simulator, light_model)
    try:
        return write_batch(
            chain,
            PLAN,
            PLAN.batches[1],
            track=Track.SCIENTIFIC,
            urgency=Urgency.PREFETCH,
            lanes=2,
            cap_microdollars=Decimal(500_000),
        )
    finally:
        chain.close()


def test_easy_slots_are_written_by_the_light_model() -> None:
    with RunningSimulator(speed=60) as simulator:
        trial = written(simulator, "claude-haiku-5-5")
        bill = simulator.bill()
    assert trial.result is not None
    assert trial.result.outcome == READY
    assert {(call.model, call.accepted) for call in trial.calls} == {
        ("claude-haiku-5-5", EASY),
        ("claude-sonnet-5-5", 10 - EASY),
    }
    assert trial.cost_microdollars == sum(entry.cost_microdollars for entry in bill.entries)


@pytest.mark.parametrize("light_model", ["claude-haiku-0-0", "off"])
def test_a_light_model_that_is_misspelt_or_off_leaves_all_to_the_other(light_model: str) -> None:
    with RunningSimulator(speed=60) as simulator:
        trial = written(simulator, light_model)
    assert trial.result is not None
    assert trial.result.outcome == READY
    assert {call.model for call in trial.calls if call.accepted} == {"claude-sonnet-5-5"}
