"""One key, four choices, Arabic texts, and the rules of each question type; the reason names what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from generation.model import (
    COMPARISON_CHOICES,
    QuestionType,
)
from generation.validator import Accepted, Rejected
from tests.support.reply_lines import (
    COLUMNS,
    GOOD,
    PASSAGE,
    TRIANGLE,
    judged,
    line,
    question,
    reason,
    slot_for,
    validator_for,
)


@pytest.mark.parametrize(
    "choices",
    [
        ("4", ["4", "4", "4"]),
        ("4", ["٤", "5", "6"]),
        ("0.5", ["1/2", "2", "3"]),
        ("50%", ["0.50", "5", "3"]),
        ("1000", ["1,000", "5", "3"]),
        ("3/6", ["1/2", "2", "3"]),
        ("5²", ["52", "2^5", "25"]),
        ("ساعتان", ["120 دقيقة", "ساعة", "3 ساعات"]),
        ("12 سم", ["12.0 سم", "5 سم", "3 سم"]),
        ("2½", ["2.5", "2", "3"]),
        ("2 1/2 سم", ["5/2 سم", "2 سم", "3 سم"]),
        ("-1½", ["-1.5", "-0.5", "1.5"]),
        ("3:4", ["6:8", "4:3", "1:2"]),
        ("٣ : ٤", ["٦ : ٨", "٤ : ٣", "١ : ٢"]),
        ("3:4", ["3/4", "4:3", "1:2"]),
        ("1:2:3", ["2:4:6", "3:2:1", "1:3:2"]),
        ("2⁻²", ["1/4", "4", "-4"]),
        ("2 و1/2", ["2.5", "2", "3"]),
        ("ألف ومئة وخمسة وعشرون", ["1125", "125", "1025"]),
        ("ساعة ونصف الساعة", ["90 دقيقة", "ساعتان", "ساعة"]),
        ("مدرسة", ["مَدرسه", "بيت", "دار"]),
        ("!", ["4", "5", "6"]),
    ],
)
def test_choices_that_say_the_same_are_two_keys_d15(choices: tuple[str, list[str]]) -> None:
    assert reason(QuestionType.MCQ, a=choices[0], d=choices[1]) == "choices_not_distinct"


@pytest.mark.parametrize(
    "choices",
    [
        ("-3", ["3", "1/3", "-1/3"]),
        ("12 سم", ["12 سم²", "12 م", "1.2 سم"]),
        ("5²", ["52", "2^5", "24"]),
        ("2 : 3", ["3 : 2", "2 : 5", "3 : 5"]),
        ("1/0", ["1", "0", "2"]),
        ("2½", ["-2½", "2 1/3", "21/2"]),
        ("0:1", ["1:0", "1:2", "0:0"]),
        ("1:2:3", ["1:2", "2:3", "1:3"]),
        ("10³", ["10⁷", "10⁻³", "10⁻⁷"]),
        ("2 و3", ["-2 و-3", "1 و6", "-1 و6"]),
        ("13 و7", ["14 و6", "12 و8", "16 و4"]),
        ("ثلاثة وسبعة", ["أربعة وستة", "اثنان وثمانية", "واحد وتسعة"]),
        ("5 سم و3 سم", ["6 سم و2 سم", "7 سم و1 سم", "7 سم وسنتيمتر"]),
        ("2:30 مساء", ["1:15 مساء", "2:30 صباحا", "3:00 مساء"]),
    ],
)
def test_choices_that_differ_in_value_are_distinct(choices: tuple[str, list[str]]) -> None:
    question(QuestionType.MCQ, a=choices[0], d=choices[1])


@pytest.mark.parametrize(
    "choice",
    [
        "جميع ما سبق",
        "كل ما سبق صحيح",
        "لا شيء مما سبق",
        "ليس مما سبق",
        "جميع الإجابات صحيحة",
        "كلّ ما ذُكر",
        "أ وب معًا",
        "لا يوجد إجابة مما ذكر",
    ],
)
def test_a_choice_about_the_other_choices_is_rejected(choice: str) -> None:
    verdict = judged(QuestionType.MCQ, a="خمسة أمتار", d=["ستة أمتار", "سبعة أمتار", choice])
    assert verdict == Rejected(4, "catch_all_choice")


def test_a_choice_may_speak_of_everything_in_the_passage() -> None:
    question(QuestionType.READING, a="كل ما زرعه أهلها", d=["بعض ما زرعوه", "ماء الواحة", "طين القنوات"])


@pytest.mark.parametrize(
    "choice",
    ["أ) 4", "(أ) 4", "أ. 4", "A) 4", "b. 4", "1) 4", "(2) 4", "هل 4 (صحيح)", "✓ 4", "4 الإجابة الصحيحة"],
)
def test_a_choice_with_a_letter_or_a_mark_is_rejected_and_never_stripped(choice: str) -> None:
    assert reason(QuestionType.MCQ, a=choice) in {"lettered_choice", "marked_choice"}


def test_choices_lettered_with_dashes_are_rejected() -> None:
    assert reason(QuestionType.MCQ, a="أ - 4", d=["ب - 5", "ج - 6", "د - 7"]) == "lettered_choice"


@pytest.mark.parametrize(
    "choices", [("أ - ب", ["ب - أ", "ج - أ", "أ × ب"]), ("(2، 3)", ["(3، 2)", "(2، 4)", "(4، 2)"])]
)
def test_expressions_and_coordinates_do_not_count_as_letters(choices: tuple[str, list[str]]) -> None:
    question(QuestionType.MCQ, a=choices[0], d=choices[1])


def test_a_choice_far_longer_than_another_gives_itself_away() -> None:
    assert (
        reason(QuestionType.READING, a="لأن العمال ينزلون منها لإزالة ما يترسب من الطين في القناة")
        == "uneven_choices"
    )


def test_short_numbers_may_differ_in_length() -> None:
    question(QuestionType.MCQ, a="4", d=["40", "4000", "4000000"])


# --- texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"q": "؟؟؟"}, "short_stem"),
        ({"q": "س؟"}, "short_stem"),
        ({"w": "س = 4"}, "short_explanation"),
        ({"q": "If 2x + 3 = 11, find x"}, "not_arabic"),
        ({"q": "3 + 4 × 5 = ..."}, "not_arabic"),
        ({"w": "Subtract three, divide by two: x = 4"}, "not_arabic"),
    ],
)
def test_a_stem_or_solution_without_arabic_content_is_rejected(parts: dict[str, Any], expected: str) -> None:
    assert reason(QuestionType.MCQ, **parts) == expected


def test_a_solution_may_be_pure_calculation() -> None:
    question(QuestionType.MCQ, w="(11 - 3) ÷ 2 = 4")


def test_verbal_choices_are_arabic() -> None:
    assert reason(QuestionType.COMPLETION, a="modesty", d=["pride", "waste", "retreat"]) == "not_arabic"


# --- types -------------------------------------------------------------------------------------------------------


def test_a_comparison_answers_with_one_of_the_fixed_choices() -> None:
    assert reason(QuestionType.COMPARISON, a="متساويتان تقريبًا") == "comparison_answer_unknown"
    assert reason(QuestionType.COMPARISON, d=["1", "2", "3"]) == "wrong_distractors"
    assert question(QuestionType.COMPARISON).choices == COMPARISON_CHOICES
    assert question(QuestionType.COMPARISON, a="القيمة الاولى أكبر").choices == COMPARISON_CHOICES
    for unknown in (COMPARISON_CHOICES[3], "المعطيات غير كافية"):
        accepted = question(QuestionType.COMPARISON, a=unknown)
        assert accepted.choices[accepted.answer_index] == "المعطيات غير كافية للمقارنة"
    others = [choice for choice in COMPARISON_CHOICES if choice != "القيمتان متساويتان"]
    assert question(QuestionType.COMPARISON, d=others).answer_index == 2


def test_a_comparison_names_both_quantities() -> None:
    assert (
        reason(QuestionType.COMPARISON, q="أيهما أكبر: 25% من 360 أم 90؟") == "comparison_without_quantities"
    )


def test_an_analogy_is_made_of_pairs() -> None:
    assert reason(QuestionType.ANALOGY, q="ما علاقة المقص بالقص؟") == "analogy_without_pairs"
    assert reason(QuestionType.ANALOGY, a="ميزان وزن") == "analogy_without_pairs"
    assert reason(QuestionType.ANALOGY, a="ميزان : ") == "analogy_without_pairs"


def test_a_completion_has_a_blank() -> None:
    assert (
        reason(QuestionType.COMPLETION, q="كلما اتسعت معارف الإنسان ازداد تواضعًا")
        == "completion_without_blank"
    )


@pytest.mark.parametrize("blank", ["(......)", "……", "____", "ــــ", "(   )", "[ ]"])
def test_a_blank_may_be_written_in_many_ways(blank: str) -> None:
    question(QuestionType.COMPLETION, q=f"كلما اتسعت معارف الإنسان ازداد {blank} لأنه يدرك ما يجهله.")


def test_an_error_question_offers_words_of_its_sentence() -> None:
    assert reason(QuestionType.ERROR, d=["تتضافر", "تتوحد", "يفشل"]) == "error_word_not_in_stem"
    assert reason(QuestionType.ERROR, d=["تتضافر", "تتوحد", "غاية"]) == "error_word_not_in_stem"


def test_an_odd_word_is_a_word() -> None:
    long = ["نبات قمح في الحقل", "نبات شعير في الحقل", "نبات ذرة في الحقل"]
    assert reason(QuestionType.ODD_WORD, a="نبات عدس في الحقل", d=long) == "odd_word_too_long"


@pytest.mark.parametrize("kind", [QuestionType.DIAGRAM, QuestionType.CHART])
def test_a_figure_question_has_a_figure_that_can_be_drawn(kind: QuestionType) -> None:
    other = COLUMNS if kind is QuestionType.DIAGRAM else TRIANGLE
    assert reason(kind, f=None) == "no_figure"
    assert reason(kind, f={}) == "figure_unknown_pattern"
    assert reason(kind, f={"kind": "triangle", "description": "مثلث قائم في ب", "measures": {"أ ب": 9}}) == (
        "figure_unknown_pattern"
    )
    assert reason(kind, f=other) == "figure_other_pattern"
    assert reason(kind, f={**GOOD[kind][1]["f"], "shading": "x"}) == "figure_wrong_parameters"


@pytest.mark.parametrize("kind", [QuestionType.DIAGRAM, QuestionType.CHART])
def test_a_figure_is_of_the_pattern_that_the_slot_names(kind: QuestionType) -> None:
    written = line(kind)
    for pattern, accepted in ((written["f"]["pattern"], True), ("cube", False), ("pie-chart", False)):
        verdict = validator_for(replace(slot_for(kind), pattern=pattern)).judge(written)
        assert isinstance(verdict, Accepted) == accepted
        assert accepted or verdict == Rejected(4, "figure_other_pattern")


def test_for_pages_without_our_drawings_a_figure_must_be_one_that_they_draw() -> None:
    only = replace(slot_for(QuestionType.DIAGRAM), web_app_only=True)
    cube = line(QuestionType.DIAGRAM, f={"pattern": "cube", "edge": 3}, a="27")
    assert validator_for(only).judge(cube) == Rejected(4, "figure_not_for_web_app")
    assert isinstance(validator_for(only).judge(line(QuestionType.DIAGRAM)), Accepted)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"f": {"pattern": "right-triangle", "base": 12, "hypotenuse": 9}}, "figure_triangle_inequality"),
        ({"q": "في المثلث المرسوم طول الوتر 17 م. ما محيطه؟"}, "figure_contradicts_stem"),
        ({"a": "37"}, "figure_wrong_answer"),
        ({"f": {**TRIANGLE, "ask": []}, "a": "12 م"}, "figure_shows_the_answer"),
        ({"f": {**TRIANGLE, "points": "بب"}}, "figure_wrong_point_names"),
    ],
)
def test_a_figure_that_cannot_be_or_contradicts_its_question_is_rejected_by_name(
    parts: dict[str, Any], expected: str
) -> None:
    assert reason(QuestionType.DIAGRAM, **parts) == expected


def test_other_questions_have_none() -> None:
    assert reason(QuestionType.MCQ, f=TRIANGLE) == "unwanted_figure"
    assert reason(QuestionType.MCQ, p=PASSAGE) == "unwanted_passage"
    question(QuestionType.MCQ, f=None, p="")


# --- severities --------------------------------------------------------------------------------------------------


PLAIN = "لماذا كانت تفتح فتحات متتابعة؟"


def test_a_question_with_a_cue_is_accepted_with_the_cue_noted() -> None:
    distractors = ["لقسمة الماء دائمًا", "لرفع الماء أبدًا", "لضبط الوقت"]
    verdict = judged(QuestionType.READING, q=PLAIN, d=distractors)
    assert isinstance(verdict, Accepted)
    assert [rule.name for rule in verdict.noted] == ["absolute_distractors"]


def test_a_good_question_has_nothing_noted() -> None:
    verdict = judged(QuestionType.READING, q=PLAIN)
    assert isinstance(verdict, Accepted)
    assert verdict.noted == ()


def test_a_solution_that_ends_at_another_choice_is_rejected() -> None:
    assert reason(QuestionType.MCQ, w="2س = 14 فتكون س = 7.") == "solution_contradicts_key"
    assert reason(QuestionType.COMPARISON, w="الأولى 90 والثانية 80، إذن القيمة الأولى أكبر.") == (
        "solution_contradicts_key"
    )
