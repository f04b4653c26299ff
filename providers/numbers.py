"""Numbers from outside: counts and seconds as headers and replies write them. Never an exception."""

from __future__ import annotations

import math
import re
from typing import Any

#: Beyond it no count of ours can be real; it also fits into the ledger's columns.
LARGEST_COUNT = 2_000_000_000

#: ASCII digits only: `²` is a digit to Python, and no number.
_DIGITS = re.compile(r"[0-9]{1,10}(\.0{1,6})?", re.ASCII)
_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?", re.ASCII)


def whole_number(value: Any) -> int | None:
    """A count from 0 to LARGEST_COUNT, or None for what is none.

    Understands 412, 412.0, "412" and "412.0"; not a bool, a fraction, or a negative, endless or huge number.
    """
    if isinstance(value, str):
        text = value.strip()
        return whole_number(int(text.partition(".")[0])) if _DIGITS.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= LARGEST_COUNT or value != int(value):
        return None
    return int(value)


def seconds(text: str | None) -> float | None:
    """A finite number as a header writes it, which may be negative, or None."""
    stripped = (text or "").strip()
    value = float(stripped) if _SECONDS.fullmatch(stripped) else math.nan
    return value if math.isfinite(value) else None
