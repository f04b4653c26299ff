"""The rules agree with the labelled set, and no rule stands without items for it and against it."""

from __future__ import annotations

import time
from functools import cache

import pytest

from generation.model import QuestionType
from generation.rule_evaluation import (
    CLEAN,
    ONLY_COUNTED,
    RULES_OF,
    SOUND,
    Row,
    agreement,
    findings,
    measured,
)
from generation.rules.disclosures import Written
from generation.rules.table import TEXT_RULES, Severity, broken_rules, noted_rules
from tests.unit.generation.labelled.planted import PLANTED
from tests.unit.generation.test_labelled_set import every_item


@cache
def rows() -> tuple[Row, ...]:
    return tuple(measured(every_item()))


def part(*, untouched: bool) -> list[Row]:
    return [row for row in rows() if row.is_untouched is untouched]


@pytest.mark.parametrize("untouched", [False, True])
def test_rules_and_labels_agree_in_the_published_share(untouched: bool) -> None:
    assert agreement(part(untouched=untouched)) >= 0.91


def test_sound_items_are_taken_for_faults_in_one_of_a_hundred_at_most() -> None:
    assert 1 - agreement(row for row in rows() if row.kind in CLEAN) <= 0.01


def test_every_kind_that_a_rule_should_see_is_measured_in_both_parts() -> None:
    kinds = [{row.kind for row in part(untouched=untouched)} for untouched in (False, True)]
    assert kinds[0] == kinds[1]
    assert {kind for kind in kinds[0] if not kind.startswith("repeat_")} == {*RULES_OF, *SOUND}


def test_every_rule_finds_a_planted_fault_and_leaves_most_sound_items_alone() -> None:
    sound, seen = [], set(PLANTED)
    for item in every_item():
        if item["kind"] in CLEAN:
            sound.append(findings(item) - ONLY_COUNTED)
        else:
            seen |= findings(item)
    assert {rule.name for rule in TEXT_RULES} <= seen
    assert len(sound) >= 300


def test_a_rule_rejects_unless_it_is_about_what_a_teacher_would_let_pass() -> None:
    lenient = {rule.name for rule in TEXT_RULES if rule.severity is not Severity.REJECT}
    assert lenient == {
        "latin_letters",
        "key_length",
        "absolute_distractors",
        "double_negation",
        "grammar_cue",
        "convergence",
        "stem_words_in_key",
        "mixed_digits",
        *ONLY_COUNTED,
    }


def test_a_rule_that_rejects_is_never_among_the_noted_ones() -> None:
    flawed = Written(
        "ما **ثمن** الكتاب بالريال؟", "نقسم 40 على 2 فيكون الثمن ٢٠.", ["20", "30", "40", "50"], key="20"
    )
    assert {rule.name for rule in broken_rules(flawed)} == {"markdown", "mixed_digits"}
    assert [rule.name for rule in noted_rules(flawed)] == ["mixed_digits"]


@pytest.mark.parametrize("shown", [("5", "10", "15", "20"), ("20", "15", "10", "5"), ("ب", "أ", "د", "ج")])
def test_numbers_that_rise_or_fall_are_in_order(shown: tuple[str, ...]) -> None:
    assert "unordered_numbers" not in noted(shown)


def test_numbers_that_rise_and_fall_are_counted() -> None:
    assert "unordered_numbers" in noted(("5", "15", "10", "20"))
    assert "unordered_numbers" in noted(("ساعة", "30 دقيقة", "ساعتان", "90 دقيقة"))


def noted(shown: tuple[str, ...]) -> set[str]:
    return {rule.name for rule in noted_rules(Written("ما العدد؟", "هو العدد.", (), shown=shown))}


@pytest.mark.parametrize("kind", QuestionType)
@pytest.mark.parametrize(
    "pump", ["و", " و", "5 ", "5/", "√", "بين 5 و", "لا ", "ما ", "A", "سأ", "– ", "5 س ", "العدد 5 "]
)
def test_a_question_of_the_longest_texts_is_judged_in_milliseconds(kind: QuestionType, pump: str) -> None:
    text = (pump * 2_000)[:2_000]
    question = Written(text, text, [text[:300]] * 4, key=text[:300], kind=kind, shown=[text[:300]] * 4)
    began = time.process_time()
    broken_rules(question)
    assert time.process_time() - began < 0.5
