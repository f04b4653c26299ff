"""Only what fits its slot, has one key and repeats nothing becomes a question; nothing else is lost for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.folding import fold
from generation.gate import Accepted, Gate, Rejected, known_passages
from generation.model import (
    COMPARISON_CHOICES,
    Difficulty,
    EarlierQuestion,
    Question,
    QuestionType,
    Slot,
    Topic,
)
from generation.repeats import Seen

PASSAGE: Final = (
    "عرفت واحات كثيرة في الجزيرة العربية الأفلاج قبل قرون طويلة، وهي قنوات تحفر بميل يسير من بئر عند سفح الجبل "
    "حتى تبلغ المزارع، فيجري فيها الماء من غير آلة ترفعه. وكانت تفتح على امتداد القناة فتحات متتابعة ينزل منها "
    "العمال لإزالة ما يترسب من الطين، فإن أهملت سنوات قليلة انقطع الجريان وجفت المزارع كلها."
)
OTHER_PASSAGE: Final = (
    "يهاجر كثير من الطيور كل عام آلاف الكيلومترات بين مواطن التكاثر ومواطن الشتاء، مهتديًا بالشمس والنجوم وبما "
    "يحسه من مجال الأرض. ويقطع بعضها البحر في طيران متصل أيامًا، لا يأكل ولا يشرب، معتمدًا على ما ادخره من دهن "
    "قبل الرحيل، ثم يعود في الربيع إلى العش الذي غادره كأنه لم يفارقه قط."
)
TRIANGLE: Final = {"kind": "triangle", "description": "مثلث قائم في ب", "measures": {"أ ب": 9, "ب ج": 12}}
COLUMNS: Final = {
    "kind": "bar-chart",
    "title": "زوار مكتبة",
    "labels": ["الأحد", "الاثنين"],
    "values": [120, 90],
}

#: One good reply line a type, beside the topic it is asked under.
GOOD: Final[Mapping[QuestionType, tuple[Topic, dict[str, Any]]]] = {
    QuestionType.MCQ: (
        Topic.ALGEBRA,
        {"q": "إذا كان 2س + 3 = 11 فما قيمة س؟", "w": "2س = 8 فتكون س = 4.", "a": "4", "d": ["3", "7", "14"]},
    ),
    QuestionType.COMPARISON: (
        Topic.ALGEBRA,
        {
            "q": "القيمة الأولى: 25% من 360\nالقيمة الثانية: 90% من 100",
            "w": "ربع 360 هو 90، و90% من 100 هي 90.",
            "a": "القيمتان متساويتان",
        },
    ),
    QuestionType.DIAGRAM: (
        Topic.GEOMETRY,
        {
            "q": "ما محيط المثلث المرسوم؟",
            "f": TRIANGLE,
            "w": "الوتر 15، والمحيط 36.",
            "a": "36",
            "d": ["21", "42", "54"],
        },
    ),
    QuestionType.CHART: (
        Topic.STATISTICS,
        {
            "q": "كم يزيد زوار الأحد على الاثنين؟",
            "f": COLUMNS,
            "w": "الفرق 120 − 90 = 30.",
            "a": "30",
            "d": ["20", "90", "210"],
        },
    ),
    QuestionType.READING: (
        Topic.READING_COMPREHENSION,
        {
            "p": PASSAGE,
            "q": "لماذا كانت تفتح فتحات على امتداد القناة؟",
            "w": "ينزل منها العمال لإزالة الطين.",
            "a": "لتنظيف القناة",
            "d": ["لقسمة الماء", "لرفع الماء", "لضبط الوقت"],
        },
    ),
    QuestionType.ANALOGY: (
        Topic.ANALOGY,
        {
            "q": "مقص : قص",
            "w": "المقص أداة القص، والميزان أداة الوزن.",
            "a": "ميزان : وزن",
            "d": ["خشب : نجارة", "طباخ : طبخ", "قلم : حبر"],
        },
    ),
    QuestionType.COMPLETION: (
        Topic.SENTENCE_COMPLETION,
        {
            "q": "كلما اتسعت معارف الإنسان ازداد (......)، لأنه يدرك سعة ما يجهله.",
            "w": "إدراك سعة المجهول تواضع.",
            "a": "تواضعًا",
            "d": ["غرورًا", "انعزالًا", "إسرافًا"],
        },
    ),
    QuestionType.ERROR: (
        Topic.CONTEXT_ERROR,
        {
            "q": "حين «تتضافر» الجهود و«تتوحد» الأهداف «يتعثر» المشروع، ويبلغ «غايته» في موعده.",
            "w": "تضافر الجهود قرينة النجاح، فالمناسب يتقدم.",
            "a": "يتعثر",
            "d": ["تتضافر", "تتوحد", "غايته"],
        },
    ),
    QuestionType.ODD_WORD: (
        Topic.ASSOCIATION_DIFFERENCE,
        {
            "q": "ما الكلمة المختلفة: قمح، عدس، شعير، ذرة؟",
            "w": "القمح والشعير والذرة حبوب، والعدس بقل.",
            "a": "عدس",
            "d": ["قمح", "شعير", "ذرة"],
        },
    ),
}
TYPES = st.sampled_from(QuestionType)


def slot_for(kind: QuestionType, *, position: int = 4, key_index: int = 2, group: int = 1) -> Slot:
    topic = GOOD[kind][0]
    return Slot(
        position=position,
        batch_index=0,
        sequence=position + 1,
        section=topic.section,
        topic=topic,
        subtopic="موضوع",
        question_type=kind,
        difficulty=Difficulty.MEDIUM,
        angle="سوق",
        key_index=None if kind is QuestionType.COMPARISON else key_index,
        passage_group=group if kind is QuestionType.READING else None,
    )


def line(kind: QuestionType, *, position: int = 4, **parts: Any) -> dict[str, Any]:
    return {"slot": position, **GOOD[kind][1], **parts}


def gate_for(
    *slots: Slot, earlier: tuple[EarlierQuestion, ...] = (), passages: dict[int, str] | None = None
) -> Gate:
    return Gate(slots, seen=Seen(earlier), seed=1, passages=passages)


def judged(kind: QuestionType, **parts: Any) -> Accepted | Rejected:
    return gate_for(slot_for(kind)).judge(line(kind, **parts))


def reason(kind: QuestionType, **parts: Any) -> str:
    verdict = judged(kind, **parts)
    assert isinstance(verdict, Rejected), "was accepted"
    assert verdict.position == 4
    return verdict.reason


def question(kind: QuestionType, **parts: Any) -> Question:
    verdict = judged(kind, **parts)
    assert isinstance(verdict, Accepted), verdict
    return verdict.question


# --- what is let in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", QuestionType)
def test_a_good_question_of_every_type_is_accepted_as_written(kind: QuestionType) -> None:
    written = line(kind)
    accepted = question(kind)
    assert (accepted.stem, accepted.explanation) == (written["q"], written["w"])
    assert accepted.passage == written.get("p")
    assert accepted.diagram == written.get("f")
    assert accepted.choices[accepted.answer_index] == written["a"]
    assert set(accepted.choices) == {written["a"], *written.get("d", COMPARISON_CHOICES)}


@given(TYPES, st.integers(0, 3))
def test_the_key_stands_where_the_plan_wants_it_d19(kind: QuestionType, key_index: int) -> None:
    verdict = gate_for(slot_for(kind, key_index=key_index)).judge(line(kind))
    assert isinstance(verdict, Accepted)
    expected = 2 if kind is QuestionType.COMPARISON else key_index
    assert verdict.question.answer_index == expected


def test_the_order_of_choices_depends_on_the_seed_of_the_session() -> None:
    orders = set()
    for seed in range(12):
        verdict = Gate([slot_for(QuestionType.MCQ)], seen=Seen(), seed=seed).judge(line(QuestionType.MCQ))
        assert isinstance(verdict, Accepted)
        orders.add(verdict.question.choices)
    assert len(orders) > 1


def test_an_accepted_question_closes_its_slot_and_no_other() -> None:
    gate = gate_for(slot_for(QuestionType.MCQ), slot_for(QuestionType.ANALOGY, position=5))
    assert isinstance(gate.judge(line(QuestionType.MCQ)), Accepted)
    assert [slot.position for slot in gate.open_slots] == [5]


def test_a_rejected_question_leaves_its_slot_open_d5() -> None:
    gate = gate_for(slot_for(QuestionType.MCQ))
    assert isinstance(gate.judge(line(QuestionType.MCQ, d=["3", "3", "7"])), Rejected)
    assert [slot.position for slot in gate.open_slots] == [4]
    assert isinstance(gate.judge(line(QuestionType.MCQ)), Accepted)
    assert gate.open_slots == ()


def test_questions_may_come_in_any_order_and_open_slots_stay_sorted() -> None:
    slots = [slot_for(QuestionType.MCQ, position=position) for position in (9, 3, 6)]
    assert [slot.position for slot in gate_for(*slots).open_slots] == [3, 6, 9]


def test_a_question_keeps_its_passage_d16() -> None:
    assert question(QuestionType.READING).content()["passage"] == PASSAGE


def test_figures_that_the_prompt_asks_for_are_accepted_d14() -> None:
    assert question(QuestionType.DIAGRAM, f={**TRIANGLE, "kind": "composite", "shading": "x"}).diagram == {
        **TRIANGLE,
        "kind": "composite",
    }


# --- what belongs to no open slot --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, "4", 4.0, True, [4], {}])
def test_an_object_without_a_slot_number_is_turned_away(number: object) -> None:
    gate = gate_for(slot_for(QuestionType.MCQ, position=1), slot_for(QuestionType.MCQ))
    assert gate.judge(line(QuestionType.MCQ, slot=number)) == Rejected(None, "no_slot")


def test_an_object_for_a_slot_nobody_asked_for_is_turned_away() -> None:
    assert gate_for(slot_for(QuestionType.MCQ)).judge(line(QuestionType.MCQ, slot=77)) == Rejected(
        None, "unknown_slot"
    )


def test_a_second_question_for_a_filled_slot_is_turned_away() -> None:
    gate = gate_for(slot_for(QuestionType.MCQ))
    gate.judge(line(QuestionType.MCQ))
    again = line(QuestionType.MCQ, q="ما ثلث العدد 27 مضافًا إليه 1؟")
    assert gate.judge(again) == Rejected(4, "slot_filled")


# --- shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"q": ""}, "wrong_stem"),
        ({"q": 7}, "wrong_stem"),
        ({"q": "سؤال\x00عن العدد"}, "wrong_stem"),
        ({"w": None}, "wrong_explanation"),
        ({"a": 4}, "wrong_answer"),
        ({"d": "3"}, "wrong_distractors"),
        ({"d": None}, "wrong_distractors"),
        ({"d": []}, "wrong_distractors"),
        ({"d": ["3", "7"]}, "wrong_distractors"),
        ({"d": ["3", "7", "9", "11"]}, "wrong_distractors"),
        ({"f": "شكل"}, "wrong_figure"),
        ({"p": 3}, "wrong_passage"),
    ],
)
def test_a_missing_or_misshapen_part_is_named(parts: dict[str, Any], expected: str) -> None:
    assert reason(QuestionType.MCQ, **parts) == expected


def test_a_reading_question_without_choices_is_turned_away_d15() -> None:
    assert reason(QuestionType.READING, d=None) == "wrong_distractors"


# --- one key among four choices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choices",
    [
        ("4", ["4", "4", "4"]),
        ("4", ["٤", "5", "6"]),
        ("0.5", ["1/2", "2", "3"]),
        ("50%", ["0.50", "5", "3"]),
        ("1000", ["1,000", "5", "3"]),
        ("3/6", ["1/2", "2", "3"]),
        ("12 سم", ["12.0 سم", "5 سم", "3 سم"]),
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
        ("5²", ["52", "2^5", "25"]),
        ("2 : 3", ["3 : 2", "2 : 5", "3 : 5"]),
        ("1/0", ["1", "0", "2"]),
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
def test_a_choice_about_the_other_choices_is_turned_away(choice: str) -> None:
    verdict = judged(QuestionType.MCQ, a="خمسة أمتار", d=["ستة أمتار", "سبعة أمتار", choice])
    assert verdict == Rejected(4, "catch_all_choice")


def test_a_choice_may_speak_of_everything_in_the_passage() -> None:
    question(QuestionType.READING, a="كل ما زرعه أهلها", d=["بعض ما زرعوه", "ماء الواحة", "طين القنوات"])


@pytest.mark.parametrize(
    "choice",
    ["أ) 4", "(أ) 4", "أ. 4", "A) 4", "b. 4", "1) 4", "(2) 4", "هل 4 (صحيح)", "✓ 4", "4 الإجابة الصحيحة"],
)
def test_a_choice_with_a_letter_or_a_mark_is_turned_away_and_never_stripped(choice: str) -> None:
    assert reason(QuestionType.MCQ, a=choice) in {"lettered_choice", "marked_choice"}


def test_choices_lettered_with_dashes_are_turned_away() -> None:
    assert reason(QuestionType.MCQ, a="أ - 4", d=["ب - 5", "ج - 6", "د - 7"]) == "lettered_choice"


@pytest.mark.parametrize(
    "choices", [("أ - ب", ["ب - أ", "ج - أ", "أ × ب"]), ("(2، 3)", ["(3، 2)", "(2، 4)", "(4، 2)"])]
)
def test_expressions_and_coordinates_are_not_taken_for_letters(choices: tuple[str, list[str]]) -> None:
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
def test_a_stem_or_solution_that_says_nothing_in_arabic_is_turned_away(
    parts: dict[str, Any], expected: str
) -> None:
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
    assert reason(kind, f={}) == "wrong_figure"
    assert reason(kind, f=other) == "wrong_figure"


def test_other_questions_have_none() -> None:
    assert reason(QuestionType.MCQ, f=TRIANGLE) == "unwanted_figure"
    assert reason(QuestionType.MCQ, p=PASSAGE) == "unwanted_passage"
    question(QuestionType.MCQ, f=None, p="")


# --- passages ----------------------------------------------------------------------------------------------------


def reading_gate(**parts: Any) -> Gate:
    return gate_for(*(slot_for(QuestionType.READING, position=position) for position in (4, 5, 6)), **parts)


def test_a_reading_question_needs_a_passage() -> None:
    assert reason(QuestionType.READING, p=None) == "no_passage"
    assert reason(QuestionType.READING, p="نص قصير عن الماء.") == "poor_passage"
    assert reason(QuestionType.READING, p="A long passage about water. " * 20) == "poor_passage"


def test_the_questions_of_a_group_share_the_passage_of_the_first() -> None:
    gate = reading_gate()
    gate.judge(line(QuestionType.READING))
    verdict = gate.judge(
        line(QuestionType.READING, position=5, p=None, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    )
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


def test_a_good_passage_is_kept_when_its_question_is_rejected() -> None:
    gate = reading_gate()
    assert gate.judge(line(QuestionType.READING, d=["أ", "أ", "أ"])) == Rejected(4, "choices_not_distinct")
    assert gate.passages == {1: PASSAGE}
    verdict = gate.judge(line(QuestionType.READING, position=5, p=None))
    assert isinstance(verdict, Accepted)
    assert verdict.question.passage == PASSAGE


def test_a_poor_passage_is_not_kept() -> None:
    gate = reading_gate()
    gate.judge(line(QuestionType.READING, p="نص قصير."))
    assert gate.passages == {}


def test_a_known_passage_serves_and_no_other_may_replace_it() -> None:
    gate = reading_gate(passages={1: PASSAGE})
    assert gate.judge(line(QuestionType.READING, p=OTHER_PASSAGE)) == Rejected(4, "other_passage")
    assert isinstance(gate.judge(line(QuestionType.READING, p=None)), Accepted)
    again = line(QuestionType.READING, position=5, p=PASSAGE, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert isinstance(gate.judge(again), Accepted)


def test_another_group_cannot_have_the_same_passage() -> None:
    gate = gate_for(slot_for(QuestionType.READING), slot_for(QuestionType.READING, position=8, group=2))
    gate.judge(line(QuestionType.READING))
    twin = line(QuestionType.READING, position=8, q="ماذا يحدث إذا أهملت الفتحات سنوات؟")
    assert gate.judge(twin) == Rejected(8, "repeated_passage")
    assert isinstance(gate.judge({**twin, "p": OTHER_PASSAGE}), Accepted)


def test_passages_of_committed_questions_are_known_to_the_next_call() -> None:
    earlier = EarlierQuestion(3, QuestionType.READING, "س", ("1", "2", "3", "4"), PASSAGE, 1)
    plain = EarlierQuestion(2, QuestionType.MCQ, "ص", ("1", "2", "3", "4"))
    assert known_passages((plain, earlier)) == {1: PASSAGE}
    gate = reading_gate(earlier=(plain, earlier), passages=known_passages((plain, earlier)))
    assert isinstance(gate.judge(line(QuestionType.READING, p=None)), Accepted)


# --- repeats -----------------------------------------------------------------------------------------------------


def test_a_repeat_is_turned_away_and_the_slot_stays_open_d18() -> None:
    earlier = EarlierQuestion(0, QuestionType.MCQ, "إذا كان ٢س + ٣ = ١١، فما قيمة س", ("4", "3", "7", "14"))
    gate = gate_for(slot_for(QuestionType.MCQ), earlier=(earlier,))
    assert gate.judge(line(QuestionType.MCQ)) == Rejected(4, "repeated_text")
    assert gate.judge(line(QuestionType.MCQ, q="إذا كان 5س + 1 = 21 فما قيمة س؟")) == Rejected(
        4, "repeated_template"
    )
    assert isinstance(gate.judge(line(QuestionType.MCQ, q="ما العدد الذي نصفه 2؟")), Accepted)


def test_a_question_of_one_call_is_seen_by_the_next() -> None:
    seen = Seen()
    Gate([slot_for(QuestionType.MCQ)], seen=seen, seed=1).judge(line(QuestionType.MCQ))
    other = Gate([slot_for(QuestionType.MCQ, position=9)], seen=seen, seed=1)
    assert other.judge(line(QuestionType.MCQ, position=9)) == Rejected(9, "repeated_text")


# --- whatever a model writes -------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
DAMAGES = st.dictionaries(st.sampled_from("pqfwad"), ANY_JSON, max_size=3)


@given(TYPES, DAMAGES | st.fixed_dictionaries({"slot": ANY_JSON}))
def test_nothing_a_model_writes_can_crash_the_gate_or_get_in_unfit(
    kind: QuestionType, damage: dict[str, Any]
) -> None:
    gate = gate_for(slot_for(kind))
    verdict = gate.judge({**line(kind), **damage})
    if isinstance(verdict, Rejected):
        assert [slot.position for slot in gate.open_slots] == [4]
        assert verdict.reason.replace("_", "").isalpha()
        return
    accepted = verdict.question
    assert gate.open_slots == ()
    assert len({fold(choice) for choice in accepted.choices}) == 4
    assert 0 <= accepted.answer_index <= 3
    assert (accepted.passage is not None) == (kind is QuestionType.READING)
    assert (accepted.diagram is not None) == (kind in {QuestionType.DIAGRAM, QuestionType.CHART})
    str(accepted.content()).encode()


@given(st.permutations(list(QuestionType)), st.lists(DAMAGES, min_size=9, max_size=9))
def test_however_much_is_rejected_the_open_slots_are_exactly_what_is_missing_d5(
    kinds: list[QuestionType], damages: list[dict[str, Any]]
) -> None:
    slots = [slot_for(kind, position=position) for position, kind in enumerate(kinds)]
    gate = gate_for(*slots)
    filled = set()
    for position, (kind, damage) in enumerate(zip(kinds, damages, strict=True)):
        verdict = gate.judge({**line(kind, position=position), **damage})
        if isinstance(verdict, Accepted):
            filled.add(verdict.question.slot.position)
    assert [slot.position for slot in gate.open_slots] == sorted(set(range(9)) - filled)
    for slot in gate.open_slots:
        assert isinstance(gate.judge(line(slot.question_type, position=slot.position)), Accepted)
