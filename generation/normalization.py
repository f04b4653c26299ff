"""Normalizes Arabic text so that texts a reader would call the same compare equal.

For comparison only, never for storage: the exam itself asks about the marks and letters that it drops.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final


@lru_cache(maxsize=512)  # the rules look at the same texts of a question a hundred times
def normalize(text: str) -> str:
    """Two texts that differ only in spelling habits, marks or typography get the same normalized text.

    It ignores harakat, tatweel, hamza seats, ta marbuta, alef maqsura, the script of digits, presentation forms,
    bidi marks, punctuation and spaces. It keeps signs that change a number (-3, 1.5, 2:3, x²). Idempotent.
    """
    text = _SUPERSCRIPT.sub(r"^\g<0>", text)
    text = _VULGAR_FRACTION.sub(r" \g<0>", text)
    text = _decomposed(_decomposed(text.replace("≠", "=!=")).casefold()).replace("=!=", "≠")
    text = _ALIKE.sub(_plain, _UNSEEN.sub("", text))
    if ":" in text:
        text = _RATIO_COLON.sub(":", text)
    if _MATHEMATICS.search(text) is None:
        return " ".join(_NOISE.sub(" ", text).split())
    words = " ".join(_NOISE_BESIDE_MATHEMATICS.sub(" ", text).split())
    return _SPACED_SIGN.sub(r"\1", words)


def mask_numbers(normalized: str) -> str:
    """The normalized text with `#` for every number, so that the same sum with other numbers compares equal."""
    return _NUMBER.sub("#", normalized)


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _plain(sign: re.Match[str]) -> str:
    return _SAME[sign[0]]


_SUPERSCRIPT: Final = re.compile("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR_FRACTION: Final = re.compile("[¼½¾⅐-⅞]")

#: Combining marks (harakat, and the hamza that decomposition splits off) and invisible format characters.
_UNSEEN: Final = re.compile(
    "[\u00ad\u0300-\u036f\u0610-\u061a\u061c\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed\u08d3-\u08ff\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)

#: Variants that decomposition keeps: letters with more than one form, other digits, look-alike signs.
_SAME: Final = {
    **dict.fromkeys("یېۍى", "ي"),
    **dict.fromkeys("ةہھەۃ", "ه"),
    **dict.fromkeys("−‐‑‒–—", "-"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("∗·", "*"),
    **dict.fromkeys("ءـ٬", ""),
    "_": " ",
    "ٱ": "ا",
    "ک": "ك",
    "٫": ".",
    "٪": "%",
    "∶": ":",
    **{chr(ord(zero) + digit): str(digit) for zero in "٠۰" for digit in range(10)},
}
_ALIKE: Final = re.compile(f"[{''.join(_SAME)}]")

_RATIO_COLON: Final = re.compile(r"(?<=\d)\s*:\s*(?=\d)")

#: A minus, a decimal point, a comma or a ratio's colon counts only next to an operand.
_SIGNS: Final = r"+=<>%^/×÷*√≤≥≠±π°∞∠∥⊥|"
_OPERAND: Final = r"\s*(?:[\d√(a-z]|\w\b)"
_MATHEMATICS: Final = re.compile(rf"[{_SIGNS}]|-(?={_OPERAND})")
_STRAY: Final = rf"-(?!{_OPERAND})|[.,:](?!\d)|(?<!\d)[.,:]"
_LETTERS: Final = "ا-ي a-z0-9"  # most of any text; listed first, because testing for \w is slower
_NOISE: Final = re.compile(rf"[^{_LETTERS}\w\s{_SIGNS}.,:-]|{_STRAY}")
_NOISE_BESIDE_MATHEMATICS: Final = re.compile(rf"[^{_LETTERS}\w\s{_SIGNS}.,:()-]|{_STRAY}")
_SPACED_SIGN: Final = re.compile(rf" ?([{_SIGNS}-]) ?")  # in words separated by single spaces
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
