"""Values from outside: counts, seconds and names as headers and replies write them. Never an exception."""

from __future__ import annotations

import re
from typing import Any

#: Beyond it no count of ours can be real; it also fits into the ledger's columns.
LARGEST_COUNT = 2_000_000_000

LONGEST_NAME = 200  #: characters

#: ASCII digits only: `²` is a digit to Python, and no number.
_DIGITS = re.compile(r"[0-9]{1,10}(\.0{1,6})?", re.ASCII)
_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?", re.ASCII)


def whole_number(value: Any, *, at_most: int = LARGEST_COUNT) -> int | None:
    """A count from 0 to `at_most`, or None for what is none.

    Understands 412, 412.0, "412" and "412.0"; not a bool, a fraction, or a negative, endless or huge number.
    """
    if isinstance(value, str):
        text = value.strip()
        if not _DIGITS.fullmatch(text):
            return None
        return whole_number(int(text.partition(".")[0]), at_most=at_most)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= at_most or value != int(value):
        return None
    return int(value)


def name(value: Any) -> str | None:
    """A short name that any log and any database takes, or None for what is none: ids, models, reasons."""
    if not isinstance(value, str):
        return None
    return "".join(letter for letter in value[:LONGEST_NAME] if letter.isprintable()) or None


def seconds(text: str | None) -> float | None:
    """A finite number as a header writes it, which may be negative, or None."""
    stripped = (text or "").strip()
    return float(stripped) if _SECONDS.fullmatch(stripped) else None
