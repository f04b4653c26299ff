"""The solver over a socket: what its request says, and what the local Claude answers to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from generation.cancellation import CancellationSignal
from generation.model import CHOICES_PER_QUESTION, Question, Track, Urgency
from generation.model_call import StreamStarted
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.prompts.solving import build_solver_prompt
from generation.repeats.seen import Seen
from generation.solver_answers import LOOKS, Answers, verdict_on
from generation.validator import Accepted, Validator
from generation.verdicts import Verdict
from providers.claude import make_claude, make_solver
from providers.messages_client import MessagesClient
from runtime.settings import ClaudeSettings
from tests.support.providers import end_of, text_of
from tools.simulator.running import RunningSimulator

PLAN = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7)
VERBAL = 8  #: a batch in which no key can be declared
Pair = tuple[MessagesClient, MessagesClient]


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=1000, jitter=0) as simulator:
        yield simulator


@pytest.fixture
def pair(simulator: RunningSimulator, cleanup: ExitStack) -> Pair:
    """Who writes, and who gives an answer check."""
    settings = ClaudeSettings.model_validate({"claude_base_url": simulator.url})
    writer = make_claude(settings, stall_timeout_s=5, deadline_s=20)
    cleanup.callback(writer.close)
    solver = make_solver(settings, writer, stall_timeout_s=5)
    assert solver is not None
    return writer, solver


def objects(provider: MessagesClient, prompt: Any) -> list[dict[str, Any]]:
    with provider.stream(prompt, CancellationSignal(), urgency=Urgency.PREFETCH) as events:
        return [json.loads(line) for line in text_of(list(events)).splitlines() if line.strip()]


def written(writer: MessagesClient, batch_index: int = 0) -> list[Question]:
    slots = PLAN.slots_of(PLAN.batches[batch_index])
    gate = Validator(slots, seen=Seen(), seed=PLAN.seed)
    prompt = build_prompt(track=Track.SCIENTIFIC, slots=slots, passages={})
    judged = [gate.judge(raw) for raw in objects(writer, prompt)]
    return [verdict.question for verdict in judged if isinstance(verdict, Accepted)]


def verdicts(solver: MessagesClient, questions: list[Question]) -> list[Verdict]:
    answers = Answers()
    for raw in objects(solver, build_solver_prompt(questions)):
        answers.take(raw)
    given = answers.of(questions)
    found = (question for question in questions if question.fingerprint in given)
    return [
        verdict
        for question in found
        if (verdict := verdict_on(question, [given[question.fingerprint]] * LOOKS)) is not None
    ]


@pytest.mark.parametrize("batch_index", [0, 4, 6, 8])
def test_the_solver_agrees_with_right_keys_of_every_kind(pair: Pair, batch_index: int) -> None:
    questions = written(pair[0], batch_index)
    assert len(questions) >= 9
    assert verdicts(pair[1], questions) == [Verdict.AGREED] * len(questions)


def test_every_wrong_key_is_disputed(pair: Pair, simulator: RunningSimulator) -> None:
    """Of the verbal ones: a wrong key with a declared expression becomes no question."""
    simulator.config.wrong_key_rate = 1
    questions = written(pair[0], VERBAL)
    assert len(questions) >= 9
    assert verdicts(pair[1], questions) == [Verdict.DISPUTED] * len(questions)


def test_a_solver_that_errs_disputes_right_keys(pair: Pair, simulator: RunningSimulator) -> None:
    simulator.config.wrong_dispute_rate = 1
    assert set(verdicts(pair[1], written(pair[0], VERBAL))) == {Verdict.DISPUTED}


def test_a_key_that_is_proved_outweighs_a_solver_that_errs(pair: Pair, simulator: RunningSimulator) -> None:
    simulator.config.wrong_dispute_rate = 1
    simulator.config.undeclared_rate = 0.5
    questions = written(pair[0])
    expected = [Verdict.AGREED if question.proved else Verdict.DISPUTED for question in questions]
    assert verdicts(pair[1], questions) == expected
    assert set(expected) == {Verdict.AGREED, Verdict.DISPUTED}


def test_a_question_that_it_never_wrote_is_left_out_by_the_simulator(
    pair: Pair, simulator: RunningSimulator
) -> None:
    questions = written(pair[0])
    simulator.reset()
    assert verdicts(pair[1], questions) == []


def test_its_request_does_not_think_and_asks_for_no_cache(pair: Pair, simulator: RunningSimulator) -> None:
    verdicts(pair[1], written(pair[0])[:1])
    body = simulator.requests[-1].body
    assert body["model"] == "claude-haiku-5-5"
    assert body["thinking"] == {"type": "disabled"}
    assert body["output_config"] == {"effort": "low"}
    assert "cache_control" not in json.dumps(body)
    assert "diagnostics" not in body


def test_nothing_is_said_to_be_missed_in_a_cache_that_was_not_asked_for(pair: Pair) -> None:
    prompt = build_solver_prompt(written(pair[0])[:1])
    with pair[1].stream(prompt, CancellationSignal()) as events:
        reported = list(events)
    started = reported[0]
    assert isinstance(started, StreamStarted)
    assert started.cache_miss_reason is None
    assert (end_of(reported).usage.cache_read, end_of(reported).usage.cache_written) == (0, 0)


def test_an_opinion_costs_a_fraction_of_what_it_is_about(pair: Pair, simulator: RunningSimulator) -> None:
    verdicts(pair[1], written(pair[0]))
    writing, solving = simulator.bill().entries
    assert solving.cost_microdollars * 20 < writing.cost_microdollars


def test_it_can_be_turned_off(simulator: RunningSimulator, pair: Pair) -> None:
    settings = ClaudeSettings.model_validate({"claude_base_url": simulator.url, "solver_model": "off"})
    assert make_solver(settings, pair[0], stall_timeout_s=5) is None


def test_the_four_choices_are_posed_in_the_order_of_the_rows(pair: Pair, simulator: RunningSimulator) -> None:
    questions = written(pair[0])
    verdicts(pair[1], questions)
    user = simulator.requests[-1].body["messages"][0]["content"]
    posed = [json.loads(line) for line in user.splitlines() if line.startswith('{"slot"')]
    assert [tuple(line["choices"]) for line in posed] == [question.choices for question in questions]
    assert all(len(line["choices"]) == CHOICES_PER_QUESTION for line in posed)


def test_a_shared_mistake_is_made_at_every_look(pair: Pair, simulator: RunningSimulator) -> None:
    simulator.config.wrong_key_rate = 1
    simulator.config.shared_mistake_rate = 1
    questions = written(pair[0], VERBAL)
    assert len(questions) >= 9
    for look in range(4):
        answers = Answers(look)
        for raw in objects(pair[1], build_solver_prompt(questions, look)):
            answers.take(raw)
        given = answers.of(questions)
        assert {
            question.fingerprint for question in questions if given[question.fingerprint].bears_out(question)
        } == {question.fingerprint for question in questions}


@pytest.mark.parametrize("rate", [0, 1])
def test_an_error_names_the_writers_key_at_the_stated_rate(
    pair: Pair, simulator: RunningSimulator, rate: int
) -> None:
    simulator.config.wrong_key_rate = 1
    simulator.config.wrong_dispute_rate = 1
    simulator.config.same_error_rate = rate
    questions = written(pair[0], VERBAL)
    answers = Answers()
    for raw in objects(pair[1], build_solver_prompt(questions)):
        answers.take(raw)
    given = answers.of(questions)
    assert len(given) == len(questions) >= 9
    assert {given[question.fingerprint].bears_out(question) for question in questions} == {bool(rate)}


def test_the_solver_quotes_the_words_that_it_doubts(pair: Pair, simulator: RunningSimulator) -> None:
    simulator.config.language_doubt_rate = 1
    questions = written(pair[0])
    answers = Answers()
    for raw in objects(pair[1], build_solver_prompt(questions)):
        answers.take(raw)
    for question in questions:
        words = answers.of(questions)[question.fingerprint].doubtful_words
        assert words
        assert question.stem.startswith(words.split()[0])
