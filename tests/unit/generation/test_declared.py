"""A declared expression proves a key or disproves it; one that says nothing costs no question."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.declared import MAX_CHARS, proof_of
from generation.model import COMPARISON_CHOICES, OUR_OWN_FIELDS, QuestionType
from generation.proof.key import Proof
from generation.rule_evaluation import declaration
from generation.validator import Accepted, Rejected
from tests.support.reply_lines import line, slot_for, validator_for
from tests.unit.generation.test_labelled_set import Item, kinds

FIRST, SECOND, EQUAL, UNKNOWN = COMPARISON_CHOICES


def judged(declared: object, **changes: Any) -> Accepted | Rejected:
    written = line(QuestionType.MCQ) | {"a": "42", "d": ["36", "40", "49"], "w": "نضرب 6 × 7 = 42."} | changes
    return validator_for(slot_for(QuestionType.MCQ)).judge(written | {"e": declared})


def compared(declared: object, key: str) -> Accepted | Rejected:
    written = line(QuestionType.COMPARISON) | {"a": key, "w": "نحسب القيمتين ثم نوازن بينهما."}
    return validator_for(slot_for(QuestionType.COMPARISON)).judge(written | {"e": declared})


def proved(verdict: Accepted | Rejected) -> bool:
    assert isinstance(verdict, Accepted)
    return verdict.question.proved


@pytest.mark.parametrize("declared", ["6*7", "6*7 = 42", "6⋅7"])
def test_a_declared_expression_that_arrives_at_the_key_proves_it(declared: str) -> None:
    verdict = judged(declared)
    assert proved(verdict)
    assert isinstance(verdict, Accepted)
    assert verdict.question.declared == declared
    assert verdict.question.content()["proved"] is True


def test_a_key_that_the_declared_expression_contradicts_is_rejected() -> None:
    verdict = judged("6*6")
    assert isinstance(verdict, Rejected)
    assert verdict.reason == "key_disproved"


def test_a_distractor_that_is_right_as_well_is_rejected() -> None:
    verdict = judged("3/4*100", a="75", d=["7500%", "40", "49"], w="نأخذ ثلاثة أرباع المئة، وهي 75.")
    assert isinstance(verdict, Rejected)
    assert verdict.reason == "choices_not_distinct"


@pytest.mark.parametrize(
    "declared",
    [None, "", " ", 42, ["6*7"], {"e": "6*7"}, "عدد الأيام", "6*", "1" * 301, "6*7\x00", "6*7 = 43"],
)
def test_what_cannot_be_read_costs_no_question_and_proves_nothing(declared: object) -> None:
    assert not proved(judged(declared))


@pytest.mark.parametrize("declared", ["42", "+42", "س = 42; س", "(42)"])
def test_a_number_alone_repeats_the_key_and_proves_nothing(declared: str) -> None:
    assert not proved(judged(declared))


@pytest.mark.parametrize(("key", "declared"), [("3/4", "3/4"), ("30%", "30%"), ("3/4 ساعة", "3 / 4")])
def test_the_keys_own_text_proves_nothing(key: str, declared: str) -> None:
    assert proof_of(declared, key, (), is_comparison=False) is Proof.UNREADABLE


def test_a_number_alone_still_disproves_another_key() -> None:
    assert isinstance(judged("40"), Rejected)


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ("24/4 | 26/2-8", FIRST),
        ("10-4 | 2*4", SECOND),
        ("360/4 | 90%*100", EQUAL),
        ("√49 | 6 || -√49 | 6", UNKNOWN),
    ],
)
def test_a_comparison_declares_both_values_or_two_assignments(declared: str, key: str) -> None:
    assert proved(compared(declared, key))
    others = [choice for choice in COMPARISON_CHOICES if choice != key]
    reasons = [compared(declared, other) for other in others]
    assert [reason.reason for reason in reasons if isinstance(reason, Rejected)] == ["key_disproved"] * 3


@pytest.mark.parametrize("declared", ["5*3", "1 | 2 | 3", "|", "||", "5*3 |", "1+1 | 2 || 3", "7 | 6"])
def test_a_comparison_declared_in_another_form_proves_nothing(declared: str) -> None:
    assert not proved(compared(declared, FIRST))


def test_a_flagged_rule_is_stored_with_its_question_and_a_counted_one_is_not() -> None:
    counted_noun = {"a": "18 سنة", "d": ["11 سنوات", "12 سنوات", "27 سنوات"], "w": "ضعف 9 هو 18 سنة."}
    stem = "عمر سعاد 9 سنوات، وعمر أخيها ضعف عمرها. كم عمر أخيها؟"
    verdict = judged("9*2", q=stem, **counted_noun)
    assert isinstance(verdict, Accepted)
    assert {"grammar_cue", "unordered_numbers"} <= {rule.name for rule in verdict.noted}
    assert verdict.question.content()["flags"] == ["grammar_cue"]


@given(st.text(max_size=MAX_CHARS + 20), st.sampled_from(["42", FIRST, "نصف", "ساعتان"]), st.booleans())
def test_no_text_breaks_the_proof(declared: str, key: str, is_comparison: bool) -> None:
    assert proof_of(declared, key, ("1", "2"), is_comparison=is_comparison) in Proof


def test_sound_labelled_items_are_never_disproved() -> None:
    sound = [item for item in kinds("clean", "clean_suspicious") if not item["untouched"]]
    assert [
        item["id"] for item in sound if proof_of_item(item) in {Proof.WRONG_KEY, Proof.RIGHT_DISTRACTOR}
    ] == []


def test_wrong_keys_of_the_labelled_set_are_disproved() -> None:
    wrong = [item for item in kinds("wrong_key") if not item["untouched"]]
    assert len(wrong) > 20
    assert [item["id"] for item in wrong if proof_of_item(item) is not Proof.WRONG_KEY] == []


def proof_of_item(item: Item) -> Proof:
    question = item["question"]
    kind = QuestionType(item["slot"]["type"])
    distractors = question.get("d", ())
    return proof_of(
        declaration(item), question["a"], distractors, is_comparison=kind is QuestionType.COMPARISON
    )


def test_our_own_fields_are_absent_where_there_is_nothing_to_say() -> None:
    verdict = judged(None)
    assert isinstance(verdict, Accepted)
    assert not set(OUR_OWN_FIELDS) & verdict.question.content().keys()
