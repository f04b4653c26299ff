"""The examples must be flawless: each keeps the output contract, and each calculation is repeated here."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from generation.catalogue import load_catalogue
from generation.declared import proof_of
from generation.figures.catalogue import CHARTS, check
from generation.model import (
    CHOICES_PER_QUESTION,
    COMPARISON_CHOICES,
    Difficulty,
    QuestionType,
    Section,
    Slot,
    Topic,
)
from generation.parser import QuestionParser
from generation.prompts.blocks import system_blocks
from generation.prompts.patterns import written_as
from generation.prompts.request import json_line
from generation.proof.key import Proof
from generation.repeats.seen import Seen
from generation.validator import Accepted, Rejected, Validator

SLOT_KEYS = [
    "slot",
    "type",
    "section",
    "topic",
    "subtopic",
    "difficulty",
    "angle",
    "pattern",
    "group",
    "answer",
]
FIRST, SECOND, EQUAL, UNKNOWN = COMPARISON_CHOICES
FIGURED = {"diagram", "chart"}

Example = tuple[dict[str, Any], dict[str, Any]]


def examples(section: Section) -> list[Example]:
    """The wanted slot and the reply line of every example in the block."""
    wanted, replies = system_blocks(section)[2].text.split("\nالرد:\n")
    replies, _, _ = replies.partition("\n\n")
    objects = [json.loads(line) for line in wanted.splitlines() if line.startswith("{")]
    slots = [line for line in objects if "slot" in line]
    lines = [json.loads(line) for line in replies.splitlines()]
    return list(zip(slots, lines, strict=True))


def every_example() -> list[Example]:
    return [example for section in Section for example in examples(section)]


def numbered(example: Example) -> str:
    return str(example[0]["slot"])


all_examples = pytest.mark.parametrize("example", every_example(), ids=numbered)


@all_examples
def test_an_example_answers_its_slot_with_the_keys_in_order(example: Example) -> None:
    wanted, reply = example
    assert list(wanted) == [key for key in SLOT_KEYS if key in wanted]
    expected = ["slot", "p", "q", "f", "w", "e", "a", "d"]
    if "p" not in reply:
        expected.remove("p")
    if wanted["type"] not in FIGURED:
        expected.remove("f")
    if wanted["section"] == Section.VERBAL:
        expected.remove("e")
    if wanted["type"] == "comparison":
        expected.remove("d")
    assert list(reply) == expected
    assert reply["slot"] == wanted["slot"]


@all_examples
def test_an_example_is_written_in_the_form_it_teaches(example: Example) -> None:
    _, reply = example
    written = json.dumps(reply, ensure_ascii=False)
    assert not re.search(r"[٠-٩۰-۹ـ]|\\\\|\\\"|\$|```|جميع ما سبق|لا شيء مما سبق", written)
    assert 15 <= len(reply["w"]) <= 260
    assert "p" in reply or len(reply["q"].split()) <= 50


@all_examples
def test_an_example_has_four_choices_of_one_kind(example: Example) -> None:
    wanted, reply = example
    if wanted["type"] == "comparison":
        assert reply["a"] in COMPARISON_CHOICES
        return
    choices = [reply["a"], *reply["d"]]
    assert len(set(choices)) == CHOICES_PER_QUESTION
    assert max(map(len, choices)) <= 2 * min(map(len, choices)) + 2


@all_examples
def test_an_example_asks_for_what_a_plan_asks_for(example: Example) -> None:
    wanted, _ = example
    catalogue = load_catalogue()
    pools = catalogue.topics[wanted["topic"]].subtopics
    assert any(wanted["subtopic"] in pool.names and wanted["type"] in pool.types for pool in pools)
    assert wanted["angle"] in catalogue.angles[wanted["section"]]
    if "pattern" in wanted:
        assert wanted["pattern"] in catalogue.patterns[wanted["subtopic"]]


def test_no_example_has_the_number_of_a_real_slot() -> None:
    positions = [wanted["slot"] for wanted, _ in every_example()]
    assert min(positions) > 900
    assert len(set(positions)) == len(positions)


def test_every_type_and_topic_is_shown() -> None:
    slots = [wanted for wanted, _ in every_example()]
    assert {wanted["type"] for wanted in slots} == set(QuestionType)
    assert len({wanted["topic"] for wanted in slots}) == 12
    assert {wanted["difficulty"] for wanted in slots} == {"easy", "medium", "hard"}


def test_the_length_of_a_choice_does_not_reveal_the_key() -> None:
    chosen = [reply for _, reply in every_example() if "d" in reply]
    longest = [reply for reply in chosen if len(reply["a"]) > max(map(len, reply["d"]))]
    assert len(longest) <= 0.4 * len(chosen)


def test_a_passage_is_written_once_for_its_group() -> None:
    readings = [(wanted, reply) for wanted, reply in examples(Section.VERBAL) if wanted["type"] == "reading"]
    assert len({wanted["group"] for wanted, _ in readings}) == 1
    assert ["p" in reply for _, reply in readings] == [True, False, False]
    assert 90 <= len(readings[0][1]["p"].split()) <= 160


@all_examples
def test_the_figure_of_an_example_is_of_its_type_and_pattern(example: Example) -> None:
    wanted, reply = example
    assert ("f" in reply) == ("pattern" in wanted) == (wanted["type"] in FIGURED)
    if "f" in reply:
        assert next(iter(reply["f"])) == "pattern"
        assert reply["f"]["pattern"] == wanted["pattern"]
        assert (wanted["pattern"] in CHARTS) == (wanted["type"] == "chart")
        assert check(reply["f"], stem=reply["q"], answer=reply["a"]) == ()


def test_each_pattern_of_the_examples_is_explained_as_a_message_explains_it() -> None:
    shown = system_blocks(Section.QUANTITATIVE)[2].text.partition("\nالرد:\n")[0].splitlines()
    used = [wanted["pattern"] for wanted, _ in examples(Section.QUANTITATIVE) if "pattern" in wanted]
    explained = [line for line in shown if line.startswith("{") and '"parameters"' in line]
    assert explained == [json_line(written_as(name, web_app_only=False)) for name in dict.fromkeys(used)]


def test_the_words_of_an_error_example_occur_in_its_sentence() -> None:
    for wanted, reply in examples(Section.VERBAL):
        if wanted["type"] == "error":
            assert sorted(re.findall(r"«(.+?)»", reply["q"])) == sorted([reply["a"], *reply["d"]])
        if wanted["type"] == "odd-word":
            listed = reply["q"].partition(": ")[2].rstrip("؟").split("، ")
            assert sorted(listed) == sorted([reply["a"], *reply["d"]])


@pytest.mark.parametrize("section", Section)
def test_the_parser_extracts_every_example_from_the_reply(section: Section) -> None:
    reply = system_blocks(section)[2].text.partition("\nالرد:\n")[2].partition("\n\n")[0]
    parser = QuestionParser()
    pieces = [reply[start : start + 37] for start in range(0, len(reply), 37)]
    found = [line for piece in pieces for line in parser.feed(piece)]
    assert found == [line for _, line in examples(section)]
    assert parser.finish() == 0


@pytest.mark.parametrize("section", Section)
def test_the_validator_accepts_every_example_into_its_slot(section: Section) -> None:
    shown = examples(section)
    validator = Validator([slot_of(wanted) for wanted, _ in shown], seen=Seen(), seed=1)
    verdicts = [validator.judge(reply) for _, reply in shown]
    assert [verdict for verdict in verdicts if isinstance(verdict, Rejected)] == []
    assert validator.open_slots == ()


def slot_of(wanted: dict[str, Any]) -> Slot:
    """The slot that this line of a message describes."""
    return Slot(
        position=wanted["slot"],
        batch_index=90,
        sequence=1,
        section=Section(wanted["section"]),
        topic=Topic(wanted["topic"]),
        subtopic=wanted["subtopic"],
        question_type=QuestionType(wanted["type"]),
        difficulty=Difficulty(wanted["difficulty"]),
        angle=wanted["angle"],
        key_index=None if wanted["type"] == "comparison" else 2,
        passage_group=wanted.get("group"),
        pattern=wanted.get("pattern"),
    )


@pytest.mark.parametrize("section", Section)
def test_no_example_breaks_even_a_rule_that_only_flags_or_counts(section: Section) -> None:
    shown = examples(section)
    validator = Validator([slot_of(wanted) for wanted, _ in shown], seen=Seen(), seed=1)
    verdicts = [validator.judge(reply) for _, reply in shown]
    noted = {
        verdict.question.slot.position: [
            rule.name for rule in verdict.noted if rule.name != "unordered_numbers"
        ]
        for verdict in verdicts
        if isinstance(verdict, Accepted)
    }
    assert {slot: names for slot, names in noted.items() if names} == {}
    assert len(noted) == len(shown)


def test_every_declared_expression_of_an_example_proves_its_key() -> None:
    for wanted, reply in examples(Section.QUANTITATIVE):
        if "e" in reply:
            is_comparison = wanted["type"] == "comparison"
            proof = proof_of(reply["e"], reply["a"], reply.get("d", ()), is_comparison=is_comparison)
            assert proof is Proof.PROVED, wanted["slot"]


def test_a_comparison_example_has_the_planned_answer() -> None:
    shown = [
        (wanted["answer"], reply["a"]) for wanted, reply in every_example() if wanted["type"] == "comparison"
    ]
    assert {planned for planned, _ in shown} == set(COMPARISON_CHOICES)
    assert all(planned == written for planned, written in shown)


# The calculations, repeated by other methods than the solutions'


def age() -> str:
    (years,) = [y for y in range(1, 60) if 3 * y + 6 == 2 * (y + 6)]
    return str(years)


def work() -> str:
    done = Fraction(0)
    for day in itertools.count(1):
        done += Fraction(6 if day <= 4 else 8, 6 * 12)
        if done == 1:
            return str(day - 4)
    raise AssertionError


def pursuit() -> str:
    (hours,) = [h for h in range(1, 24) if 120 * h == 90 * (h + 1)]
    return str(120 * hours)


def colour() -> str:
    balls = ["blue"] * 5 + ["red"] * 3 + ["green"] * 4
    return str(Fraction(sum(ball != "red" for ball in balls), len(balls)))


def sixth_mark() -> str:
    (mark,) = [m for m in range(101) if (5 * 82 + m) == 6 * 80]
    return str(mark)


def compared(pairs: Sequence[tuple[float, float]]) -> str:
    """The comparison that is true for every pair of values, if there is one."""
    telemetry = {(first > second) - (first < second) for first, second in pairs}
    return {1: FIRST, -1: SECOND, 0: EQUAL}[telemetry.pop()] if len(telemetry) == 1 else UNKNOWN


def roots() -> str:
    return compared([(x, 6) for x in range(-20, 21) if x * x == 49])


def gardens() -> str:
    width = 26 / 2 - 8
    return compared([((24 / 4) ** 2, 8 * width)])


def figure(slot: int) -> Any:
    return next(reply["f"] for wanted, reply in every_example() if wanted["slot"] == slot)


def perimeter() -> str:
    legs = figure(910)["base"], figure(910)["height"]
    return f"{sum(legs) + math.hypot(*legs):g}"


def shaded() -> str:
    side = figure(911)["side"]
    return str(side**2 - Fraction(22, 7) * Fraction(side, 2) ** 2)


def distance() -> str:
    first, second = figure(912)["at"].values()
    return f"{math.dist(first, second):g}"


def visitors() -> str:
    chart = figure(913)
    return f"{100 * chart['values'][chart['labels'].index('الخميس')] / sum(chart['values']):g}%"


def spending() -> str:
    chart = figure(914)
    share = dict(zip(chart["labels"], chart["values"], strict=True))
    return f"{8000 * share['السكن'] / 100 - 8000 * share['الادخار'] / 100:g}"


SUMS: dict[int, Callable[[], str]] = {
    901: age,
    902: lambda: f"{240 * 1.15:g}",
    903: work,
    904: pursuit,
    905: colour,
    906: sixth_mark,
    907: lambda: compared([(360 / 4, 100 - 10)]),
    908: roots,
    909: gardens,
    910: perimeter,
    911: shaded,
    912: distance,
    913: visitors,
    914: spending,
    915: lambda: compared([(150 / 100 * 60, 80)]),
}


def test_every_quantitative_example_is_recomputed() -> None:
    assert [wanted["slot"] for wanted, _ in examples(Section.QUANTITATIVE)] == list(SUMS)


@pytest.mark.parametrize("example", examples(Section.QUANTITATIVE), ids=numbered)
def test_the_key_of_a_quantitative_example_is_what_the_sum_gives(example: Example) -> None:
    wanted, reply = example
    assert reply["a"] == SUMS[wanted["slot"]]()
