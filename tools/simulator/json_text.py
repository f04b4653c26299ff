"""The one way in which the simulator decodes JSON that a client sends."""

from __future__ import annotations

import json
import re
from typing import Any, Final

#: Deeper than any request: the deepest blocks of the Messages API nest about 8 deep. Python's own limit is another
#: one in each version, and exceeding it is no ValueError.
MAX_NESTING: Final = 64


def decode(text: str | bytes) -> Any:
    """Raises ValueError for what is no JSON, and for what nests deeper than MAX_NESTING. Takes linear time."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")  # as `json.loads` would
    if text.count("{") + text.count("[") > MAX_NESTING and _depth(text) > MAX_NESTING:
        raise ValueError(f"It nests deeper than {MAX_NESTING} objects and lists")
    return json.loads(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in "}]":
            depth -= 1
    return deepest


#: A string counts as one mark, whatever it holds; one that is cut off reaches to the end, so none is tried twice.
_MARKS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)
