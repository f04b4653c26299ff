"""Reads Arabic number words before a noun: ست عشرة ساعة, مئة وخمسون, ثلاثة أرباع, ساعتان."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Final

from generation.normalization import normalize
from generation.value import Value, exact


def number_in_words(words: Sequence[str]) -> tuple[Value | None, str]:
    """The number that these normalized words begin with, and the noun after it; a dual noun is its own number."""
    total, rest = _leading(words)
    noun = " ".join(rest)
    if total is not None:
        return exact(total), noun
    if len(rest) > 1 and rest[-1] in _ONES:  # يوم واحد
        return exact(Fraction(1)), " ".join(rest[:-1])
    single = _dual(noun)
    return (exact(Fraction(2)), single) if single else (None, noun)


def scaled(number: Value, words: Sequence[str]) -> tuple[Value, str]:
    """A number in digits times the scale that may follow it, and the noun after both: 3 آلاف ريال."""
    scale = _scales().get(words[0]) if words else None
    return (number, " ".join(words)) if scale is None else (number * scale, " ".join(words[1:]))


def goes_on(word: str, following: str) -> bool:
    """Whether "and" before this normalized word adds to a number: not in يوم واحد, but in مئة وأحد عشر."""
    if word in _ONES_WITHOUT_THEIR_AND:
        return following in _TENS
    return word in _numbers() or _dual(word) != ""


def _leading(words: Sequence[str]) -> tuple[Fraction | None, list[str]]:
    total: Fraction | None = None
    at = 0
    for at, word in enumerate(words):
        known, scale = _numbers().get(word), _scales().get(word)
        if scale is not None and total is not None:
            total *= scale
        elif word in _TENS and total is not None and total < _TEN:
            total += _TEN
        elif known is not None and total is None:
            total = known
        else:
            return total, list(words[at:])
    return total, []


def _dual(noun: str) -> str:
    """The singular of a dual of a unit, or nothing."""
    for ending, singular in (("تان", "ه"), ("تين", "ه"), ("ان", ""), ("ين", "")):
        stem = noun.removesuffix(ending)
        if stem != noun and stem + singular in _DUAL_NOUNS:
            return stem + singular
    return ""


@cache
def _numbers() -> Mapping[str, Fraction]:
    return {normalize(form): Fraction(number) for number, forms in _WORDS.items() for form in forms.split()}


@cache
def _scales() -> Mapping[str, Fraction]:
    """What multiplies the number before it: ثلاثة أرباع, خمسة آلاف."""
    return {normalize(form): Fraction(number) for number, forms in _SCALES.items() for form in forms.split()}


_TEN: Final = 10
_TENS: Final = frozenset({"عشر", "عشره"})
_ONES: Final = frozenset({"واحد", "واحده"})
_ONES_WITHOUT_THEIR_AND: Final = frozenset({"احد", "احده"})

_WORDS: Final[Mapping[str, str]] = {
    "0": "صفر",
    "1": "واحد واحدة أحد إحدى",
    "2": "اثنان اثنين اثنتان اثنتين اثنا اثنتا اثني اثنتي",
    "3": "ثلاث ثلاثة",
    "4": "أربع أربعة",
    "5": "خمس خمسة",
    "6": "ست ستة",
    "7": "سبع سبعة",
    "8": "ثمان ثمانية ثماني",
    "9": "تسع تسعة",
    "10": "عشر عشرة",
    "20": "عشرون عشرين",
    "30": "ثلاثون ثلاثين",
    "40": "أربعون أربعين",
    "50": "خمسون خمسين",
    "60": "ستون ستين",
    "70": "سبعون سبعين",
    "80": "ثمانون ثمانين",
    "90": "تسعون تسعين",
    "100": "مئة مائة",
    "200": "مئتان مائتان مئتين مائتين مئتا مائتا",
    "300": "ثلاثمئة ثلاثمائة",
    "400": "أربعمئة أربعمائة",
    "500": "خمسمئة خمسمائة",
    "600": "ستمئة ستمائة",
    "700": "سبعمئة سبعمائة",
    "800": "ثمانمئة ثمانمائة ثمانيمئة",
    "900": "تسعمئة تسعمائة",
    "1000": "ألف",
    "2000": "ألفان ألفين ألفا",
    "1000000": "مليون",
    "1/2": "نصف النصف",
    "1/3": "ثلث الثلث",
    "2/3": "ثلثان ثلثين ثلثا ثلثي الثلثان",
    "1/4": "ربع الربع",
    "1/6": "سدس السدس",
    "1/8": "ثمن الثمن",
    "1/10": "العشر",
    "2/5": "خمسا خمسان",
}
_SCALES: Final[Mapping[str, str]] = {
    "100": "مئة مائة",
    "1000": "آلاف ألف ألفا",
    "1000000": "ملايين مليون مليونا",
    "1000000000": "مليارات مليار مليارا",
    "1/3": "أثلاث",
    "1/4": "أرباع",
    "1/5": "أخماس",
    "1/6": "أسداس",
    "1/7": "أسباع",
    "1/8": "أثمان",
    "1/9": "أتساع",
    "1/10": "أعشار",
}
_DUAL_NOUNS: Final = frozenset(
    map(
        normalize,
        [
            "ساعة",
            "دقيقة",
            "ثانية",
            "يوم",
            "أسبوع",
            "شهر",
            "سنة",
            "عام",
            "ريال",
            "متر",
            "كيلومتر",
            "سنتيمتر",
            "لتر",
            "كيلوجرام",
            "كيلوغرام",
            "جرام",
            "طن",
            "درجة",
        ],
    )
)
