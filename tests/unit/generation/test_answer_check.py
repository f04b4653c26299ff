"""The solver's part of a run: its prompt, the meaning of its answers, and that its failures never end the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.cancellation import CancellationSignal, StopReason
from generation.errors import (
    FenceLost,
    ProviderBusy,
    ProviderError,
    ProviderThrottled,
    StreamCut,
    StreamStalled,
)
from generation.model import Claim, EarlierQuestion, Question, SessionKind, Slot, Track, Urgency
from generation.parser import QuestionParser
from generation.plan import plan_exam
from generation.prompts.solving import build_solver_prompt
from generation.run_batch import READY, RunLimits, RunResult, run_batch
from generation.run_events import BatchChecked
from generation.solver_answers import LOOKS, Answers, verdict_on
from generation.verdicts import Finding, Purpose, Verdict
from tests.support.scripted import (
    MemoryLedger,
    MemoryStore,
    Reply,
    RunEvents,
    ScriptedFallback,
    ScriptedProvider,
    an_object,
    everything,
    lines,
    wanted,
)

LANES = ThreadPoolExecutor(4)
PLAN = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7)
Specs = list[dict[str, Any]]
Think = Callable[[Question], int | None]


class Bench:
    """A prefetch of one batch, with a scripted solver."""

    def __init__(self, batch_index: int = 1, urgency: Urgency = Urgency.PREFETCH) -> None:
        batch = PLAN.batches[batch_index]
        self.claim = Claim(
            session_id=uuid4(),
            kind=SessionKind.EXAM,
            track=Track.SCIENTIFIC,
            batch=batch,
            seed=PLAN.seed,
            epoch=1,
            urgency=urgency,
            runs=1,
            failures=0,
            open_slots=PLAN.slots_of(batch),
            earlier=(),
        )
        self.writer = ScriptedProvider([everything, *(_other(variant) for variant in (1, 2, 3))])
        self.store, self.ledger, self.run_events = MemoryStore(), MemoryLedger(), RunEvents()
        self.stop = CancellationSignal()
        self.providers = ScriptedFallback([self.writer])

    def solver(self, *thoughts: Think) -> ScriptedProvider:
        """A solver that answers each check, with all its looks, with the next of these functions."""
        checks = -1

        def reply(specs: Specs) -> tuple[str, None]:
            nonlocal checks
            first = self.store.questions[specs[0]["slot"]]
            checks += tuple(specs[0]["choices"]) == first.choices  # a later look shows them turned
            return self._reply(thoughts[min(checks, len(thoughts) - 1)])(specs)

        return self.scripted(reply)

    def scripted(self, *replies: Reply) -> ScriptedProvider:
        self.providers.solver = ScriptedProvider(replies, model="scripted-solver")
        return self.providers.solver

    def run(self) -> RunResult:
        return run_batch(
            self.claim,
            providers=self.providers,
            store=self.store,
            ledger=self.ledger,
            observer=self.run_events,
            stop=self.stop,
            limits=RunLimits(max_rounds=3, lanes=1),
            lanes=LANES,
        )

    def published(self) -> bool:
        batch = self.claim.batch
        return self.store.finished and sorted(self.store.questions) == list(range(batch.start, batch.stop))

    def checks(self) -> list[tuple[str, int, int, int, int, int]]:
        return [
            (event.outcome, event.agreed, event.disputed, event.unsure, event.skipped, event.replaceable)
            for event in self.run_events.of(BatchChecked)
        ]

    def _reply(self, think: Think) -> Callable[[Specs], tuple[str, None]]:
        def reply(specs: Specs) -> tuple[str, None]:
            asked = [(self.store.questions[spec["slot"]], spec["choices"]) for spec in specs]
            return lines(
                [_line(question, _shown(question, think(question), seen)) for question, seen in asked]
            ), None

        return reply


def _other(variant: int) -> Reply:
    return lambda specs: (lines([an_object(spec, variant=variant) for spec in specs]), None)


def _shown(question: Question, answer: int | None, choices: list[str]) -> int | None:
    """Where the choice stands in the order that the solver sees."""
    return None if answer is None else choices.index(question.choices[answer])


def _line(question: Question, answer: int | None) -> dict[str, Any]:
    return {"slot": question.slot.position, "w": "حل قصير.", "a": answer}


def right(question: Question) -> int:
    return question.answer_index


def wrong(question: Question) -> int:
    return (question.answer_index + 1) % 4


def disputing(*positions: int) -> Think:
    return lambda question: wrong(question) if question.slot.position in positions else right(question)


def test_questions_that_the_solver_agrees_with_are_published_with_its_verdict() -> None:
    bench = Bench()
    solver = bench.solver(right)
    assert bench.run() == RunResult(READY, 10)
    assert bench.published()
    assert set(bench.store.verdicts.values()) == {Verdict.AGREED}
    assert len(bench.store.verdicts) == 10
    assert solver.asked() == [list(range(10, 20))] * 2
    assert bench.checks() == [("complete", 10, 0, 0, 0, 0)]


def test_a_disputed_question_is_written_again_and_checked_once_more() -> None:
    bench = Bench()
    solver = bench.solver(disputing(12, 17), right)
    assert bench.run() == RunResult(READY, 12)
    assert bench.published()
    assert bench.writer.asked() == [list(range(10, 20)), [12, 17]]
    assert solver.asked() == [list(range(10, 20))] * 2 + [[12, 17]] * 3
    assert list(bench.store.verdicts.values()) == [Verdict.AGREED] * 10
    assert bench.checks() == [("complete", 8, 2, 0, 0, 2), ("complete", 2, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    "second",
    [
        lambda _: ("", ProviderThrottled(provider="claude", retry_after_s=5)),
        lambda _: ("", ProviderBusy(provider="claude", retry_after_s=5)),
        lambda _: ("", StreamCut(provider="claude")),
        everything,  # the same again: a repeat
    ],
    ids=["throttled", "busy", "cut", "repeated"],
)
def test_a_disputed_question_that_cannot_be_written_again_is_published_as_it_is(second: Reply) -> None:
    """A complete batch is not released because a better question is missing."""
    bench = Bench()
    bench.solver(disputing(12, 17), right)
    bench.writer.replies = [everything, second]
    assert bench.run() == RunResult(READY, 10, retry_after_s=ANY)
    assert bench.published()
    assert list(bench.store.verdicts.values()).count(Verdict.DISPUTED) == 2


def test_a_run_that_is_stopped_while_it_writes_again_publishes_what_there_is() -> None:
    bench = Bench()
    bench.solver(disputing(12), right)

    def stopped(_: Specs) -> tuple[str, None]:
        bench.stop.set(StopReason.SHUTDOWN)
        return "", None

    bench.writer.replies = [everything, stopped]
    assert bench.run() == RunResult(READY, 10)
    assert bench.published()


def test_the_next_prompt_names_the_disputed_stems_among_those_to_avoid() -> None:
    bench = Bench()
    bench.solver(disputing(12), right)
    bench.run()
    written = {spec["slot"]: spec for spec in wanted(bench.writer.prompts[0])}
    disputed = an_object(written[12])["q"]
    avoided = [line for line in bench.writer.prompts[1].user.splitlines() if line.startswith("- ")]
    assert any(line.removeprefix("- ").rstrip("…") in disputed for line in avoided)


def test_a_slot_that_is_disputed_three_times_keeps_its_third_question() -> None:
    bench = Bench()
    solver = bench.solver(disputing(12))
    assert bench.run() == RunResult(READY, 12)
    assert bench.published()
    assert len(solver.prompts) == 3 * 3
    assert bench.store.verdicts[bench.store.questions[12].fingerprint] is Verdict.DISPUTED


def test_a_question_with_no_right_choice_or_several_is_disputed() -> None:
    bench = Bench()
    none_of_15: Think = lambda question: None if question.slot.position == 15 else right(question)  # noqa: E731
    bench.solver(none_of_15, right)
    assert bench.run() == RunResult(READY, 11)
    assert bench.store.disputes == {15: 1}


def test_a_question_is_not_replaced_once_a_student_has_asked_for_its_batch() -> None:
    bench = Bench()
    reply = bench._reply(wrong)

    def meanwhile(specs: Specs) -> tuple[str, ProviderError | None]:
        bench.store.is_waited_for = True
        return reply(specs)

    bench.scripted(meanwhile)
    assert bench.run() == RunResult(READY, 10)
    assert bench.published()
    assert set(bench.store.verdicts.values()) == {Verdict.DISPUTED}


def test_a_batch_that_a_student_has_asked_for_is_not_delayed_by_a_check() -> None:
    bench = Bench()
    solver = bench.solver(right)
    bench.store.is_waited_for = True
    assert bench.run() == RunResult(READY, 10)
    assert solver.prompts == []


def test_a_batch_that_a_student_waits_for_is_not_checked() -> None:
    bench = Bench(urgency=Urgency.INTERACTIVE)
    solver = bench.solver(wrong)
    assert bench.run() == RunResult(READY, 10)
    assert solver.prompts == []
    assert bench.checks() == []


def test_questions_of_a_run_that_died_are_checked_by_the_next_one() -> None:
    before = Bench()
    before.run()
    bench = Bench()
    bench.store.questions = before.store.questions
    earlier = tuple(EarlierQuestion.of(question) for question in bench.store.questions.values())
    bench.claim = replace(bench.claim, open_slots=(), earlier=earlier)
    solver = bench.solver(disputing(13), right)
    assert bench.run().outcome == READY
    assert solver.asked() == [list(range(10, 20))] * 2 + [[13]] * 3
    assert bench.writer.asked() == [[13], [13]]  # the scripted writer first repeats itself, and is rejected


@pytest.mark.parametrize(
    ("error", "written"),
    [
        (ProviderBusy(provider="claude", retry_after_s=60), 0),
        (StreamStalled(provider="claude"), 4),
        (StreamCut(provider="claude"), 9),
    ],
)
def test_a_batch_is_published_when_its_solver_fails(error: ProviderError, written: int) -> None:
    bench = Bench()

    def reply(specs: Specs) -> tuple[str, ProviderError]:
        return lines([{"slot": spec["slot"], "w": "", "a": None} for spec in specs[:written]]), error

    solver = bench.scripted(reply)
    assert bench.run() == RunResult(READY, 10)
    assert bench.published()
    assert len(solver.prompts) == 1
    assert bench.store.verdicts == {}
    assert bench.checks() == [(error.code, 0, 0, 0, 10, 0)]
    assert bench.providers.reports == [("claude", None), ("solver", error.code)]


def test_a_throttled_solver_call_costs_nothing_and_has_no_ledger_row() -> None:
    bench = Bench()
    bench.solver(right).refuses = ProviderThrottled(provider="claude", retry_after_s=4)
    assert bench.run() == RunResult(READY, 10)
    assert bench.checks() == [("provider_throttled", 0, 0, 0, 10, 0)]
    assert len(bench.ledger.attempts) == 1


def test_while_the_solvers_breaker_is_open_a_batch_is_published_unchecked() -> None:
    bench = Bench()
    bench.solver(right)
    bench.providers.solver_breaker_is_open = True
    assert bench.run() == RunResult(READY, 10)
    assert bench.checks() == [("no_solver", 0, 0, 0, 10, 0)]


class NeverLookedInto(MemoryStore):
    """The store of a worker without a solver."""

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        raise AssertionError(claim)


def test_without_a_solver_nothing_is_read_for_it_and_nothing_counts_as_skipped() -> None:
    bench = Bench()
    bench.store = NeverLookedInto()
    assert bench.run() == RunResult(READY, 10)
    assert bench.checks() == []


def broken(_: int) -> None:
    raise RuntimeError


def test_a_batch_is_published_when_its_check_has_a_defect() -> None:
    bench = Bench()
    bench.solver(right).during = broken
    assert bench.run() == RunResult(READY, 10)
    assert bench.checks() == [("RuntimeError", 0, 0, 0, 10, 0)]


class Taken(MemoryStore):
    """The store of a batch that another run took during the check."""

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        raise FenceLost


def test_a_run_that_has_lost_the_batch_stores_no_verdict_and_publishes_nothing() -> None:
    bench = Bench()
    bench.store = Taken()
    bench.solver(wrong)
    assert bench.run().outcome == "fence_lost"
    assert not bench.store.finished


@pytest.mark.parametrize("reason", [StopReason.SHUTDOWN, StopReason.DEADLINE])
def test_being_stopped_during_the_check_publishes_what_is_there(reason: StopReason) -> None:
    bench = Bench()
    solver = bench.solver(wrong)
    solver.during = lambda _: bench.stop.set(reason)
    assert bench.run() == RunResult(READY, 10)
    assert bench.published()
    assert bench.checks() == [(reason, 0, 0, 0, 10, 0)]


def test_no_check_is_made_when_the_run_was_asked_to_stop() -> None:
    bench = Bench()
    solver = bench.solver(wrong)
    bench.claim = replace(bench.claim, open_slots=())
    bench.stop.ask(StopReason.SHUTDOWN)
    assert bench.run() == RunResult(READY, 0)
    assert solver.prompts == []


def test_the_ledger_distinguishes_answer_checks_from_writing() -> None:
    bench = Bench()
    bench.solver(disputing(12), right)
    bench.run()
    rows = [
        (row.purpose, row.model, row.asked, row.accepted, row.rejected)
        for row in bench.ledger.attempts.values()
    ]
    assert rows == [
        (Purpose.WRITE, "scripted-1", 10, 10, 0),
        (Purpose.SOLVE, "scripted-1", 10, 0, 0),
        (Purpose.SOLVE, "scripted-1", 10, 0, 0),
        (Purpose.SOLVE, "scripted-1", 1, 0, 0),
        (Purpose.WRITE, "scripted-1", 1, 1, 0),
        (Purpose.SOLVE, "scripted-1", 1, 0, 0),
        (Purpose.SOLVE, "scripted-1", 1, 0, 0),
    ]
    assert all(row.cost_microdollars > 0 for row in bench.ledger.attempts.values())


# --- what the solver sees


def written(batch_index: int) -> tuple[Question, ...]:
    bench = Bench(batch_index)
    bench.run()
    return tuple(bench.store.questions.values())


BATCHES = {index: written(index) for index in range(10)}


@given(st.integers(0, 9), st.integers(0, 3), st.text(min_size=1), st.sampled_from(["easy", "hard"]))
def test_a_prompt_is_the_same_whatever_the_key_and_the_solution_are(
    batch_index: int, key: int, solution: str, difficulty: Any
) -> None:
    """The bytes are equal, so they contain nothing of the key, the solution or the difficulty."""
    questions = BATCHES[batch_index]
    others = [
        replace(
            question,
            answer_index=key,
            explanation=solution,
            slot=replace(question.slot, key_index=key, difficulty=difficulty),
        )
        for question in questions
    ]
    assert build_solver_prompt(others) == build_solver_prompt(questions)


@pytest.mark.parametrize("batch_index", BATCHES)
def test_a_solver_prompt_has_each_question_complete_and_each_passage_once(batch_index: int) -> None:
    questions = BATCHES[batch_index]
    prompt = build_solver_prompt(questions)
    objects = [json.loads(line) for line in prompt.user.splitlines() if line.startswith("{")]
    passages = {line["group"]: line["passage"] for line in objects if "passage" in line}
    posed = [line for line in objects if "slot" in line]
    assert len(objects) == len(posed) + len(passages)
    for question, line in zip(questions, posed, strict=True):
        assert (line["slot"], line["q"]) == (question.slot.position, question.stem)
        assert tuple(line["choices"]) == question.choices
        if question.diagram is None:
            assert "f" not in line
        else:
            assert line["f"] == {name: question.diagram[name] for name in ("caption", "figure")}
        assert passages.get(line.get("group")) == question.passage
    assert prompt.max_tokens >= 100 * len(questions)


# --- what its answers mean

QUESTIONS = BATCHES[1]


def verdicts(text: str) -> dict[str, Verdict]:
    parser, answers = QuestionParser(), Answers()
    for raw in parser.feed(text):
        answers.take(raw)
    parser.finish()
    return of(answers)


def of(answers: Answers) -> dict[str, Verdict]:
    given = answers.of(QUESTIONS)
    found = (question for question in QUESTIONS if question.fingerprint in given)
    return {
        each.fingerprint: verdict
        for each in found
        if (verdict := verdict_on(each, [given[each.fingerprint]] * LOOKS)) is not None
    }


def the_reply() -> str:
    return lines([_line(question, right(question)) for question in QUESTIONS])


@given(st.integers(0, 2000))
def test_a_reply_that_breaks_off_anywhere_gives_only_its_complete_answers(cut: int) -> None:
    text = the_reply()[:cut]
    assert set(verdicts(text).values()) <= {Verdict.AGREED}
    assert len(verdicts(text)) == text.count("}")


@pytest.mark.parametrize("answer", [-1, 4, 2.0, "2", True, False, [], {}, "null"])
def test_an_odd_answer_is_no_answer(answer: object) -> None:
    question = QUESTIONS[0]
    assert verdicts(json.dumps({"slot": question.slot.position, "w": "", "a": answer})) == {}


@pytest.mark.parametrize(
    "raw",
    [
        {"slot": 3, "w": "", "a": 1},
        {"slot": "10", "a": 1},
        {"slot": True, "a": 1},
        {"slot": 10, "w": ""},
        {"w": "", "a": 1},
    ],
)
def test_an_object_that_answers_none_of_the_questions_is_ignored(raw: dict[str, Any]) -> None:
    assert verdicts(json.dumps(raw)) == {}


def test_two_different_answers_to_one_question_give_no_verdict() -> None:
    question = QUESTIONS[0]
    both = [_line(question, right(question)), _line(question, wrong(question))]
    assert verdicts(lines(both)) == {}
    assert verdicts(lines([both[0], both[0]])) == {question.fingerprint: Verdict.AGREED}


@given(st.dictionaries(st.sampled_from(["slot", "a", "w", "x"]), st.integers() | st.text() | st.none()))
def test_no_object_makes_it_raise(raw: dict[str, Any]) -> None:
    answers = Answers()
    answers.take(raw)
    assert set(of(answers).values()) <= set(Verdict)
