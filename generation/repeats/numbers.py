"""Reads Arabic number words, duals and counted nouns in normalized text, and writes each in one form with digits.

For comparison only, like `generation.normalization`. Fingerprints are made without it, so it may learn new words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final


@lru_cache(maxsize=256)
def with_digits(normalized: str) -> str:
    """The normalized text with 24 for "اربعه وعشرون", "2 سم" for "سنتيمتران", 1/4 for "ربع" and % for "بالمئه".

    Counted nouns that an exam uses often get one form: "3 ريال" for "ثلاثه ريالات". Numbers lose the letters before
    them ("ب 3", "و 4"). One pass over the words. A lone one, the first and the second stay words: they seldom count
    anything.
    """
    text = " ".join(_read(_PERCENT.sub(" %", normalized).split())).replace(" %", "%")
    return _LETTERS_BEFORE.sub("", _PARTS.sub(_part, text))


def numbers_in(digits: str) -> tuple[str, ...]:
    """The numbers of a text from `with_digits`, sorted, each as often as it is there."""
    return tuple(sorted(_DIGITS.findall(digits)))


def rename_unknowns(text: str) -> str:
    """Unknowns, points and functions of one letter get the names A, B, C and so on, in the order they first come."""
    names: dict[str, str] = {}

    def renamed(found: re.Match[str]) -> str:
        name = names.setdefault(found["name"], chr(ord("A") + len(names)))
        return f"{found['conjunction']}{name}"

    return _UNKNOWN.sub(renamed, text)


def _read(words: list[str]) -> Iterator[str]:
    at, is_counted = 0, False
    while at < len(words):
        value, after = _number_at(words, at)
        if after == at:
            yield _PLURALS.get(words[at], words[at]) if is_counted else _one_form(words[at])
            is_counted = words[at][-1].isdecimal()
        else:
            yield str(value)
            is_counted = True
        at = max(after, at + 1)


def _number_at(words: list[str], start: int) -> tuple[int, int]:
    """The value of the number that begins at `start`, and where it ends: at `start` if there is none."""
    _, first = _value(words[start])
    if first is None or (first == 1 and not _goes_on(words, start)):
        return 0, start
    total, group, at = 0, first, start + 1
    while at < len(words):
        prefix, following = _value(words[at])
        if following is None:
            break
        if not prefix and _multiplies(group, following):
            group *= following
        elif (not prefix and following == _TEN and group % _HUNDRED in range(1, _TEN)) or (
            prefix == "و" and _may_follow(group, following)
        ):
            group += following
        elif prefix == "و" and following < _THOUSAND <= group:
            total, group = total + group, following
        else:
            break
        at += 1
    return total + group, at


def _multiplies(group: int, following: int) -> bool:
    """Three hundred, two hundred and five thousand."""
    return group < _TEN if following == _HUNDRED else following >= _THOUSAND > group


def _may_follow(group: int, following: int) -> bool:
    """Whether "group and following" is one number below a thousand: "four and twenty", "a hundred and five"."""
    if group >= _THOUSAND or following >= _HUNDRED:
        return False
    rest = group % _HUNDRED
    return (rest == 0) or (rest < _TEN < following)


def _goes_on(words: list[str], start: int) -> bool:
    """Whether the one at `start` begins a larger number: eleven, twenty-one."""
    if start + 1 == len(words):
        return False
    conjunction, following = _value(words[start + 1])
    return following == _TEN if not conjunction else conjunction == "و" and following in _TENS.values()


def _part(found: re.Match[str]) -> str:
    return f"{found[1]}/{_PART_NAMES[found[2]]}"


def _value(word: str) -> tuple[str, int | None]:
    """The prefixes of a word, without the article, and its value as a number word if it is one."""
    if word in _DAYS:
        return "", None
    if (value := _NUMBERS.get(word)) is not None:
        return "", value
    found = _PREFIXED.match(word)
    if found is None:
        return "", None
    return found["prefix"], _NUMBERS.get(found["rest"])


def _one_form(word: str) -> str:
    """A counted noun in its one form, a dual with its 2, a fraction's word as a fraction; any other word as it is."""
    if (form := _FORMS.get(word)) is not None:
        return form
    found = _PREFIXED.match(word)
    if found is None:
        return word
    form = _FORMS.get(found["rest"])
    return word if form is None else f"{found['prefix']}{form}"


def _forms() -> dict[str, str]:
    """Of words anywhere in a text: fractions, duals, units in full."""
    forms = dict(_UNITS_IN_FULL)
    for fraction, written in _FRACTIONS.items():
        forms |= dict.fromkeys((f"{fraction}{owner}" for owner in ("", "ه", "ها", "هم", "هما")), written)
    for noun in (*_COUNTED, *_UNITS_IN_FULL):
        stem, one = f"{noun[:-1]}ت" if noun.endswith("ه") else noun, _UNITS_IN_FULL.get(noun, noun)
        forms |= {f"{stem}ان": f"2 {one}", f"{stem}ين": f"2 {one}"}
        if noun in _UNITS_IN_FULL:
            forms |= dict.fromkeys((f"{noun}ا", f"{noun}ات"), one)
    return forms | {"امتار": "م"}


def _plurals() -> dict[str, str]:
    """Of words behind a number only: elsewhere كتب is a verb."""
    plurals = _forms()
    for noun, others in _COUNTED.items():
        plurals |= dict.fromkeys((*others.split(), f"{noun}ا"), noun)
    return plurals


_TEN: Final = 10
_HUNDRED: Final = 100
_THOUSAND: Final = 1000

#: Normalized: no hamza, no harakat, final ه for ta marbuta. Masculine and feminine, both cases.
_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("واحد", "واحده", "احد", "احدي"), 1),
    **dict.fromkeys(("اثنان", "اثنين", "اثنتان", "اثنتين", "اثنا", "اثني", "اثنتا", "اثنتي"), 2),
    **dict.fromkeys(("ثلاثه", "ثلاث"), 3),
    **dict.fromkeys(("اربعه", "اربع"), 4),
    **dict.fromkeys(("خمسه", "خمس"), 5),
    **dict.fromkeys(("سته", "ست"), 6),
    **dict.fromkeys(("سبعه", "سبع"), 7),
    **dict.fromkeys(("ثمانيه", "ثماني", "ثمان"), 8),
    **dict.fromkeys(("تسعه", "تسع"), 9),
    **dict.fromkeys(("ثالث", "ثالثه"), 3),
    **dict.fromkeys(("رابع", "رابعه"), 4),
    **dict.fromkeys(("خامس", "خامسه"), 5),
    **dict.fromkeys(("سادس", "سادسه"), 6),
    **dict.fromkeys(("سابع", "سابعه"), 7),
    **dict.fromkeys(("ثامن", "ثامنه"), 8),
    **dict.fromkeys(("تاسع", "تاسعه"), 9),
}
_TENS: Final[Mapping[str, int]] = {
    stem + case: 10 * tens
    for tens, stem in enumerate(("عشر", "ثلاث", "اربع", "خمس", "ست", "سبع", "ثمان", "تسع"), start=2)
    for case in ("ون", "ين")
}
_HUNDREDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("مايه", "ميه", "مايات", "ميات"), _HUNDRED),
    **dict.fromkeys(("مايتان", "مايتين", "مايتا", "مايتي", "ميتان", "ميتين", "ميتا", "ميتي"), 2 * _HUNDRED),
    **{
        stem + hundred: times * _HUNDRED
        for times, stem in enumerate(("ثلاث", "اربع", "خمس", "ست", "سبع", "ثماني", "تسع"), start=3)
        for hundred in ("مايه", "ميه")
    },
}
_NUMBERS: Final[Mapping[str, int]] = {
    **_UNITS,
    **dict.fromkeys(("عشره", "عشر", "عاشر", "عاشره"), _TEN),
    **_TENS,
    **_HUNDREDS,
    **dict.fromkeys(("الف", "الفا", "الاف"), _THOUSAND),
    **dict.fromkeys(("الفان", "الفين"), 2 * _THOUSAND),
    **dict.fromkeys(("مليون", "مليونا", "ملايين"), _THOUSAND**2),
}

_DAYS: Final = {"الاثنين", "الاحد"}

#: Not those that are a common word too: ثمن is a price, خمس and سبع are five and seven.
_FRACTIONS: Final[Mapping[str, str]] = {
    "نصف": "1/2",
    "ثلث": "1/3",
    "ربع": "1/4",
    "ربعا": "1/4",
    "نصفا": "1/2",
    "ثلثا": "2/3",
    "ثلثان": "2/3",
    "ثلثي": "2/3",
    "ثلثين": "2/3",
    "سدس": "1/6",
}

_UNITS_IN_FULL: Final[Mapping[str, str]] = {
    "سنتيمتر": "سم",
    "سنتمتر": "سم",
    "كيلومتر": "كم",
    "متر": "م",
    "كيلوجرام": "كجم",
    "كيلوغرام": "كجم",
    "جرام": "جم",
    "غرام": "جم",
}

#: The nouns that exams count, and their other forms; duals and the accusative follow by rule.
_COUNTED: Final[Mapping[str, str]] = {
    "لتر": "لترات",
    "ريال": "ريالات",
    "ساعه": "ساعات",
    "دقيقه": "دقايق",
    "ثانيه": "ثواني ثوان",
    "يوم": "ايام",
    "اسبوع": "اسابيع",
    "شهر": "اشهر شهور",
    "سنه": "سنوات سنين",
    "عام": "اعوام",
    "قلم": "اقلام",
    "كتاب": "كتب",
    "دفتر": "دفاتر",
    "كره": "كرات",
    "بطاقه": "بطاقات",
    "قطعه": "قطع",
    "علبه": "علب",
    "صندوق": "صناديق",
    "طالب": "طلاب طلبه",
    "طالبه": "طالبات",
    "عامل": "عمال",
    "موظف": "موظفين موظفون",
    "شخص": "اشخاص",
    "سياره": "سيارات",
    "شجره": "اشجار شجرات",
    "صفحه": "صفحات",
    "درجه": "درجات",
    "ضلع": "اضلاع",
    "مره": "مرات",
    "عدد": "اعداد",
    "قميص": "قمصان",
    "تفاحه": "تفاحات",
    "مقعد": "مقاعد",
    "غرفه": "غرف",
    "زجاجه": "زجاجات",
}
_FORMS: Final[Mapping[str, str]] = _forms()
_PLURALS: Final[Mapping[str, str]] = _plurals()

_PREFIXED: Final = re.compile("(?P<prefix>[وف]?[بلك]?)(?:ال(?!ا?ف)|(?<=ل)ل)?(?P<rest>.+)")
_PERCENT: Final = re.compile(r" (?:بال|في ال)ما?يه\b")
_LETTERS_BEFORE: Final = re.compile(r"(?<!\w)[وفبلك]+ ?(?=\d)")
_PART_NAMES: Final = dict(
    zip(["اثلاث", "ارباع", "اخماس", "اسداس", "اسباع", "اثمان", "اتساع", "اعشار"], range(3, 11), strict=True)
)
_PARTS: Final = re.compile(rf"(?<!\d)(\d+) ({'|'.join(_PART_NAMES)})(?:ه|ها|هم|هما)?\b")
_DIGITS: Final = re.compile(r"\d+(?:[.,]\d+)*")

#: A letter that stands alone, or beside signs and digits. A lone و is "and".
_UNKNOWN: Final = re.compile(r"(?<![^\W\d_])(?P<conjunction>و?)(?P<name>[ء-هي])(?![^\W\d_])")
