"""Reads the quantity that a choice states: digits, fractions, roots and π, number words, and units.

Two choices state the same if their quantities are equal: 120 دقيقة and ساعتان, 2³ and 8, نصف and 50%.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final

from generation.normalization import normalize
from generation.proof.expression import ExpressionRejected, equal, evaluate
from generation.proof.number_words import goes_on, number_in_words, scaled
from generation.value import Value, exact


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in the smallest unit of its dimension, and as it is written: ساعتان is 7,200 seconds, written 2."""

    value: Value
    written: Value
    dimension: str = ""  #: empty for a number; the noun itself where the unit is unknown
    relation: str = ""  #: of a choice such as س < 6
    in_last_unit: Value | None = None  #: of one in two units: ساعتان و30 دقيقة is 150 minutes

    def states(self, other: Quantity) -> bool:
        same_sort = (self.dimension, self.relation) == (other.dimension, other.relation)
        return same_sort and equal(self.value, other.value)


MAX_CHARS: Final = 120
PERCENT: Final = "%"


@lru_cache(maxsize=256)
def quantity_in(choice: str) -> Quantity | None:
    """The one quantity that the choice states, or None for anything else, such as a pair or a sentence."""
    if len(choice) > MAX_CHARS or _SEVERAL.search(choice):
        return None
    text = normalize(_VOWELED_PART.sub(lambda found: _VOWELED_PARTS[found[0]], choice))
    relation = ""
    if found := _RELATION.match(text):
        relation, text = found[0].removesuffix("="), text[found.end() :]
        relation = relation if found[1] != "=" else ""
    try:
        quantity = _sum_of(list(_parts(text)))
    except (ExpressionRejected, ArithmeticError):
        return None
    if quantity is None or not relation:
        return quantity
    return replace(quantity, relation=relation)


def _parts(text: str) -> Iterator[tuple[Value | None, str]]:
    """Each number with the words after it: 3 ساعات و20 دقيقة has two."""
    for part in _summands(_joined_units(text)):
        found = _NUMERIC.match(part)
        numeric = found[0].strip() if found else ""
        words = part[found.end() :].split() if found else part.split()
        if numeric:
            yield scaled(_number(numeric), words)
        else:
            yield number_in_words(words)


def _summands(text: str) -> Iterator[str]:
    """What "and" joins to one quantity: the و of وحدة and of واحد is no "and"."""
    start = 0
    for found in _AND.finditer(text):
        word, following = found["word"], found["following"] or ""
        if not word[0].isalpha() or goes_on(word, following) or _unit(word) is not None:
            yield text[start : found.start()]
            start = found.start("word")
    yield text[start:]


def _joined_units(text: str) -> str:
    return _SQUARE.sub(r"\1^2", _CUBIC.sub(r"\1^3", text))


def _number(text: str) -> Value:
    text = _THOUSANDS.sub("", text)
    if _RANGE.search(text):
        raise ExpressionRejected("a range is no number")
    return evaluate(_MIXED.sub(r"(\1\2+\2\3)" if text.startswith("-") else r"(\2+\3)", text))


def _sum_of(parts: list[tuple[Value | None, str]]) -> Quantity | None:
    total: Quantity | None = None
    last = _PLAIN
    waiting: Value | None = None  # numbers whose unit comes with a later part: خمس وعشرون دقيقة
    for number, noun in parts:
        unit = _unit(noun)
        if number is None and unit is None:
            return None
        one = exact(1) if number is None else number
        if not noun and total is None:
            waiting = one if waiting is None else _joined(waiting, one)
            continue
        if not noun and total is not None:  # ساعة ونصف
            total = _grown(total, one, last)
            continue
        one, waiting = (one if waiting is None else waiting + one), None
        if unit is None:
            if _NUMBER_WITHIN.search(noun):  # 3 إلى 2
                return None
            unit = _Unit(noun, Fraction(1))
        if total is None:
            total, last = Quantity(one * unit.factor, one, unit.dimension), unit
        elif _goes_on_in(unit, last, one):
            total, last = _grown(total, one, unit), unit
        else:
            return None
    return Quantity(waiting, waiting) if total is None and waiting is not None else total


def _goes_on_in(unit: _Unit, last: _Unit, number: Value) -> bool:
    """Whether the number in this unit adds to a quantity in the last one. Not in 5 سم و3 سم, which are two."""
    is_same_sort = unit.dimension == last.dimension and unit.dimension in _COMPOUND
    return is_same_sort and (unit.factor != last.factor or _is_part(number))


def _joined(number: Value, more: Value) -> Value:
    """Their sum. Raises ExpressionRejected if they are two numbers."""
    if not _is_one_number(number, more):
        raise ExpressionRejected("two numbers are no quantity")
    return number + more


def _is_one_number(number: Value, more: Value) -> bool:
    """Whether both are one number: 2 و1/2, خمسة وعشرون, مئة وخمسة. Not 13 و7."""
    before, after = float(number), float(more)
    if _is_part(more):
        return before.is_integer() or before < 1
    if before < 1 or not (before.is_integer() and after.is_integer()):
        return False
    if after % 10 == 0 and before % 100 in range(1, 10):
        return after < 100  # noqa: PLR2004
    return any(after < scale and before % scale == 0 for scale in _SCALES)


def _is_part(number: Value) -> bool:
    return 0 < float(number) < 1


def _grown(total: Quantity, more: Value, unit: _Unit) -> Quantity:
    """The sum, written in the unit of the first part, and in that of the last."""
    value = total.value + more * unit.factor
    ratio = total.value / total.written
    return Quantity(value, value / ratio, total.dimension, in_last_unit=value / unit.factor)


@dataclass(frozen=True, slots=True)
class _Unit:
    dimension: str
    factor: Fraction  #: how many of the smallest unit it is


def _unit(noun: str) -> _Unit | None:
    """What is known of the noun; None for an unknown one."""
    if not noun:
        return None
    found = _units().get(noun) or _units().get(noun.removeprefix("ال"))
    noun = _PER.sub("/", noun)
    if found is not None or "/" not in noun:
        return found
    above, _, below = (part.strip() for part in noun.partition("/"))
    length, time = _units().get(above), _units().get(_SHORT_TIMES.get(below, below))
    if length is None or time is None or (length.dimension, time.dimension) != ("length", "time"):
        return None
    return _Unit("speed", length.factor / time.factor)


@cache
def _units() -> Mapping[str, _Unit]:
    """Every form of every unit, normalized."""
    known = dict.fromkeys(_PERCENT_SIGNS, _Unit("", Fraction(1, 100)))
    for dimension, units in _UNITS.items():
        for forms, factor in units.items():
            for form in forms.split():
                known[normalize(form)] = _Unit(dimension, Fraction(factor))
    for power, dimension in ((2, "area"), (3, "volume")):
        for form, unit in list(known.items()):
            if unit.dimension == "length":
                known[f"{form}^{power}"] = _Unit(dimension, unit.factor**power)
    return known


_PLAIN: Final = _Unit("", Fraction(1))

#: By dimension: the forms of a unit, and how many of the dimension's smallest unit it is. Duals are number words.
_UNITS: Final[Mapping[str, Mapping[str, str]]] = {
    "length": {
        "مم ملم مليمتر ملليمتر مليمترا ملليمترا": "1",
        "سم سنتيمتر سنتيمترا سنتيمترات سنتمتر": "10",
        "م متر مترا أمتار": "1000",
        "كم كيلومتر كيلومترا كيلومترات": "1000000",
    },
    "mass": {
        "ملجم مليجرام": "1/1000",
        "جم غم غ جرام جراما جرامات غرام غراما غرامات": "1",
        "كجم كغم كغ كيلوجرام كيلوجراما كيلوجرامات كيلوغرام كيلوغراما كيلوغرامات": "1000",
        "طن طنا أطنان": "1000000",
    },
    "time": {
        "ثانية ثواني ثوان ثوانٍ": "1",
        "دقيقة دقائق": "60",
        "ساعة ساعات": "3600",
        "يوم يوما أيام": "86400",
        "أسبوع أسبوعا أسابيع": "604800",
    },
    "months": {"شهر شهرا أشهر شهور": "1", "سنة سنوات سنين عام عاما أعوام": "12"},
    "money": {"هللة هللات": "1/100", "ريال ريالا ريالات": "1"},
    "volume": {"مل ملل مليلتر ملليلتر مليلترا ملليلترا": "1000", "لتر لترا لترات": "1000000"},
    "angle": {"° درجة درجات": "1"},
    "speed": {},
}
_COMPOUND: Final = frozenset({"length", "mass", "time", "months", "money", "volume"})
_SHORT_TIMES: Final = {
    "س": "ساعه",
    "ث": "ثانيه",
    "د": "دقيقه",
    "الساعه": "ساعه",
    "الدقيقه": "دقيقه",
    "الثانيه": "ثانيه",
}

#: After a multiple of one of these comes a smaller number: مئة وخمسة.
_SCALES: Final = (100, 1_000, 1_000_000)

#: Words that only the vowel tells from a number.
_VOWELED_PARTS: Final = {"خُمس": "1/5", "سُبع": "1/7", "تُسع": "1/9", "عُشر": "1/10"}
_VOWELED_PART: Final = re.compile(rf"(?:{'|'.join(_VOWELED_PARTS)})(?![\w\u064b-\u0652])")

#: As written: more than one value, or a ratio.
_SEVERAL: Final = re.compile(r"[،؛;]|\d\s*:\s*\d|, ")
#: For normalized text.
_RELATION: Final = re.compile(r"(?:[^\W\d]{1,2}|[a-z])([<>≤≥=])(?=[-\d√π(])")
_AND: Final = re.compile(r" و ?(?=(?P<word>[^\W\d]+|[\d√π(])(?: (?P<following>\w+))?)")
#: 60 كم في الساعة
_PER: Final = re.compile(r" (?:في|لكل|كل) | ب(?=ال)")
_PERCENT_SIGNS: Final = ("%", "بالميه", "بالمايه", "في الميه", "في المايه")
_NUMBER_WITHIN: Final = re.compile(r"(?<!\S)[\d√]")
_NUMERIC: Final = re.compile(r"[-+]?(?:[\d.,/^*×÷+√()π ]|-(?=[\d√(π]))*")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3})")
_MIXED: Final = re.compile(r"^(-?)(\d+) (\d+/\d+)$")
#: Without a root or π, a minus between operands makes a range.
_RANGE: Final = re.compile(r"[\d)%]-(?!.*[√π])")
_SQUARE: Final = re.compile(r"(متر|سنتيمتر|كيلومتر|مترا|سنتيمترا|كيلومترا) مربعا?(?!\w)")
_CUBIC: Final = re.compile(r"(متر|سنتيمتر|مترا|سنتيمترا) مكعبا?(?!\w)")
