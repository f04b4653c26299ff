"""Normalization makes spellings of one text equal, and keeps texts with different numbers apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generation.normalization import mask_numbers, normalize

TEXTS = st.text() | st.text(alphabet="اأإآءئؤيىةهكک ًّٰ١۲2.:-−()+^²½ـ«»،؟سx√_\n\u200f\u200d")


@given(TEXTS)
@example("-_")
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(TEXTS)
def test_normalized_text_has_single_spaces_and_no_margins(text: str) -> None:
    assert normalize(text) == " ".join(normalize(text).split())


@given(st.lists(st.sampled_from(["قلم", "كتابة", "س", "ماء", "12"]), min_size=1), st.randoms())
def test_harakat_tatweel_and_marks_do_not_matter(words: list[str], rng: object) -> None:
    plain = " ".join(words)
    marked = "\u200f" + "".join(f"{letter}\u064e\u0651" if letter.isalpha() else letter for letter in plain)
    stretched = plain.replace("ل", "لـــ")
    assert normalize(marked) == normalize(stretched) == normalize(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أحمد إلى آخر", "احمد الى اخر"),
        ("مسؤولية", "مسوولية"),
        ("قارئ", "قاري"),
        ("مدرسة", "مدرسه"),
        ("مستشفى", "مستشفي"),
        ("١٢٫٥ كم", "12.5 كم"),
        ("۱۲ كتاب", "12 کتاب"),
        ("ﻣﺪﺭﺳﺔ", "مدرسة"),
        ("«نعم»، قال!", "نعم قال"),
        ("قلم - كتابة", "قلم : كتابة"),
        ("x + 1", "X+1"),
        ("−3", "-3"),
        ("١٬٠٠٠", "1000"),
        ("٥٠٪", "50%"),
        ("½", "1/2"),
        ("2 : 3", "2:3"),
        ("٢∶ ٣", "2:3"),
        ("شيء", "شي"),
        ("القيمة\nالأولى", "القيمة  الأولى"),
        ("\u202bنعم\u202c", "نعم"),
    ],
)
def test_two_spellings_of_one_text_normalize_to_the_same(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-3", "3"),
        ("1.5", "15"),
        ("2:3", "23"),
        ("2/3", "23"),
        ("س²", "س2"),
        ("5²", "52"),
        ("3½", "31/2"),
        ("س + 1", "س - 1"),
        ("س - ص", "س ص"),
        ("2(س - 1)", "2س - 1"),
        ("(2 + 3) × 4", "2 + (3 × 4)"),
        ("√16", "16"),
        ("50%", "50"),
        ("س ≠ 3", "س = 3"),
        ("س ≤ 3", "س ≥ 3"),
        ("1,5", "15"),
        ("علم", "عالم"),
    ],
)
def test_another_quantity_never_normalizes_to_the_same(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


def test_the_same_sum_with_other_numbers_is_the_same_when_masked() -> None:
    masked = {
        mask_numbers(normalize(text)) for text in ("ناتج ١٢ × 5.5 هو", "ناتج 7 × 3 هو", "ناتج 1,200 × 8 هو")
    }
    assert masked == {"ناتج #×# هو"}
