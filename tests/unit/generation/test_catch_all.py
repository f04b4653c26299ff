"""A choice that speaks of the other choices is known by its words, and one with words of its own is none."""

from __future__ import annotations

import pytest

from generation.rules.catch_all import refers_to_other_choices

OF_OTHERS = [
    "جميع ما سبق",
    "كل ما ذكر أعلاه",
    "كافّة ما تقدّم ذكره",
    "كل ما سبق من معانٍ",
    "كل ما جاء أعلاه",
    "جميع ما سبق ما عدا الأول",
    "كل واحد مما سبق",
    "كل الأجوبة",
    "كل الأعداد السابقة",
    "كل هذه الأعداد",
    "كل ذلك",
    "أيٌّ منها",
    "كلها صحيحة",
    "جميعها",
    "كلاهما",
    "الكل صحيح",
    "كلتا الإجابتين",
    "كلا الأمرين",
    "الإجابات السابقة كلها",
    "الخيارات الثلاثة",
    "الجواب غير موجود",
    "السابقة كلها",
    "ما سبق كله صحيح",
    "لا شيء مما ذكر",
    "لا شيء من هذه القيم",
    "لا إجابة صحيحة",
    "لا ينطبق أي خيار",
    "ليس أيًّا مما سبق",
    "ليس بينها",
    "ولا خيار مما سبق",
    "لا يوجد حل صحيح",
    "غير ذلك",
    "غير ذلك من الأعداد",
    "غيرها",
    "إجابة أخرى",
    "عدد آخر",
    "الأول والثالث فقط",
    "أ وب معًا",
    "(أ) أو (ب)",
    "كل من أ وج",
    "الخياران 1 و2",
    "الاثنان معًا",
    "لا هذا ولا ذاك",
]
OF_THEIR_OWN = [
    "لا يوجد حل",
    "لا شيء",
    "غير صحيح",
    "جميع الأعداد الحقيقية",
    "كل الأعداد الزوجية",
    "الأسباب كلها",
    "كل منهما",
    "كل ما يلمع",
    "كل جواب بدليله",
    "إجابة السائل",
    "الجواب",
    "الأول",
    "الكلمة السابقة",
    "تلخيص ما سبق",
    "تعليل ما تقدم من أحكام",
    "نفي الرأي المذكور",
    "1 و3",
    "أ ب",
    "س وص",
    "يوم آخر",
    "ما ورد في الفقرة الأولى",
    "كلا",
    "",
]


@pytest.mark.parametrize("choice", OF_OTHERS)
def test_a_choice_that_speaks_of_the_others_is_found(choice: str) -> None:
    assert refers_to_other_choices(choice)


@pytest.mark.parametrize("choice", OF_THEIR_OWN)
def test_a_choice_with_words_of_its_own_is_none(choice: str) -> None:
    assert not refers_to_other_choices(choice)
