"""A question is asked only once: not word for word, with other numbers, or nearly the same (D18)."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import EarlierQuestion, QuestionType
from generation.repeats.seen import Seen, Traits

NUMBERS = ("12", "24", "36", "48")
PASSAGE = (
    "عرفت واحات كثيرة الأفلاج قبل قرون طويلة، وهي قنوات تحفر بميل يسير من بئر عند سفح الجبل حتى تبلغ المزارع."
)
OTHER_PASSAGE = (
    "يهاجر كثير من الطيور كل عام آلاف الكيلومترات بين مواطن التكاثر ومواطن الشتاء، مهتديًا بالشمس والنجوم."
)


def asked(stem: str, kind: QuestionType = QuestionType.MCQ, **parts: Any) -> EarlierQuestion:
    return EarlierQuestion(
        position=0, question_type=kind, stem=stem, choices=parts.pop("choices", NUMBERS), **parts
    )


def reading(stem: str, passage: str, group: int) -> EarlierQuestion:
    return asked(stem, QuestionType.READING, passage=passage, passage_group=group)


def figure(stem: str, **measures: float) -> EarlierQuestion:
    shape = {"kind": "triangle", "description": "مثلث قائم في ب", "measures": measures}
    return asked(stem, QuestionType.DIAGRAM, diagram=shape)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ("اشترى أحمد 5 أقلام بسعر 3 ريالات للقلم الواحد، فكم ريالًا دفع؟", "repeated_text"),
        ("اشترى أحمد 9 أقلام بسعر 2 ريالات للقلم الواحد، فكم ريالًا دفع؟", "repeated_template"),
        ("اشترى خالد 7 أقلام بسعر 4 ريالات للقلم الواحد، فكم ريالًا دفع؟", None),
    ],
)
def test_a_question_of_another_session_is_not_repeated_but_a_near_one_may_be(
    later: str, reason: str | None
) -> None:
    old = asked("اشترى أحمد 5 أقلام بسعر 3 ريالات للقلم الواحد، فكم ريالًا دفع؟")
    assert Seen([replace(old, position=-1)]).admit(Traits.of(asked(later))) == reason


def test_the_passages_of_other_sessions_may_be_used_again() -> None:
    old = replace(reading("ما الأفلاج؟", PASSAGE, group=1), position=-1)
    assert Seen([old]).admit_passage(PASSAGE, group=1)


@pytest.mark.parametrize(
    ("earlier", "later", "reason"),
    [
        ("ما ناتج ٣ × ٤؟", "ما ناتجُ 3×4", "repeated_text"),
        ("ما ناتج 3 × 4؟", "ما ناتج 7 × 12؟", "repeated_template"),
        (
            "اشترى أحمد 5 أقلام بسعر 3 ريالات للقلم الواحد، فكم ريالًا دفع؟",
            "اشترى خالد 7 أقلام بسعر 4 ريالات للقلم الواحد، فكم ريالًا دفع؟",
            "repeated_nearly",
        ),
        (
            "انطلقت شاحنة بسرعة 90 كم/س، وبعد ساعة انطلقت من المكان نفسه سيارة بسرعة 120 كم/س. متى تلحق السيارة بالشاحنة؟",
            "انطلقت حافلة بسرعة 60 كم/س، وبعد ساعة انطلقت من المكان نفسه سيارة بسرعة 100 كم/س. متى تلحق السيارة بالحافلة؟",
            "repeated_nearly",
        ),
        (
            "ما محيط مستطيل طوله 12 سم وعرضه 5 سم بالسنتيمترات؟",
            "ما مساحة مستطيل طوله 12 سم وعرضه 5 سم بالسنتيمترات المربعة؟",
            None,
        ),
        ("إذا كان 2س + 3 = 11 فما قيمة س؟", "إذا كان 2س - 3 = 11 فما قيمة س؟", None),
    ],
)
def test_a_repeat_is_found_and_named(earlier: str, later: str, reason: str | None) -> None:
    assert Seen([asked(earlier)]).admit(Traits.of(asked(later))) == reason


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("قلم : كتابة", "قلم : حبر"),
        ("مقص : قص", "مقص : خياط"),
        ("طبيب : مستشفى", "طبيبة : مستشفى"),
        (
            "ما العلاقة المماثلة للعلاقة بين الكلمتين: مقص : قص",
            "ما العلاقة المماثلة للعلاقة بين الكلمتين: سيف : غمد",
        ),
    ],
)
def test_short_analogies_are_not_taken_for_each_other(earlier: str, later: str) -> None:
    seen = Seen([asked(earlier, QuestionType.ANALOGY)])
    assert seen.admit(Traits.of(asked(later, QuestionType.ANALOGY))) is None
    assert seen.admit(Traits.of(asked(earlier, QuestionType.ANALOGY))) == "repeated_text"


def test_comparisons_are_not_near_for_the_words_they_all_have() -> None:
    seen = Seen([asked("القيمة الأولى: س + 2\nالقيمة الثانية: 2س", QuestionType.COMPARISON)])
    assert (
        seen.admit(Traits.of(asked("القيمة الأولى: س + 7\nالقيمة الثانية: 3ص", QuestionType.COMPARISON)))
        is None
    )


def test_the_meaning_of_another_word_is_another_question() -> None:
    sentence = "ما معنى كلمة «{}» كما وردت في الجملة التي قرأتها في بداية هذا القسم من الاختبار؟"
    seen = Seen([asked(sentence.format("وجل"))])
    assert seen.admit(Traits.of(asked(sentence.format("نأى")))) is None
    assert seen.admit(Traits.of(asked(sentence.format("وجل") + " اختر."))) == "repeated_nearly"


def test_an_odd_word_question_is_its_four_words_however_it_is_asked() -> None:
    words = ("قمح", "عدس", "شعير", "ذرة")
    one = asked("ما الكلمة المختلفة: قمح، عدس، شعير، ذرة؟", QuestionType.ODD_WORD, choices=words)
    other = asked("أي كلمة لا تنتمي إلى غيرها؟", QuestionType.ODD_WORD, choices=words[::-1])
    assert Traits.of(one).fingerprint == Traits.of(other).fingerprint
    assert (
        Traits.of(one).fingerprint
        != Traits.of(replace(one, choices=("قمح", "عدس", "شعير", "أرز"))).fingerprint
    )


def test_choices_belong_to_a_question_that_points_at_them() -> None:
    stem = "أي مما يلي عدد أولي؟"
    assert Traits.of(asked(stem)).text != Traits.of(asked(stem, choices=("11", "12", "14", "15"))).text
    assert (
        Traits.of(asked("ما ناتج 3 × 4؟")).text
        == Traits.of(asked("ما ناتج 3 × 4؟", choices=("1", "2", "3", "12"))).text
    )


def test_the_order_of_choices_makes_no_other_question() -> None:
    stem = "أي القيم التالية أكبر؟"
    assert Traits.of(asked(stem)).fingerprint == Traits.of(asked(stem, choices=NUMBERS[::-1])).fingerprint


def test_a_figure_belongs_to_its_question() -> None:
    stem = "ما محيط المثلث؟"
    seen = Seen([figure(stem, أب=9, بج=12)])
    assert seen.admit(Traits.of(figure(stem, بج=12, أب=9))) == "repeated_text"
    assert seen.admit(Traits.of(figure(stem, أب=5, بج=12))) == "repeated_template"
    assert seen.admit(Traits.of(figure("ما مساحة الجزء المظلل من الشكل المرسوم؟", أب=5, بج=12))) is None


def test_one_stem_on_two_passages_is_two_questions() -> None:
    stem = "ما الفكرة العامة التي يدور حولها النص الذي قرأته؟"
    seen = Seen([reading(stem, PASSAGE, 1)])
    assert seen.admit(Traits.of(reading(stem, OTHER_PASSAGE, 2))) is None
    assert seen.admit(Traits.of(reading(stem, PASSAGE, 1))) == "repeated_text"
    assert seen.admit(Traits.of(reading("ما السبب الذي ذكره النص لحفر القنوات؟", PASSAGE, 1))) is None
    assert seen.admit(Traits.of(reading(stem + " أجب", PASSAGE, 1))) == "repeated_nearly"


def test_a_passage_is_read_once_a_session_and_never_in_two_groups() -> None:
    seen = Seen([reading("ما الفكرة العامة؟", PASSAGE, 1)])
    assert not seen.admit_passage(PASSAGE.replace("قرون", "سنين"), 2)
    assert seen.admit_passage(OTHER_PASSAGE, 2)
    assert seen.admit_passage(OTHER_PASSAGE, 2)
    assert not seen.admit_passage(OTHER_PASSAGE, 3)


def test_a_group_may_get_another_passage_while_no_question_uses_the_first() -> None:
    seen = Seen()
    assert seen.admit_passage(PASSAGE, 1)
    assert seen.admit_passage(PASSAGE + " انتهى.", 1)


def test_a_rejected_repeat_is_not_remembered() -> None:
    seen = Seen([asked("ما ناتج 3 × 4؟")])
    assert seen.admit(Traits.of(asked("ما ناتج 5 × 6؟"))) == "repeated_template"
    assert seen.admit(Traits.of(asked("ما ناتج 5 + 6؟"))) is None
    assert seen.admit(Traits.of(asked("ما ناتج 5 + 6؟"))) == "repeated_text"


def test_of_two_equal_questions_written_at_the_same_moment_one_is_admitted() -> None:
    """Lanes share one Seen, which checks and stores in one step."""
    seen = Seen()
    start = threading.Barrier(8)
    reasons: list[str | None] = []

    def lane() -> None:
        start.wait()
        reasons.append(seen.admit(Traits.of(asked("ما ناتج 3 × 4؟"))))

    threads = [threading.Thread(target=lane) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, reasons)) == ["None"] + ["repeated_text"] * 7


@given(st.text(min_size=1), st.sampled_from(QuestionType), st.lists(st.text(), min_size=4, max_size=4))
def test_every_question_repeats_itself(stem: str, kind: QuestionType, choices: list[str]) -> None:
    question = asked(stem, kind, choices=tuple(choices))
    assert Seen().admit(Traits.of(question)) is None
    assert Seen([question]).admit(Traits.of(question)) == "repeated_text"


@given(st.text(), st.text())
def test_fingerprints_are_equal_exactly_if_the_comparable_texts_are(one: str, other: str) -> None:
    same = Traits.of(asked(one)).text == Traits.of(asked(other)).text
    assert (Traits.of(asked(one)).fingerprint == Traits.of(asked(other)).fingerprint) is same
    assert len(Traits.of(asked(one)).fingerprint) == 64


SENTENCE = "بدأ الخبر همسًا في المجلس، ثم (......) حتى علمه أهل البلدة كلهم."
FRAMED = f"روى صاحب المتجر لجاره حكاية فقال: {SENTENCE}"
RECTANGLE = "ما طول قطر مستطيل طوله 24 سم وعرضه 7 سم؟"


@pytest.mark.parametrize("position", [0, -1], ids=["this session", "another session"])
def test_a_frame_hides_no_repeat_even_with_other_choices(position: int) -> None:
    old = replace(
        asked(SENTENCE, QuestionType.COMPLETION, choices=("شاع", "كتم", "نسي", "تأكد")), position=position
    )
    new = asked(FRAMED, QuestionType.COMPLETION, choices=("انتشر", "خفي", "ضاع", "صدق"))
    assert Seen([old]).admit(Traits.of(new)) in {"repeated_frame", "repeated_nearly"}
    assert Seen([old]).admit(Traits.of(replace(new, stem="حدد الكلمة: من زرع (......) في صغره حصد."))) is None


def test_a_slot_is_refused_once_for_a_frame_from_another_session_and_always_for_the_same_text() -> None:
    seen = Seen([replace(asked(SENTENCE, QuestionType.COMPLETION), position=-1)])
    framed = Traits.of(asked(FRAMED, QuestionType.COMPLETION))
    same = Traits.of(asked(SENTENCE, QuestionType.COMPLETION))
    assert seen.admit(framed, slot=7) == "repeated_frame"
    assert seen.admit(framed, slot=8) == "repeated_frame"
    assert seen.admit(same, slot=7) == seen.admit(same, slot=7) == "repeated_text"
    assert seen.admit(framed, slot=7) is None


def test_number_words_duals_and_other_unknowns_make_no_other_sum() -> None:
    in_words = "ما طول قطر مستطيل طوله أربعة وعشرون سنتيمترًا وعرضه سبعة سنتيمترات؟"
    assert Seen([asked(RECTANGLE)]).admit(Traits.of(asked(in_words))) == "repeated_template"
    unknown = asked("ما قيمة س في المعادلة 3س + 7 = 31؟")
    assert (
        Seen([unknown]).admit(Traits.of(asked("ما قيمة ص في المعادلة 5ص + 2 = 12؟"))) == "repeated_template"
    )


def test_an_analogy_may_not_be_turned_or_swapped_in_a_session_but_in_another() -> None:
    choices = ("حصان : صهيل", "أسد : عرين", "بقرة : حليب", "طائر : ريش")
    old = asked("خروف : ثغاء", QuestionType.ANALOGY, choices=choices)
    turned = Traits.of(
        asked("ثغاء : خروف", QuestionType.ANALOGY, choices=("صهيل : حصان", "أ : ب", "ج : د", "هـ : و"))
    )
    swapped = Traits.of(replace(old, stem="حصان : صهيل", choices=("خروف : ثغاء", *choices[1:])))
    for later in (turned, swapped):
        assert Seen([old]).admit(later) == "repeated_nearly"
        assert Seen([replace(old, position=-1)]).admit(later) is None


def test_words_of_lists_and_pairs_are_the_same_with_and_without_the_article() -> None:
    listed = asked("ما المختلفة؟", QuestionType.ODD_WORD, choices=("فضة", "نحاس", "خشب", "حديد"))
    with_article = replace(listed, choices=("الفضة", "النحاس", "الزجاج", "الحديد"))
    assert Seen([listed]).admit(Traits.of(with_article)) == "repeated_nearly"
    pair = asked("قلم : كتابة", QuestionType.ANALOGY, choices=("مقص : قص", "أ : ب", "ج : د", "هـ : و"))
    same = asked("القلم : الكتابة", QuestionType.ANALOGY, choices=("نار : دخان", "أ : ب", "ج : د", "هـ : ز"))
    turned = replace(same, stem="الكتابة : القلم")
    assert Seen([pair]).admit(Traits.of(same)) == "repeated_frame"
    assert Seen([pair]).admit(Traits.of(turned)) == "repeated_nearly"


def test_two_values_that_change_places_are_compared_once_but_not_about_other_data() -> None:
    stem = "{}القيمة الأولى: {}\nالقيمة الثانية: {}"
    old = asked(stem.format("مربع طول ضلعه 5 سم. ", "محيطه", "مساحته"), QuestionType.COMPARISON)
    swapped = asked(stem.format("مربع طول ضلعه 5 سم. ", "مساحته", "محيطه"), QuestionType.COMPARISON)
    other = asked(stem.format("دائرة نصف قطرها 5 سم. ", "محيطه", "مساحته"), QuestionType.COMPARISON)
    assert Seen([old]).admit(Traits.of(swapped)) == "repeated_template"
    assert Seen([old]).admit(Traits.of(other)) is None


def test_three_of_four_odd_words_are_one_question_and_two_are_not() -> None:
    old = asked("ما المختلفة؟", QuestionType.ODD_WORD, choices=("فضة", "نحاس", "خشب", "حديد"))
    three = replace(old, choices=("نحاس", "زجاج", "فضة", "حديد"))
    two = replace(old, choices=("نحاس", "زجاج", "فضة", "قطن"))
    assert Seen([old]).admit(Traits.of(three)) == "repeated_nearly"
    assert Seen([old]).admit(Traits.of(two)) is None


def test_the_area_is_another_question_than_the_perimeter_however_long_the_rest_is() -> None:
    rest = (
        "حديقة مستطيلة الشكل في حي الروضة طولها 12 مترًا وعرضها 5 أمتار يريد صاحبها أن يعيد تخطيطها هذا العام؟"
    )
    old = asked(f"ما محيط {rest}")
    assert Seen([old]).admit(Traits.of(asked(f"ما مساحة {rest}"))) is None
    assert Seen([old]).admit(Traits.of(asked(f"كم محيط {rest}"))) == "repeated_nearly"


@given(st.text(alphabet="ابم :؟.«»()\n12", max_size=300), st.sampled_from(QuestionType))
def test_stems_of_colons_and_quotes_are_compared_like_others(stem: str, kind: QuestionType) -> None:
    assert Seen([asked(stem, kind)]).admit(Traits.of(asked(stem, kind))) == "repeated_text"
