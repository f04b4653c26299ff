"""Texts in a drawing: how much room they take, and how they keep their order from right to left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape as _escape

FONT_SIZE: Final = 18  #: in px of a canvas 400 px wide: 14 px on a phone of 320 px

_ARABIC: Final = re.compile("[\u0600-\u06ff]")
#: Numbers with their signs. A right-to-left line would turn a sign, a root or a pair of coordinates around.
_FORMULA: Final = re.compile(r"[-−+(\d.,√π/²³°%):×]+")
_TURNABLE: Final = frozenset("-−+√π/(×°%")
_ISOLATED: Final = "\u2066{}\u2069"
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: Parts of the font size, as the widest of the usual fonts needs them.
_WIDTHS: Final = {" ": 0.35, ".": 0.35, ",": 0.35, "،": 0.35, "ا": 0.35, "أ": 0.35, "إ": 0.35, "ل": 0.5, "²": 0.45,
                  "³": 0.45, "°": 0.5}  # fmt: skip
_ARABIC_WIDTH: Final = 0.66
_OTHER_WIDTH: Final = 0.66
_LAST_LETTER_MORE: Final = 0.35  #: a letter at the end of a word has a tail
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
    width = sum(_WIDTHS.get(sign, _ARABIC_WIDTH if _ARABIC.match(sign) else _OTHER_WIDTH) for sign in text)
    tails = sum(1 for word in text.split() if _ARABIC.search(word))
    return (width + tails * _LAST_LETTER_MORE) * size, _LINE_HEIGHT * size


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
