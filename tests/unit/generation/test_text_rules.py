"""The rules for texts find what is planted, leave alone what only looks like it, and are what the prompt states."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from generation.rules import table as text_rules
from generation.rules.disclosures import Written
from generation.rules.table import TEXT_RULES, Severity, broken_rules, rejecting_rule
from tests.unit.generation.labelled.clean import CLEAN
from tests.unit.generation.labelled.planted import NEAR, PLANTED


def question_with(part: str, text: str) -> Written:
    texts = {
        "q": "ما ثمن الكتاب إذا كان ثمن كتابين منه 40 ريالا؟",
        "w": "نقسم ثمن الكتابين على عددهما فيكون الناتج.",
        "c": "20 ريالا|30 ريالا|40 ريالا|50 ريالا",
    }
    texts[part] = text
    return Written(texts["q"], texts["w"], texts["c"].split("|"))


def names(question: Written) -> set[str]:
    return {rule.name for rule in broken_rules(question)}


@pytest.mark.parametrize(
    ("rule", "part", "text"), [(rule, part, text) for rule, texts in PLANTED.items() for part, text in texts]
)
def test_a_planted_flaw_is_found_by_its_rule(rule: str, part: str, text: str) -> None:
    assert rule in names(question_with(part, text))


@pytest.mark.parametrize(("part", "text"), NEAR)
def test_a_near_case_of_a_planted_flaw_is_found(part: str, text: str) -> None:
    assert names(question_with(part, text)) != set()


@pytest.mark.parametrize(("part", "text"), CLEAN)
def test_a_text_that_only_looks_suspicious_is_not_rejected(part: str, text: str) -> None:
    assert rejecting_rule(question_with(part, text)) is None


@pytest.mark.parametrize(
    "choices",
    [
        "70 درجة|110 درجات|105 درجات|108 درجات",
        "50 ريالا|400 ريال|300 ريال|200 ريال",
        "5 ساعات|12 ساعة|15 ساعة|20 ساعة",
    ],
)
def test_a_noun_in_the_form_that_its_number_asks_for_is_no_cue(choices: str) -> None:
    assert "grammar_cue" not in names(question_with("c", choices))


@pytest.mark.parametrize(
    "choices",
    [
        "18 سنة|11 سنوات|12 سنوات|27 سنوات",
        "8 ساعات|9 ساعة|6 ساعة|7 ساعة",
        "400 ريال|300 ريالا|200 ريالا|100 ريالا",
    ],
)
def test_a_noun_in_another_form_after_equal_numbers_is_a_cue(choices: str) -> None:
    assert "grammar_cue" in names(question_with("c", choices))


def test_there_are_texts_for_every_rule_about_markup_and_disclosure_and_enough_of_both_kinds() -> None:
    assert set(PLANTED) <= {rule.name for rule in TEXT_RULES}
    assert sum(map(len, PLANTED.values())) >= 150
    assert len(CLEAN) >= 150


def test_a_rule_that_only_counts_rejects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    flawed = question_with("w", "نجمع **العددين** فيكون الناتج.")
    found = rejecting_rule(flawed)
    assert found is not None
    assert found.name == "markdown"
    lenient = tuple(replace(rule, severity=Severity.COUNT) for rule in TEXT_RULES)
    monkeypatch.setattr(text_rules, "TEXT_RULES", lenient)
    assert rejecting_rule(flawed) is None
    assert [rule.name for rule in broken_rules(flawed)] == ["markdown"]


LONG = 2_000


@pytest.mark.parametrize(
    "pump",
    [
        "الحل ",
        "(أ) ",
        "أ) ",
        "**",
        "\\",
        "_س",
        "<a ",
        "\u2066",
        "الإجابة  ",
        "؟",
        "( ",
        "أم ",
        "]( ",
        "ط§",
        "$",
    ],
)
def test_a_question_of_the_longest_texts_is_judged_in_milliseconds(pump: str) -> None:
    text = (pump * LONG)[:LONG]
    question = Written(text, text, [text[:300]] * 4, others=(text * 2,))
    began = time.process_time()
    broken_rules(question)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "end",
    [
        *("5 × 4 = 20", "5 × 4 = 20.", "5 × 4 = 20 قلمًا.", "عدد الأقلام = 20 قلمًا ملونًا.", "5 × 4 = ٢٠"),
        *(
            "5 × 4 = 20، وهو المطلوب.",
            "أربعة أمثال الخمسة، أي 20.",
            "5 في 4 يساوي 20 قلمًا. فاشترى هذا العدد.",
        ),
        "فالجواب عشرون قلمًا.",
    ],
)
def test_a_solution_that_ends_at_the_number_of_a_distractor_is_rejected_r13(end: str) -> None:
    for unit in ("", " قلمًا"):
        choices = [f"{number}{unit}" for number in ("24", "20", "9", "25")]
        question = Written("كم قلمًا اشترى؟", f"نضرب العدد: {end}", choices, key=choices[0])
        assert "solution_contradicts_key" in {rule.name for rule in broken_rules(question)}


@pytest.mark.parametrize(
    "end",
    [
        *("5 × 4 + 4 = 24 قلمًا.", "5 × 4 = 20، ومع 4 أخرى 24.", "24 = 4 + 20 بالجمع."),
        *(
            "5 × 4 = 20، ومعها أربعة، أي أربعة وعشرون قلمًا.",
            "العدد هو 24، ومن نسي الزيادة يجد أن الناتج 20 قلمًا.",
        ),
    ],
)
def test_a_solution_that_ends_at_the_key_or_passes_by_a_distractor_is_kept(end: str) -> None:
    question = Written("كم قلمًا اشترى؟", f"نضرب العدد: {end}", ["24", "20", "9", "25"], key="24")
    assert "solution_contradicts_key" not in {rule.name for rule in broken_rules(question)}


def test_a_verbal_solution_whose_last_sentence_lacks_the_keys_words_is_counted() -> None:
    choices = ["ميزان : وزن", "خشب : نجارة", "طباخ : طبخ", "قلم : حبر"]

    def counted(solution: str) -> bool:
        question = Written("مقص : قص", solution, choices, key=choices[0])
        return "solution_lacks_key" in {rule.name for rule in broken_rules(question)}

    assert counted("الميزان أداة وظيفتها الوزن. والخشب مادة النجارة.")
    assert not counted("الخشب مادة النجارة. والأداة مع وظيفتها في ميزان : وزن.")


@pytest.mark.parametrize(
    "stem",
    [
        "ما الذي تغير حين صارت الرسائل تصل في لحظة؟",
        "انتظر مسافر الحافلة 20 دقيقة ثم مشى 15 دقيقة. كم دقيقة مضت؟",
        "فيم اعتقد القدماء أصل هذا الحجر؟",
        "ما الذي قاله الرجل بعد أن أسف على فعله؟",
    ],
)
def test_a_moment_a_wait_a_belief_and_a_regret_are_no_thoughts_of_the_writer(stem: str) -> None:
    question = Written(stem, f"{stem.rstrip('؟')}، والجواب 35.", ["35", "20", "15", "5"], key="35")
    assert "self_talk" not in {rule.name for rule in broken_rules(question)}


@pytest.mark.parametrize("aside", ["لحظة، ", "انتظر! ", "آسف، ", "انتظر لحظة، ", "أعتقد أن "])
def test_an_aside_of_the_writer_is_one(aside: str) -> None:
    question = Written("كم ريالًا دفع؟", f"نضرب 5 في 7. {aside}الناتج 35.", ["35", "20", "15", "5"], key="35")
    assert "self_talk" in {rule.name for rule in broken_rules(question)}


def test_a_stem_that_names_the_answer_as_the_answer_tells_the_key_also_where_it_lists_words() -> None:
    choices = ["عدس", "قمح", "شعير", "ذرة"]
    stem = "ما الكلمة المختلفة: قمح، عدس، شعير، ذرة؟"
    for text, tells in ((stem, False), (f"{stem} علمًا بأن الجواب: عدس.", True)):
        question = Written(text, "الثلاثة حبوب، والمختلفة عدس.", choices, lists_words=True, key="عدس")
        assert ("key_in_stem" in {rule.name for rule in broken_rules(question)}) is tells


@pytest.mark.parametrize(
    ("stem", "solution"),
    [
        ("العالم لا يستحي من قول «لا أدري»، فبها يبدأ (......).", "من قال «لا أدري» طلب العلم."),
        ("ربما كان الصمت (......) من الكلام.", "السكوت قد يغني عن الجواب، فهو أبلغ."),
        ("إن الحجر المستخدم في بناء السد (......).", "الحجر المستخدم في البناء صلب."),
        ("من قرأ التعليمات قبل التشغيل (......) من الخطأ.", "قراءة التعليمات تقي، فقد سلم."),
        ("ما معنى «عفوًا» في قولنا: جاء الجواب عفوًا؟", "عفوًا أي من غير تكلف."),
        ("ما معنى «مهلًا» في قولنا: مهلًا، يا سائق؟", "«مهلًا» أي لا تعجل."),
        ("أخطأت هند في 4 أسئلة من 20. في كم سؤال أصابت؟", "أخطأت في 4 فأصابت في 20 - 4 = 16."),
        ("ما العدد في الخانة الفارغة من المربع؟", "مجموع الصف 15 ففي الخانة الفارغة 4."),
        ("طلب مني أبي شراء 3 كتب ثمن الواحد 20 ريالًا. كم أدفع؟", "الثمن 3 × 20 = 60."),
        ("ما تصحيح الخطأ في قولنا: «أشرقت» القمر؟", "تصحيح الخطأ أن نقول طلع."),
        ("رأى الناس فعله حسنًا فزادوه (......).", "الحسن يستدعي الثناء."),
    ],
)
def test_what_people_in_a_question_say_is_no_thought_of_the_writer(stem: str, solution: str) -> None:
    question = Written(stem, solution)
    assert "self_talk" not in {rule.name for rule in broken_rules(question)}


@pytest.mark.parametrize(
    "aside", ["عذرًا، ", "حسنًا، ", "معذرة، ", "لا بل أخطأت، ", "لا أدري، ", "ربما كان الجواب غيره. "]
)
def test_a_regret_or_doubt_in_the_solution_is_one(aside: str) -> None:
    question = Written("كم ريالًا دفع؟", f"نضرب 5 في 7. {aside}الناتج 35.", ["35", "20", "15", "5"], key="35")
    assert "self_talk" in {rule.name for rule in broken_rules(question)}
