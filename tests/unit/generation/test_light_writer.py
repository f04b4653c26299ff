"""A cheaper model writes some slots once; it can spoil neither the run nor its provider's name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import ContentFiltered, ProviderDenied, ProviderError, ProviderMisused, StreamCut
from generation.lanes import divide, share_out
from generation.model import Difficulty, QuestionType, Slot, Urgency
from generation.ports import LightWriter
from generation.run_batch import READY
from providers.light_writer import slots_like
from runtime.settings import SettingsError
from tests.support.scripted import ScriptedProvider
from tests.unit.generation.test_run_batch import PLAN, Bench, make_claim

LIGHT = "light-1"


def bench(light: ScriptedProvider, *, urgency: Urgency = Urgency.PREFETCH, runs: int = 1) -> Bench:
    found = Bench(ScriptedProvider(), claim=replace(make_claim(), urgency=urgency, runs=runs))
    found.providers.light = LightWriter(light, slots_like(["easy"]))
    return found


def easy() -> set[int]:
    return {slot.position for slot in make_claim().open_slots if slot.difficulty is Difficulty.EASY}


def asked(provider: ScriptedProvider) -> list[int]:
    return sorted(position for call in provider.asked() for position in call)


@pytest.mark.parametrize("urgency", list(Urgency))
def test_each_model_writes_its_slots_and_the_ledger_names_both(urgency: Urgency) -> None:
    light = ScriptedProvider(model=LIGHT)
    run = bench(light, urgency=urgency)
    assert run.run(lanes=10).outcome == READY
    main = run.providers.providers[0]
    assert set(asked(light)) == easy()
    assert set(asked(main)) == set(range(10)) - easy()
    assert len(light.prompts) + len(main.prompts) == (2 if urgency is Urgency.PREFETCH else 10)
    assert {call.provider for call in run.ledger.attempts.values()} == {"claude"}


@pytest.mark.parametrize(
    "error",
    [
        StreamCut(provider="claude"),
        ProviderMisused(provider="claude"),
        ProviderDenied(provider="claude"),
        ContentFiltered(provider="claude"),
        None,
    ],
)
def test_what_the_light_writer_does_not_bring_its_provider_writes(error: ProviderError | None) -> None:
    light = ScriptedProvider([lambda _: ("", error)], model=LIGHT)
    run = bench(light)
    assert run.run().outcome == READY
    assert len(light.prompts) == 1, "a slot is asked of it once"
    assert set(asked(run.providers.providers[0])) == set(range(10))
    assert {name for name, code in run.providers.reports if code is not None} == {"light"}


def test_a_later_run_asks_the_provider_alone() -> None:
    light = ScriptedProvider(model=LIGHT)
    run = bench(light, runs=2)
    assert run.run().outcome == READY
    assert light.prompts == []


@given(
    slots=st.lists(st.sampled_from(PLAN.slots), min_size=1, max_size=20, unique=True),
    at_once=st.integers(1, 10),
)
def test_dividing_loses_no_slot_and_parts_no_passage(slots: list[Slot], at_once: int) -> None:
    slots = sorted(slots, key=lambda slot: slot.position)
    lanes = share_out(slots, at_once)
    is_easy = slots_like(["easy"])
    apart, others = divide(lanes, is_easy)
    assert sorted(s.position for lane in [*apart, *others] for s in lane) == [s.position for s in slots]
    assert all(is_easy(slot) for lane in apart for slot in lane)
    homes: dict[int, set[int]] = {}
    for number, lane in enumerate([*apart, *others]):
        for slot in lane:
            if slot.passage_group is not None:
                homes.setdefault(slot.passage_group, set()).add(number)
    before: dict[int, set[int]] = {}
    for number, lane in enumerate(lanes):
        for slot in lane:
            if slot.passage_group is not None:
                before.setdefault(slot.passage_group, set()).add(number)
    assert {group: len(lanes) for group, lanes in homes.items()} == {
        group: len(lanes) for group, lanes in before.items()
    }


def test_slots_are_named_by_difficulty_type_or_both() -> None:
    writes = slots_like(["easy:analogy", "odd-word"])
    for slot in PLAN.slots:
        wanted = slot.question_type is QuestionType.ODD_WORD or (
            slot.question_type is QuestionType.ANALOGY and slot.difficulty is Difficulty.EASY
        )
        assert writes(slot) is wanted
    with pytest.raises(SettingsError, match="LIGHT_SLOTS names simple, which is neither"):
        slots_like(["simple"])
