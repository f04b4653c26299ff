"""A reply is judged by what it brought: R1's shapes, filtered slots, budgets, and slots that nobody fills."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.batch_history import Deviation, Spent
from generation.budget import CACHES, Budget
from generation.errors import ContentFiltered, ProviderError, ProviderMisused, StaleConnection, StreamCut
from generation.model import Claim, EarlierQuestion, QuestionType, Section, Urgency
from generation.model_call import Usage
from generation.prompts.blocks import system_blocks
from generation.run_batch import BUDGET_EXHAUSTED, READY, SLOTS_LEFT_OPEN, RunLimits, RunResult, run_batch
from generation.run_events import BatchEndedShort, ProviderGivenUp, SlotDeviated
from tests.support.scripted import Reply, ScriptedProvider, an_object, everything, lines
from tests.unit.generation.test_run_batch import PLAN, Bench, make_claim

Specs = list[dict[str, Any]]

LANES = ThreadPoolExecutor(10)
FACTOR = Decimal(3)


def _wrong_everywhere(specs: Specs) -> str:
    """Good-looking objects, each with two equal choices."""
    return lines([an_object(spec) | {"d": ["الجمل", "الجمل", "الجمل"]} for spec in specs])


def _broken(specs: Specs) -> str:
    return "".join(json.dumps(an_object(spec), ensure_ascii=False)[:-9] + '"]\n' for spec in specs)


#: R1's shapes: complete replies that bring nothing.
SHAPES: dict[str, Callable[[Specs], str]] = {
    "unreadable envelope": lambda specs: '{"questions": ' + _broken(specs),
    "polite refusal": lambda _: "أعتذر، لا يمكنني كتابة هذه الأسئلة، ويسعدني أن أساعدك في أمر آخر.",
    "empty": lambda _: "",
    "broken JSON in every object": _broken,
    "wholly rejected": _wrong_everywhere,
    "wrong slots": lambda specs: lines([an_object(spec) | {"slot": spec["slot"] + 1000} for spec in specs]),
}


def always(shape: Callable[[Specs], str]) -> list[Reply]:
    return [lambda specs: (shape(specs), None)]


def run(bench: Bench, *, lanes: int = 10) -> RunResult:
    return run_batch(
        bench.claim,
        providers=bench.providers,
        store=bench.store,
        ledger=bench.ledger,
        observer=bench.run_events,
        stop=bench.stop,
        limits=RunLimits(max_rounds=20, lanes=lanes, budget_factor=FACTOR),
        lanes=LANES,
    )


def claim_for(urgency: Urgency, batch_index: int = 0, **changes: Any) -> Claim:
    return replace(make_claim(batch_index), urgency=urgency, **changes)


def spent(bench: Bench) -> Decimal:
    return sum((attempt.cost_microdollars for attempt in bench.ledger.attempts.values()), Decimal(0))


def allowed(bench: Bench, lanes: int) -> Decimal:
    budget = Budget(FACTOR, bench.claim.batch.size, lanes)
    return budget.microdollars(ScriptedProvider(), system_blocks(bench.claim.batch.section))


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("shape", list(SHAPES))
def test_with_a_healthy_fallback_the_batch_is_whole(shape: str, urgency: Urgency) -> None:
    vain, healthy = ScriptedProvider(always(SHAPES[shape])), ScriptedProvider(name="openrouter")
    bench = Bench(vain, healthy, claim=claim_for(urgency))
    assert run(bench) == RunResult(READY, 10)
    at_once = 10 if urgency is Urgency.INTERACTIVE else 1
    assert len(vain.prompts) <= at_once + 1, "once more means one call"
    assert spent(bench) <= allowed(bench, at_once)
    [given_up] = bench.run_events.of(ProviderGivenUp)
    assert (given_up.provider, given_up.because) == ("claude", "no_yield")


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("shape", list(SHAPES))
def test_without_a_fallback_a_vain_run_ends_after_asking_once_more(shape: str, urgency: Urgency) -> None:
    vain = ScriptedProvider(always(SHAPES[shape]))
    bench = Bench(vain, claim=claim_for(urgency))
    assert run(bench).outcome == SLOTS_LEFT_OPEN
    at_once = 10 if urgency is Urgency.INTERACTIVE else 1
    assert len(vain.prompts) <= at_once + 1
    assert bench.store.deviations == [], "the provider is the trouble, not the slots"


@pytest.mark.parametrize("has_fallback", [True, False])
def test_a_provider_that_only_repeats_earlier_questions_is_left_like_one_that_failed(
    has_fallback: bool,
) -> None:
    known = Bench(ScriptedProvider())
    run(known)
    earlier = tuple(
        replace(EarlierQuestion.of(question), position=-1 - position)
        for position, question in known.store.questions.items()
    )
    others = [lambda specs: (lines([an_object(spec, variant=1) for spec in specs]), None)]
    vain, healthy = ScriptedProvider(), ScriptedProvider(others, name="openrouter")
    providers = (vain, healthy) if has_fallback else (vain,)
    bench = Bench(*providers, claim=replace(make_claim(), earlier=earlier))
    assert run(bench) == (RunResult(READY, 10) if has_fallback else RunResult(SLOTS_LEFT_OPEN, 0))
    assert len(vain.prompts) <= 11


def test_the_second_prompt_names_the_reasons_for_which_nothing_was_accepted() -> None:
    vain = ScriptedProvider([*always(SHAPES["wrong slots"]), everything])
    bench = Bench(vain)
    assert run(bench, lanes=1) == RunResult(READY, 10)
    assert "unknown_slot" not in vain.prompts[0].user
    assert "unknown_slot" in vain.prompts[1].user
    assert vain.prompts[1].system == vain.prompts[0].system


def test_an_empty_reply_stops_the_lanes_that_still_write_one() -> None:
    """Half of the lanes are enough to see it: the others hang up."""
    slow = ScriptedProvider(
        always(lambda specs: _broken(specs) * (40 if specs[0]["slot"] > 5 else 1)), chunk=9
    )
    bench = Bench(slow)
    assert run(bench).outcome == SLOTS_LEFT_OPEN
    assert "fruitless" in bench.ledger.outcomes()


def test_a_run_after_a_vain_one_begins_with_one_small_call() -> None:
    vain = ScriptedProvider(always(SHAPES["empty"]))
    bench = Bench(vain, claim=replace(make_claim(), runs=2, failures=1))
    assert run(bench).outcome == SLOTS_LEFT_OPEN
    assert [len(asked) for asked in vain.asked()] == [3, 3]


def test_a_model_that_recovers_after_a_vain_run_fills_the_batch() -> None:
    provider = ScriptedProvider()
    bench = Bench(provider, claim=replace(make_claim(), runs=2, failures=1))
    assert run(bench) == RunResult(READY, 10)
    assert 3 <= len(provider.asked()[0]) <= 4


def test_a_batch_that_has_used_up_its_calls_makes_no_other() -> None:
    provider = ScriptedProvider()
    bench = Bench(provider, claim=replace(make_claim(), spent=Spent(calls=30)))
    assert run(bench) == RunResult(BUDGET_EXHAUSTED, 0)
    assert provider.prompts == []


def test_a_batch_that_has_used_up_its_money_makes_no_other_call() -> None:
    provider = ScriptedProvider()
    bench = Bench(provider)
    bench.claim = replace(bench.claim, spent=Spent(1, allowed(bench, 10)))
    assert run(bench) == RunResult(BUDGET_EXHAUSTED, 0)
    assert provider.prompts == []


class CachingProvider(ScriptedProvider):
    """Writing its cache costs something."""

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        return super().cost_microdollars(model, usage) + usage.cache_written


def of_ten_lanes(cache_writes: int) -> Decimal:
    return Budget(FACTOR, 10, 10).microdollars(
        CachingProvider(), system_blocks(Section.QUANTITATIVE), cache_writes
    )


@pytest.mark.parametrize(("cache_writes", "accepted"), [(0, 0), (CACHES, 0), (7, 10)])
def test_cache_writes_beyond_one_for_each_provider_leave_the_budget_as_it_is(
    cache_writes: int, accepted: int
) -> None:
    bench = Bench(CachingProvider())
    bench.claim = replace(bench.claim, spent=Spent(1, of_ten_lanes(0), cache_writes))
    assert run(bench).accepted == accepted


def test_the_budget_allows_at_most_one_cache_write_a_lane() -> None:
    assert of_ten_lanes(0) == of_ten_lanes(CACHES) < of_ten_lanes(10) == of_ten_lanes(30)


def test_a_call_that_the_budget_does_not_allow_whole_is_made_for_fewer_slots() -> None:
    provider = ScriptedProvider()
    bench = Bench(provider)
    bench.claim = replace(bench.claim, spent=Spent(1, allowed(bench, 1) - 5000))
    result = run(bench, lanes=1)
    assert 0 < len(provider.asked()[0]) < 10
    assert result.accepted > 0
    assert spent(bench) <= 5000


# One slot of ten


def filtering(position: int, *, after: int | None = None) -> Reply:
    """The filter strikes whenever this slot is asked for: at the request, or after so many questions."""
    error = ContentFiltered(provider="claude", status=400 if after is None else None)

    def reply(specs: Specs) -> tuple[str, ProviderError | None]:
        positions = [spec["slot"] for spec in specs]
        if position not in positions:
            return everything(specs)
        if after is None:
            return "", error
        before = specs[: min(after, positions.index(position))]
        return lines([an_object(spec) for spec in before]) + '{"slot"', error

    return reply


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("after", [None, 0, 3], ids=["before", "at the first token", "after it"])
@pytest.mark.parametrize("position", [0, 4, 9])
def test_one_filtered_slot_is_written_by_the_other_provider(
    position: int, after: int | None, urgency: Urgency
) -> None:
    filtered, other = (
        ScriptedProvider([filtering(position, after=after)]),
        ScriptedProvider(name="openrouter"),
    )
    bench = Bench(filtered, other, claim=claim_for(urgency))
    assert run(bench) == RunResult(READY, 10)
    assert other.asked() == [[position]]
    assert bench.store.deviations == []
    assert len(filtered.prompts) <= 12


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("after", [None, 0, 3], ids=["before", "at the first token", "after it"])
def test_a_slot_that_every_provider_filters_is_replaced_by_another_subtopic(
    after: int | None, urgency: Urgency
) -> None:
    planned = make_claim().open_slots[4]

    def reply(specs: Specs) -> tuple[str, ProviderError | None]:
        is_planned = any(spec["slot"] == 4 and spec["subtopic"] == planned.subtopic for spec in specs)
        return filtering(4, after=after)(specs) if is_planned else everything(specs)

    providers = ScriptedProvider([reply]), ScriptedProvider([reply], name="openrouter")
    bench = Bench(*providers, claim=claim_for(urgency))
    assert run(bench) == RunResult(READY, 10)
    [slot] = bench.store.deviations
    assert (slot.position, slot.topic, slot.deviation) == (4, planned.topic, Deviation.SUBTOPIC)
    assert [event.position for event in bench.run_events.of(SlotDeviated)] == [4]
    assert sorted(bench.store.questions) == list(range(10))
    assert bench.store.questions[4].slot.deviation is Deviation.SUBTOPIC


def test_a_topic_that_nobody_writes_is_replaced_by_another_topic_of_its_section() -> None:
    planned = make_claim().open_slots[4]

    def reply(specs: Specs) -> tuple[str, ProviderError | None]:
        is_planned = any(spec["slot"] == 4 and spec["topic"] == planned.topic for spec in specs)
        return filtering(4)(specs) if is_planned else everything(specs)

    bench = Bench(ScriptedProvider([reply]))
    assert run(bench) == RunResult(READY, 10)
    assert [slot.deviation for slot in bench.store.deviations] == [Deviation.SUBTOPIC, Deviation.TOPIC]
    question = bench.store.questions[4]
    assert question.slot.topic is not planned.topic
    assert question.slot.section is planned.section
    assert question.slot.difficulty is planned.difficulty
    assert (question.slot.key_index is None) == (question.slot.question_type is QuestionType.COMPARISON)


def never(*positions: int) -> Reply:
    """Good questions, but for these slots none that fits."""

    def reply(specs: Specs) -> tuple[str, None]:
        return lines([an_object(spec) for spec in specs if spec["slot"] not in positions]), None

    return reply


def test_a_slot_that_is_always_left_out_does_not_fail_the_nine_that_are_filled() -> None:
    bench = Bench(ScriptedProvider([never(6)]), ScriptedProvider(name="openrouter"))
    assert run(bench) == RunResult(READY, 10)
    assert bench.store.deviations == []


def test_only_a_sessions_last_batch_ends_short() -> None:
    last = len(PLAN.batches) - 1
    stuck = PLAN.batches[last].start + 4
    for is_last in (False, True):
        claim = replace(make_claim(last), is_last=is_last)
        bench = Bench(ScriptedProvider([never(stuck)]), claim=claim)
        outcome = run(bench).outcome
        assert (outcome == READY) == is_last
        assert bench.store.finished == is_last
        assert len(bench.run_events.of(BatchEndedShort)) == is_last


def test_a_last_batch_of_which_half_is_missing_does_not_end_short() -> None:
    last = PLAN.batches[-1]
    stuck = range(last.start, last.start + last.size // 2 + 1)
    bench = Bench(ScriptedProvider([never(*stuck)]), claim=replace(make_claim(last.index), is_last=True))
    assert run(bench).outcome in {SLOTS_LEFT_OPEN, BUDGET_EXHAUSTED}
    assert not bench.store.finished


@given(st.sets(st.integers(0, 9), min_size=1, max_size=3), st.sampled_from(list(Urgency)))
def test_whichever_slots_one_provider_filters_the_batch_is_whole_and_within_its_budget(
    positions: set[int], urgency: Urgency
) -> None:
    def reply(specs: Specs) -> tuple[str, ProviderError | None]:
        hit = [spec["slot"] for spec in specs if spec["slot"] in positions]
        return filtering(hit[0])(specs) if hit else everything(specs)

    bench = Bench(ScriptedProvider([reply]), ScriptedProvider(name="openrouter"), claim=claim_for(urgency))
    assert run(bench) == RunResult(READY, 10)
    assert len(bench.ledger.attempts) <= 30


# Whose fault it is


def test_a_mistake_of_one_session_is_reported_to_the_breaker_once() -> None:
    """Ten lanes of one batch would otherwise open the breaker for everybody."""
    bench = Bench(ScriptedProvider([lambda _: ("", ProviderMisused(provider="claude", status=400))]))
    assert run(bench).outcome == ProviderMisused.code
    assert bench.providers.reports == [("claude", ProviderMisused.code)]
    again = Bench(
        ScriptedProvider([lambda _: ("", ProviderMisused(provider="claude", status=400))]),
        claim=replace(make_claim(), failures=1, runs=2),
    )
    assert run(again).outcome == ProviderMisused.code
    assert again.providers.reports == []


def test_a_filtered_slot_is_no_failure_of_the_provider_for_others() -> None:
    bench = Bench(ScriptedProvider([filtering(3)]), ScriptedProvider(name="openrouter"))
    assert run(bench) == RunResult(READY, 10)
    assert {code for _, code in bench.providers.reports} == {None, ContentFiltered.code}


@pytest.mark.parametrize("error", [StaleConnection(provider="claude"), StreamCut(provider="claude")])
def test_one_dead_connection_is_forgiven_like_a_cut(error: ProviderError) -> None:
    """R7."""
    provider, other = (
        ScriptedProvider([lambda _: ("", error), everything]),
        ScriptedProvider(name="openrouter"),
    )
    bench = Bench(provider, other)
    assert run(bench, lanes=1) == RunResult(READY, 10)
    assert other.prompts == []


@pytest.mark.parametrize("shape", SHAPES)
def test_the_breaker_is_told_of_replies_without_any_object_and_of_no_other(shape: str) -> None:
    """A rejected question says that the provider writes, so it is no empty reply."""
    vain, well = ScriptedProvider(always(SHAPES[shape])), ScriptedProvider(name="openrouter")
    bench = Bench(vain, well, claim=claim_for(Urgency.PREFETCH))
    assert run(bench).outcome == READY
    told = {code for name, code in bench.providers.reports if name == vain.name}
    assert told == ({"empty_reply"} if shape in {"polite refusal", "empty"} else {None})
