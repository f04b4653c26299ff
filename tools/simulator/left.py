"""The whole questions of a reply that have left, told apart without their text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tools.simulator.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Left:
    """One whole line that was sent."""

    question: str  #: SHA-256 of its stem, a line feed and its worked solution; empty for what is no question
    tokens: int


def whole_lines(text: str, lines: int) -> tuple[Left, ...]:
    """The first so many lines of a reply, which may be written no farther than them."""
    return tuple(Left(_digest(line), count_tokens(line)) for line in text.split("\n")[:lines])


def _digest(line: str) -> str:
    try:
        written: Any = json.loads(line)
        said = f"{written['q']}\n{written['w']}"
    except (ValueError, KeyError, TypeError):
        return ""
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
