"""Texts in a drawing: how much room they take, and how they keep their order from right to left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape as _escape

FONT_SIZE: Final = 18  #: in px of a canvas 400 px wide: 14 px on a phone of 320 px

_ARABIC: Final = re.compile("[\u0620-\u065f\u0670-\u06d3]")
#: Numbers with their signs. A right-to-left line would turn a sign, a root or a pair of coordinates around.
_FORMULA: Final = re.compile(r"[-−+(\d.,√π/²³°%):×]+")
_TURNABLE: Final = frozenset("-−+√π/(×°%")
_ISOLATED: Final = "\u2066{}\u2069"
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: Parts of the font size, as wide as the widest of the usual fonts draws them.
_WIDTHS: Final = {
    **dict.fromkeys(" .,،:اأإ", 0.36),
    **dict.fromkeys("لآ°²³", 0.5),
    **dict.fromkeys("−+%", 0.9),
}
_WIDTH: Final = 0.68
_TAILS: Final = frozenset("بتثفقكيىئنلجحخعغمسشصضطظ")  #: letters that are wider at the end of a word
_TAIL: Final = 0.25
#: One letter alone, such as the name of a point, has its widest form.
_ALONE: Final = {
    **dict.fromkeys("سشصض", 0.75),
    **dict.fromkeys("بتثفقكيىئطظل", 0.5),
    **dict.fromkeys("نجحخعغم", 0.25),
}
_LINE_HEIGHT: Final = 1.3


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, center: complex, width: float, height: float) -> Box:
        half = complex(width / 2, height / 2)
        low, high = center - half, center + half
        return cls(low.real, low.imag, high.real, high.imag)

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


def text_size(text: str, size: float = FONT_SIZE) -> tuple[float, float]:
    """Width and height in px that no usual font exceeds; an estimate, because the page chooses the font."""
    width = sum(_WIDTHS.get(sign, _WIDTH) for sign in text)
    for word in text.split():
        width += _ALONE.get(word, _TAIL if word[-1] in _TAILS else 0)
    return width * size, _LINE_HEIGHT * size


def is_arabic(text: str) -> bool:
    return _ARABIC.search(text) is not None


def ordered(text: str) -> str:
    """The text with its formulas kept from left to right inside an Arabic line."""
    if not is_arabic(text):
        return text
    return _FORMULA.sub(_isolated, text)


def _isolated(found: re.Match[str]) -> str:
    return _ISOLATED.format(found[0]) if _TURNABLE & set(found[0]) else found[0]


def escape(text: str) -> str:
    """The text as XML shows it, in an element or in a double-quoted attribute."""
    return _escape(_NOT_IN_XML.sub("", text), {'"': "&quot;"})
