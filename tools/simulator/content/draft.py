"""A question before it has a slot: stem, right answer, wrong ones, working, perhaps a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tools.simulator.content.scene import Scene

COMPARISONS = (
    "القيمة الأولى أكبر",
    "القيمة الثانية أكبر",
    "القيمتان متساويتان",
    "المعطيات غير كافية للمقارنة",
)
FORMS = {
    "بطاقة": ("بطاقة", "بطاقات", "بطاقة"),
    "ريال": ("ريال", "ريالات", "ريالًا"),
    "دقيقة": ("دقيقة", "دقائق", "دقيقة"),
    "ساعة": ("ساعة", "ساعات", "ساعة"),
    "يوم": ("يوم", "أيام", "يومًا"),
    "سنة": ("سنة", "سنوات", "سنة"),
    "لتر": ("لتر", "لترات", "لترًا"),
    "متر": ("متر", "أمتار", "مترًا"),
    "عامل": ("عامل", "عمال", "عاملًا"),
    "درجة": ("درجة", "درجات", "درجة"),
}
#: The last two digits decide: three to ten take the plural, eleven and more the accusative.
FEW, MANY = range(3, 11), range(11, 100)
DISTRACTORS = 3
Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Draft:
    stem: str
    answer: str
    wrong: tuple[str, ...]  #: three, or none for a comparison
    working: str
    figure: dict[str, Any] | None = None
    passage: str | None = None
    declared: str | None = None  #: the expression that arrives at the answer
    sentence: str = ""  #: what makes a verbal stem the same stem, whoever says it

    def drawn(self, figure: dict[str, Any]) -> Draft:
        return replace(self, figure=figure)


Template = Callable[[Scene], Draft]


def counted(number: Number, unit: str) -> str:
    """A number with its unit in the form Arabic wants after it."""
    if unit not in FORMS:
        return f"{shown(number)} {unit}".strip()
    one, few, many = FORMS[unit]
    if isinstance(number, Fraction) and number.denominator != 1:
        return f"{shown(number)} {one}"
    rest = int(number) % 100
    form = few if rest in FEW else many if rest in MANY else one
    return f"{shown(number)} {form}"


def shown(number: Number) -> str:
    """Whole, a finite decimal, or a fraction."""
    if isinstance(number, int) or number.denominator == 1:
        return str(int(number))
    if 1000 % number.denominator == 0:
        return f"{float(number):.3f}".rstrip("0")
    return f"{number.numerator}/{number.denominator}"


def numeric(
    scene: Scene,
    stem: str,
    answer: Number,
    likely: Iterable[Number],
    working: str,
    *,
    unit: str = "",
    declared: str | None = None,
) -> Draft:
    """A question whose key is a number. `likely` are what the usual mistakes give; neighbours fill up."""
    wrong: list[Number] = []
    for number in [*likely, *_neighbours(answer, scene)]:
        if number > 0 and number != answer and number not in wrong:
            wrong.append(number)
        if len(wrong) == DISTRACTORS:
            break
    texts = tuple(counted(number, unit) for number in wrong)
    return Draft(stem, counted(answer, unit), texts, working, declared=declared)


def compared(
    quantity: tuple[str, Number],
    other: tuple[str, Number] | tuple[str, None],
    given: str,
    working: str,
    *,
    declared: str | None = None,
) -> Draft:
    """A comparison. A second value of None means that the data do not decide it."""
    (first, a), (second, b) = quantity, other
    stem = f"{given} قارن بين القيمتين. القيمة الأولى: {first}. القيمة الثانية: {second}."
    if b is None:
        answer = COMPARISONS[3]
    else:
        answer = COMPARISONS[0] if a > b else COMPARISONS[1] if a < b else COMPARISONS[2]
    return Draft(stem, answer, (), working, declared=declared)


def _neighbours(answer: Number, scene: Scene) -> Iterable[Number]:
    step = answer / 10 if isinstance(answer, Fraction) else max(1, answer // 10)
    for factor in scene.rng.sample((1, 2, 3, -1, -2, 4, 5, 6), 8):
        yield answer + factor * step
