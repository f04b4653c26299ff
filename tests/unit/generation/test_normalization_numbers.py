"""Number words, duals and counted nouns are read into one form; what is no number stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.normalization import normalize
from generation.repeats.numbers import numbers_in, rename_unknowns, with_digits


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("طوله أربعة وعشرون سنتيمترًا وعرضه سبعة سنتيمترات", "طوله 24 سم وعرضه 7 سم"),
        ("اثني عشر، خمسة عشر، واحد وعشرين", "12 15 21"),
        ("ثلاثمئة وخمسة وعشرون ألفًا ومئتان", "325200"),
        ("خمسة آلاف ومئتين وثلاثة عشر ريالًا", "5213 ريال"),
        ("مئة وخمسة آلاف", "105000"),
        ("خمس مئة وخمسين", "550"),
        ("ألف وتسعمئة وتسعون", "1990"),
        ("ثلاثة وخمسة", "3 5"),
        ("بثلاثة ريالات", "3 ريال"),
        ("سنتيمتران", "2 سم"),
        ("في ساعتين وربع", "في 2 ساعه 1/4"),
        ("ثلاثة أرباع الطلاب", "3/4 الطلاب"),
        ("خمسة عشر في المئة", "15%"),
        ("35 بالمئة", "35%"),
        ("حدها السادس", "حدها 6"),
    ],
)
def test_numbers_in_words_are_read(written: str, read: str) -> None:
    assert with_digits(normalize(written)) == read


@pytest.mark.parametrize(
    "written",
    [
        "ما ثمن القلم الواحد",
        "كتب المعلم على اللوح",
        "كما في الشكل",
        "يوم الاثنين",
        "كم ريالات دفع",
        "اليوم للقلم",
    ],
)
def test_what_counts_nothing_stays(written: str) -> None:
    assert with_digits(normalize(written)) == normalize(written)


def test_unknowns_are_named_in_the_order_they_come() -> None:
    assert rename_unknowns("د(س)=3س^2-س") == rename_unknowns("ق(ن)=3ن^2-ن") == "A(B)=3B^2-B"
    assert rename_unknowns("س=3 وص=5") == "A=3 وB=5"
    assert rename_unknowns("س+س") != rename_unknowns("س+ص")


def test_the_numbers_of_a_text_are_each_counted() -> None:
    assert numbers_in("5 اقلام و3 دفاتر و5 كتب ب2.5") == ("2.5", "3", "5", "5")


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    read = with_digits(normalize(text))
    assert isinstance(rename_unknowns(read), str)
    assert len(read) <= 4 * len(normalize(text)) + 8


@given(
    st.lists(st.sampled_from(["خمسة", "وعشرون", "مئة", "ألف", "وألف", "عشر", "مليون", "قلم"]), max_size=400)
)
def test_a_long_row_of_number_words_gives_a_bounded_text(words: list[str]) -> None:
    assert len(with_digits(normalize(" ".join(words)))) <= 20 * len(words) + 1
