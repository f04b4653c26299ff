from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.cancellation import CancellationSignal, StopReason
from generation.errors import (
    FenceLost,
    GenerationError,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnreachable,
    QuestionRepeated,
    SessionClosed,
    StreamCut,
)
from generation.model import Claim, EarlierQuestion, Question, SessionKind, Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import (
    PROVIDERS_UNAVAILABLE,
    READY,
    SLOTS_LEFT_OPEN,
    RunLimits,
    RunResult,
    run_batch,
)
from generation.run_events import AttemptEnded, ProviderGivenUp, QuestionRejected, RunEnded
from tests.support.scripted import (
    MemoryLedger,
    MemoryStore,
    RunEvents,
    ScriptedFallback,
    ScriptedProvider,
    an_object,
    everything,
    lines,
)

#: Shared by all tests; idle threads cost nothing.
LANES = ThreadPoolExecutor(10)
PLAN = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7)
Specs = list[dict[str, Any]]


def make_claim(batch_index: int = 0, *, filled: tuple[int, ...] = ()) -> Claim:
    batch = PLAN.batches[batch_index]
    return Claim(
        session_id=uuid4(),
        kind=SessionKind.EXAM,
        track=Track.SCIENTIFIC,
        batch=batch,
        seed=PLAN.seed,
        epoch=1,
        urgency=Urgency.INTERACTIVE,
        runs=1,
        failures=0,
        open_slots=tuple(slot for slot in PLAN.slots_of(batch) if slot.position not in filled),
        earlier=(),
    )


class Bench:
    """One run with all its ports in memory."""

    def __init__(self, *providers: ScriptedProvider, claim: Claim | None = None) -> None:
        self.claim = claim or make_claim()
        self.providers = ScriptedFallback(providers)
        self.store = MemoryStore()
        self.ledger = MemoryLedger()
        self.run_events = RunEvents()
        self.stop = CancellationSignal()

    def run(self, max_rounds: int = 5, lanes: int = 1) -> RunResult:
        return run_batch(
            self.claim,
            providers=self.providers,
            store=self.store,
            ledger=self.ledger,
            observer=self.run_events,
            stop=self.stop,
            limits=RunLimits(max_rounds=max_rounds, lanes=lanes),
            lanes=LANES,
        )


def failing(error: ProviderError, *, after: int = 0) -> Callable[[Specs], tuple[str, ProviderError]]:
    """A reply that breaks off with `error` after so many complete objects and half of the next."""

    def reply(specs: Specs) -> tuple[str, ProviderError]:
        if not after:
            return "", error
        half = lines([an_object(specs[after])])[:60] if after < len(specs) else ""
        return lines([an_object(spec) for spec in specs[:after]]) + half, error

    return reply


@pytest.mark.parametrize("batch_index", range(10))
def test_a_good_reply_fills_every_slot_in_one_call(batch_index: int) -> None:
    provider = ScriptedProvider()
    bench = Bench(provider, claim=make_claim(batch_index))
    result = bench.run()
    batch = bench.claim.batch
    assert result == RunResult(READY, batch.size)
    assert bench.store.finished
    assert sorted(bench.store.questions) == list(range(batch.start, batch.stop))
    assert len(provider.prompts) == 1


def test_only_the_open_slots_are_asked_for() -> None:
    provider = ScriptedProvider()
    bench = Bench(provider, claim=make_claim(filled=(0, 1, 2, 3)))
    assert bench.run().outcome == READY
    assert provider.asked() == [[4, 5, 6, 7, 8, 9]]


def test_a_batch_with_nothing_open_is_finished_without_a_call() -> None:
    """A run that died after its last question left this state."""
    provider = ScriptedProvider()
    bench = Bench(provider, claim=make_claim(filled=tuple(range(10))))
    assert bench.run() == RunResult(READY, 0)
    assert bench.store.finished
    assert provider.prompts == []


def test_broken_repeated_missing_and_surplus_objects_leave_just_their_slots_open() -> None:
    """D5, D20: an incomplete batch is never accepted, and a bad object does not affect another."""

    def messy(specs: Specs) -> tuple[str, None]:
        objects = [an_object(spec) for spec in specs]
        repeated = {**an_object(specs[1]), "q": objects[0]["q"]}
        surplus = {**an_object(specs[0], variant=5), "slot": 95}
        broken = json.dumps(objects[3], ensure_ascii=False)[:-20] + "\n"
        text = lines([objects[0], repeated, surplus]) + broken + lines([*objects[4:8], objects[4]])
        return text, None

    provider = ScriptedProvider([messy, everything])
    bench = Bench(provider)
    assert bench.run() == RunResult(READY, 10)
    assert provider.asked() == [list(range(10)), [1, 2, 3, 8, 9]]
    assert sorted(bench.store.questions) == list(range(10))
    assert len(bench.run_events.of(QuestionRejected)) >= 3


@pytest.mark.parametrize("is_one_object", [True, False])
def test_questions_by_number_are_kept_in_one_object_and_in_an_object_each(is_one_object: bool) -> None:
    def numbered(specs: Specs) -> tuple[str, None]:
        objects = [an_object(spec) for spec in specs]
        by_number = {str(each.pop("slot")): each for each in objects}
        each_alone = [{number: each} for number, each in by_number.items()]
        return lines([{"questions": by_number}] if is_one_object else each_alone), None

    provider = ScriptedProvider([numbered])
    bench = Bench(provider)
    assert bench.run() == RunResult(READY, 10)
    assert len(provider.prompts) == 1


def test_objects_numbered_by_their_place_fill_no_neighbours_slot() -> None:
    def counted(specs: Specs) -> tuple[str, None]:
        objects = [an_object(spec) for spec in specs]
        for each in objects:
            del each["slot"]
        return lines([{str(place): each} for place, each in enumerate(objects, 1)]), None

    provider = ScriptedProvider([counted, everything])
    bench = Bench(provider, claim=make_claim(filled=(0, 1, 2, 3)))
    assert bench.run().outcome == READY
    assert provider.asked()[0] == [4, 5, 6, 7, 8, 9]
    assert [rejected.position for rejected in bench.run_events.of(QuestionRejected)] == [None] * 6


def test_a_reply_cut_short_keeps_its_complete_questions() -> None:
    """D20: a reply that broke off at 95 % had nine complete questions, and the original discarded them."""
    provider = ScriptedProvider([failing(StreamCut(provider="claude"), after=9), everything])
    bench = Bench(provider)
    assert bench.run() == RunResult(READY, 10)
    assert provider.asked()[1] == [9]
    assert bench.ledger.outcomes() == ["stream_cut", "complete"]


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(1, 200))
@settings(deadline=None)
def test_wherever_replies_break_off_each_slot_is_filled_once(cuts: list[int], chunk: int) -> None:
    """No filled slot is asked for again, whatever the chunks and cuts (MemoryStore rejects a second question)."""
    replies = [failing(StreamCut(provider="claude"), after=cut) for cut in cuts]
    first, second = (
        ScriptedProvider([*replies, everything], chunk=chunk),
        ScriptedProvider(name="openrouter", chunk=chunk),
    )
    bench = Bench(first, second)
    assert bench.run(max_rounds=10).outcome == READY
    assert sorted(bench.store.questions) == list(range(10))


@pytest.mark.parametrize(
    "error",
    [
        ProviderBusy(provider="claude", retry_after_s=7),
        ProviderUnreachable(provider="claude"),
        ProviderDenied(provider="claude"),
    ],
)
def test_a_run_leaves_a_provider_that_cannot_answer_for_the_next_at_once(error: ProviderError) -> None:
    """D23: the original's fallback had no rules; ours gets the same prompt for the open slots."""
    down, up = ScriptedProvider([failing(error)]), ScriptedProvider(name="openrouter")
    bench = Bench(down, up)
    assert bench.run().outcome == READY
    assert len(down.prompts) == 1
    assert up.prompts[0].system == down.prompts[0].system
    assert [event.provider for event in bench.run_events.of(ProviderGivenUp)] == ["claude"]


def test_after_two_broken_replies_the_next_provider_gets_only_the_open_slots() -> None:
    dying = ScriptedProvider(
        [failing(StreamCut(provider="claude"), after=4), failing(StreamCut(provider="claude"), after=2)]
    )
    other = ScriptedProvider(name="openrouter")
    bench = Bench(dying, other)
    assert bench.run() == RunResult(READY, 10)
    assert dying.asked() == [list(range(10)), list(range(4, 10))]
    assert other.asked() == [list(range(6, 10))]


def test_when_no_provider_is_available_the_outcome_says_so() -> None:
    busy = ScriptedProvider([failing(ProviderBusy(provider="claude", retry_after_s=7))])
    down = ScriptedProvider([failing(ProviderUnreachable(provider="openrouter"))], name="openrouter")
    bench = Bench(busy, down)
    assert bench.run() == RunResult(PROVIDERS_UNAVAILABLE, 0)
    assert not bench.store.finished


def test_a_prefetch_waits_for_our_own_limits_and_pays_no_other_provider() -> None:
    provider, other = ScriptedProvider(refuses=throttled()), ScriptedProvider(name="openrouter")
    bench = Bench(provider, other, claim=replace(make_claim(), urgency=Urgency.PREFETCH))
    assert bench.run() == RunResult("provider_throttled", 0, retry_after_s=4)
    assert other.prompts == []
    assert bench.run_events.of(ProviderGivenUp) == []


def test_a_student_who_waits_is_served_by_the_fallback_when_our_limits_are_used_up() -> None:
    provider, other = ScriptedProvider(refuses=throttled()), ScriptedProvider(name="openrouter")
    bench = Bench(provider, other)
    assert bench.run(lanes=10).outcome == READY
    assert bench.ledger.outcomes() == ["complete"] * len(bench.ledger.attempts)
    assert {attempt.provider for attempt in bench.ledger.attempts.values()} == {"openrouter"}


def throttled() -> ProviderError:
    return ProviderThrottled(provider="claude", retry_after_s=4)


def test_a_request_that_is_wrong_everywhere_is_not_paid_for_twice() -> None:
    provider, other = (
        ScriptedProvider([failing(ProviderMisused(provider="claude"))]),
        ScriptedProvider(name="openrouter"),
    )
    bench = Bench(provider, other)
    assert bench.run().outcome == "provider_misused"
    assert other.prompts == []


def test_a_model_that_declines_twice_is_left_for_the_next() -> None:
    provider = ScriptedProvider([failing(ProviderRefused(provider="claude"))])
    other = ScriptedProvider(name="openrouter")
    bench = Bench(provider, other)
    assert bench.run().outcome == READY
    assert sorted(provider.asked()[1:]) == [list(range(5)), list(range(5, 10))]


def test_a_model_that_never_gets_it_right_is_asked_once_more_for_a_part_of_the_slots() -> None:
    provider = ScriptedProvider([lambda _: ("لا أستطيع كتابة ذلك.\n", None)])
    bench = Bench(provider)
    assert bench.run(max_rounds=3) == RunResult(SLOTS_LEFT_OPEN, 0)
    assert [len(asked) for asked in provider.asked()] == [10, 3]
    assert not bench.store.finished


@pytest.mark.parametrize("error", [FenceLost(), SessionClosed()])
def test_a_run_that_may_not_write_stops_at_once_and_records_what_it_spent(error: GenerationError) -> None:
    provider = ScriptedProvider()
    bench = Bench(provider)
    bench.store.refuse = lambda question: error if question.slot.position == 2 else None
    assert bench.run().outcome == error.code
    assert len(provider.prompts) == 1
    assert sorted(bench.store.questions) == [0, 1]
    [attempt] = bench.ledger.attempts.values()
    assert (attempt.outcome, attempt.accepted) == (error.code, 2)
    assert attempt.usage.cache_read == 900


def test_a_question_that_another_batch_committed_first_leaves_its_slot_open() -> None:
    provider = ScriptedProvider(
        [everything, lambda specs: (lines([an_object(spec, variant=1) for spec in specs]), None)]
    )
    bench = Bench(provider)
    refused: list[int] = []

    def refuse_once(question: Question) -> GenerationError | None:
        if question.slot.position == 5 and not refused:
            refused.append(5)
            return QuestionRepeated()
        return None

    bench.store.refuse = refuse_once
    assert bench.run() == RunResult(READY, 10)
    assert provider.asked()[1] == [5]


@pytest.mark.parametrize("reason", list(StopReason))
def test_a_stop_in_mid_reply_keeps_what_is_committed_and_pays_for_no_more(reason: StopReason) -> None:
    bench = Bench(ScriptedProvider())
    provider = bench.providers.providers[0]

    def stop_later(number: int) -> None:
        if len(bench.store.questions) == 3:
            bench.stop.set(reason)

    provider.during = stop_later
    assert bench.run() == RunResult(reason, 3)
    assert bench.ledger.outcomes() == [reason]
    assert len(provider.prompts) == 1


def test_earlier_stems_of_the_session_reach_the_prompt_and_so_do_those_of_this_run() -> None:
    """D18: stems, not ids."""
    claim = make_claim(1)
    stem = "كم ساعة يحتاج القطار ليقطع المسافة بين المدينتين؟"
    first = PLAN.slots[0]
    earlier = EarlierQuestion(0, first.question_type, stem, ("1", "2", "3", "4"))
    claim = replace(claim, earlier=(earlier,))
    provider = ScriptedProvider([failing(StreamCut(provider="claude"), after=4), everything])
    bench = Bench(provider, claim=claim)
    assert bench.run().outcome == READY
    assert stem in provider.prompts[0].user
    committed = bench.store.questions[claim.batch.start].stem
    assert committed not in provider.prompts[0].user
    assert committed in provider.prompts[1].user


def test_slots_of_a_passage_begun_in_an_earlier_call_get_that_passage() -> None:
    begun = next(slot for slot in PLAN.slots if slot.passage_group is not None)
    verbal = PLAN.batches[begun.batch_index]
    provider = ScriptedProvider([failing(StreamCut(provider="claude"), after=begun.sequence), everything])
    bench = Bench(provider, claim=make_claim(verbal.index))
    assert bench.run().outcome == READY
    first = bench.store.questions[begun.position]
    second = bench.store.questions[begun.position + 1]
    assert first.passage is not None
    assert first.passage == second.passage
    assert json.dumps(first.passage, ensure_ascii=False) in provider.prompts[1].user


def test_the_run_events_contain_no_text_of_any_question() -> None:
    bench = Bench(ScriptedProvider())
    bench.run()
    written = repr(bench.run_events.seen)
    assert not any(question.stem in written for question in bench.store.questions.values())
    [ended] = bench.run_events.of(RunEnded)
    assert (ended.outcome, ended.accepted, ended.attempts) == (READY, 10, 1)
    assert ended.first_question_ms is not None
    [attempt] = bench.run_events.of(AttemptEnded)
    assert attempt.attempt.cost_microdollars > 0
