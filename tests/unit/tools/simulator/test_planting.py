"""The simulator plants the faults of the labelled set, obeys the plan, and does not run out of verbal content."""

from __future__ import annotations

import json
from random import Random

import pytest

from generation.model import COMPARISON_CHOICES, QuestionType, Section, Track
from generation.parser import QuestionParser
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.repeats.seen import Seen
from generation.validator import Accepted, Rejected, Validator
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.memory import Memory
from tools.simulator.content.planting import PLANTERS, planted
from tools.simulator.content.writer import write_questions
from tools.simulator.reply import write_reply
from tools.studies.whole_exams import Desk

PLAN = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=4)
#: What no rule sees: it needs the meaning.
UNSEEN = {"two_right", "implausible", "unrelated_passage", "stem_words_in_key"}


def written(config: SimulatorConfig | None = None) -> list[tuple[object, dict[str, object]]]:
    """Every slot of an exam with the simulator's line for it."""
    pairs: list[tuple[object, dict[str, object]]] = []
    for batch in PLAN.batches:
        slots = PLAN.slots_of(batch)
        asked = read_asked(build_prompt(track=PLAN.track, slots=slots, passages={}).user)
        text = write_reply(asked, config or SimulatorConfig(), f"batch {batch.index}")
        pairs += zip(slots, map(json.loads, text.splitlines()), strict=True)
    return pairs


def judged(config: SimulatorConfig) -> list[object]:
    verdicts: list[object] = []
    for batch in PLAN.batches:
        slots = PLAN.slots_of(batch)
        asked = read_asked(build_prompt(track=PLAN.track, slots=slots, passages={}).user)
        validator = Validator(slots, seen=Seen(), seed=1)
        reply = write_reply(asked, config, f"batch {batch.index}")
        verdicts += [validator.judge(raw) for raw in QuestionParser().feed(reply)]
    return verdicts


@pytest.mark.parametrize("kind", sorted(PLANTERS.keys() - UNSEEN))
def test_a_planted_fault_is_rejected_flagged_or_counted(kind: str) -> None:
    config = SimulatorConfig(planted_rate=1.0, planted_kinds=kind)
    sound, faulty = judged(SimulatorConfig()), judged(config)
    changed = [new for old, new in zip(sound, faulty, strict=False) if new != old]
    assert changed
    noticed = [one for one in changed if not isinstance(one, Accepted) or one.noted]
    assert len(noticed) >= 0.5 * len(changed)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("grammar_cue", "grammar_cue"),
        ("convergence", "convergence"),
        ("chart_lacks_answer", "figure_unknown_quantity"),
    ],
)
def test_a_planted_fault_is_noticed_by_the_name_of_its_rule(kind: str, name: str) -> None:
    config = SimulatorConfig(planted_rate=1.0, planted_kinds=kind)
    sound, faulty = judged(SimulatorConfig()), judged(config)
    changed = [(names(old), names(new)) for old, new in zip(sound, faulty, strict=True) if new != old]
    assert len(changed) >= 2
    assert all(name in after and name not in before for before, after in changed)


def names(verdict: object) -> tuple[str, ...]:
    """Of the rules that the question breaks."""
    if isinstance(verdict, Accepted):
        return tuple(rule.name for rule in verdict.noted)
    return (verdict.reason,) if isinstance(verdict, Rejected) else ()


@pytest.mark.parametrize("kind", sorted(PLANTERS))
def test_every_kind_fits_some_question_of_an_exam(kind: str) -> None:
    questions = [raw for _, raw in written()]
    assert any(planted(question, (kind,), Random(1)) != question for question in questions)


def test_faults_are_planted_at_the_stated_rate() -> None:
    sound = [raw for _, raw in written()]
    faulty = [raw for _, raw in written(SimulatorConfig(planted_rate=0.25))]
    changed = sum(old != new for old, new in zip(sound, faulty, strict=True))
    assert 0.15 <= changed / len(sound) <= 0.35


def test_an_unknown_kind_of_fault_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        SimulatorConfig().update({"planted_kinds": "markup, nonsense"})


def test_a_comparison_has_its_planned_answer() -> None:
    for slot, raw in written():
        if slot.question_type is QuestionType.COMPARISON:  # type: ignore[attr-defined]
            assert raw["a"] == COMPARISON_CHOICES[slot.wanted_answer]  # type: ignore[attr-defined]


def test_declared_expressions_prove_the_keys_and_stand_between_solution_and_answer() -> None:
    verdicts = judged(SimulatorConfig())
    declared = [one.question for one in verdicts if isinstance(one, Accepted) and one.question.declared]
    assert len(declared) >= 30
    assert all(question.proved for question in declared)


def test_a_wrong_key_contradicts_the_declared_expression_or_shares_its_mistake() -> None:
    slips = judged(SimulatorConfig(wrong_key_rate=1.0))
    mistakes = judged(SimulatorConfig(wrong_key_rate=1.0, mistaken_declared_rate=1.0))
    assert sum(getattr(one, "reason", "") == "key_disproved" for one in slips) >= 30
    assert not any(getattr(one, "reason", "") == "key_disproved" for one in mistakes)


@pytest.mark.parametrize("track", Track)
def test_no_verbal_item_comes_twice_in_five_exams_of_one_student(track: Track) -> None:
    desk = Desk(SimulatorConfig(), remembers=True)
    for seed in range(5):
        desk.take(plan_exam(track, batch_size=10, seed=seed))
    assert desk.tally.twice == 0
    assert desk.tally.inexact == 0
    assert desk.tally.per_slot <= 1.05


def test_content_comes_again_only_when_all_of_its_list_has_come() -> None:
    memory, rows = Memory(), list("abcde")
    first = [memory.freshest("rows", rows, start=start) for start in (3, 0, 3, 1, 1)]
    assert sorted(first) == rows
    assert memory.freshest("rows", rows, start=0) == first[0]


def test_a_verbal_solution_ends_with_the_words_of_its_key() -> None:
    verbal = [slot for slot in PLAN.slots if slot.section is Section.VERBAL]
    asked = read_asked(build_prompt(track=PLAN.track, slots=verbal[:10], passages={}).user)
    for raw in write_questions(asked, seed="verbal"):
        assert raw["w"].endswith(f"{raw['a']}.")
