"""Whether a question's text and key agree with its figure.

It reads only what is certain: a quantity's Arabic name, then its number. Where a text may mean something else, it
finds no fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from generation.figures.pattern import Pattern
from generation.figures.quantity import Quantity
from generation.figures.reasons import Reason
from generation.normalization import normalize

#: At most nine digits: whatever is longer is no number of a question.
_VALUE: Final = re.compile(
    r"(?P<sign>-)?(?P<number>\d{1,9}(?:\.\d{1,9})?)?(?P<root>√\d{1,9})?(?P<pi>π)?"
    r"(?:/(?P<below>\d{1,9}))?(?P<late_pi> ?π)?"
)
_ARABIC_PI: Final = re.compile(r"(?<=\d) ?ط(?!\w)")
_STATED: Final = r"(?P<value>\d{1,9}(?:\.\d{1,9})?)(?!\d)"
#: Words that may stand between a name and its number.
_FILLERS: Final = frozenset(
    normalize(word)
    for word in [
        "يساوي",
        "تساوي",
        "هو",
        "هي",
        "يبلغ",
        "تبلغ",
        "بلغ",
        "طوله",
        "طولها",
        "قياسه",
        "قياسها",
        "مقداره",
        "مقدارها",
        "قياس",
    ]
)
#: Names that a stem also uses for other things ("a fence that is so long").
_AMBIGUOUS: Final = frozenset(
    normalize(word)
    for word in [
        "الطول",
        "طوله",
        "العرض",
        "عرضه",
        "الارتفاع",
        "ارتفاعه",
        "المساحة",
        "المحيط",
        "القطعة",
        "الزاوية",
    ]
)
_UNITS: Final = {
    "سم": "سم", "سنتيمتر": "سم", "سنتمتر": "سم", "م": "م", "متر": "م", "مترا": "م", "امتار": "م",
    "كم": "كم", "كيلومتر": "كم", "مم": "مم", "مليمتر": "مم", "وحده": "وحدة", "وحدات": "وحدة",
}  # fmt: skip
#: Approximations of π that questions agree on.
_PIS: Final = (math.pi, 22 / 7, 3.14)
_KEY_ROUNDING: Final = 0.002  #: of a key that is no short decimal, such as 8.49 for 6√2


def contradictions(figure: Pattern, stem: str) -> list[Reason]:
    """CONTRADICTS_STEM if every number that the stem states for one of the figure's quantities is another one."""
    text = normalize(stem)
    for quantity in figure.known.values():
        stated = [value for name in quantity.names for value in _stated(name, text, figure)]
        if stated and not any(quantity.agrees_with(value) for value in stated):
            return [Reason.CONTRADICTS_STEM]
    return []


def key_faults(figure: Pattern, answer: str) -> list[Reason]:
    """SHOWS_THE_ANSWER if the figure shows the key while it asks for nothing, WRONG_ANSWER if the key is not
    the value of the one quantity that it asks for. Keys that are no number are not judged.
    """
    value = _number_of(normalize(answer))
    if value is None:
        return []
    if not figure.ask:
        shown = figure.shown_measures.items()
        leaked = any(
            math.isclose(given, value[0]) and _same_kind(figure.known[name], answer) for name, given in shown
        )
        return [Reason.SHOWS_THE_ANSWER] if leaked else []
    if len(figure.ask) > 1:
        return []
    asked = figure.known[figure.ask[0]]
    if asked.value.rational is not None:
        right = any(asked.agrees_with(number) for number in value)
    else:
        wanted = [asked.value.with_pi(pi) for pi in _PIS]
        right = any(abs(number - one) <= _KEY_ROUNDING * abs(one) for number in value for one in wanted)
    return [] if right else [Reason.WRONG_ANSWER]


def _same_kind(quantity: Quantity, answer: str) -> bool:
    return ("²" in answer) == (quantity.kind == "area")


def _number_of(text: str) -> tuple[float, ...] | None:
    """The value with each approximation of π; None if the text holds no number or more than one."""
    plain = _ARABIC_PI.sub("π", text).replace("^2", "").replace("^3", "")
    found = [parts for parts in _VALUE.finditer(plain) if parts["number"] or parts["root"] or parts["pi"]]
    below = float(found[0]["below"] or 1) if len(found) == 1 else 0
    if not below:
        return None
    parts = found[0]
    root = math.sqrt(float(parts["root"][1:])) if parts["root"] else 1
    value = float(parts["number"] or 1) * root / below * (-1 if parts["sign"] else 1)
    return tuple(value * pi for pi in _PIS) if parts["pi"] or parts["late_pi"] else (value,)


def _stated(name: str, text: str, figure: Pattern) -> Iterator[float]:
    """The numbers that follow the name, except those in another unit."""
    pattern = _mention(normalize(name))
    if pattern is None:
        return
    shape = {word.removeprefix("ال") for word in normalize(figure.title).split()}
    for found in pattern.finditer(text):
        between = found["between"].replace("=", " ").split()
        if not all(word in _FILLERS or word.removeprefix("ال") in shape for word in between):
            continue
        after = text[found.end() :].split(" ", 2)
        word = after[1] if len(after) > 1 and not after[0] else after[0]
        if word.startswith(("%", ":", "/", "√", "π", "×", "*", "+", "-", "^")):
            continue
        if figure.unit and _UNITS.get(word, figure.unit) != figure.unit:
            continue
        yield float(found["value"])


@lru_cache(maxsize=512)
def _mention(name: str) -> re.Pattern[str] | None:
    """The normalized name with or without its article and a pronoun, then at most two words, then a number."""
    if name in _AMBIGUOUS:
        return None
    words = name.split()
    letters = [word for word in words if len(word) == 1]
    start = r"(?<!نصف )" if words[0] in {"القطر", "قطر", "قطره", "قطرها"} else ""
    if len(letters) == len(words):  # a side by its ends: only with a sign or a word before the number
        ends = "|".join(" ?".join(order) for order in (letters, letters[::-1]))
        return re.compile(rf"(?<!\b[ء-ي] )\b(?:{ends})\b(?P<between>(?: ?=| [ء-ي]+){{1,2}}) ?{_STATED}")
    body = " ".join(map(_forms, words))
    return re.compile(rf"{start}\b{body}\b(?P<between>(?: ?=| [ء-ي]+){{0,2}}) ?{_STATED}")


def _forms(word: str) -> str:
    bare = word.removeprefix("ال") if len(word) > 4 else word
    if len(word) == 1:
        return re.escape(word)
    if bare.endswith("ه") and len(bare) > 3:
        return f"(?:ال)?{re.escape(bare[:-1])}(?:ه|ته|تها)"
    return f"(?:ال)?{re.escape(bare)}(?:ها|هما|ه)?"
