"""How deep a provider's JSON may nest. It is checked before the SDK decodes the text.

Python's decoder has a limit of its own, another in each version, and exceeding it is a RecursionError, which
neither the SDK nor the HTTP library expects.
"""

from __future__ import annotations

import re
from typing import Final

import httpx2

#: The Messages API's deepest events nest about 6 deep.
MAX_NESTING: Final = 32


class TooDeep(httpx2.DecodingError):
    """The provider's JSON nests deeper than MAX_NESTING. An error of the HTTP library, so the SDK wraps it."""


def check_nesting(json_text: str) -> None:
    """Raises TooDeep. Takes linear time; a text that is no JSON is left to the decoder."""
    if json_text.count("{") + json_text.count("[") > MAX_NESTING and _depth(json_text) > MAX_NESTING:
        raise TooDeep(f"The answer nests deeper than {MAX_NESTING} objects and lists.")


def check_answer(response: httpx2.Response) -> None:
    """Read an answer that is not a stream, and check its nesting: a response hook of the client. Raises TooDeep."""
    if response.is_success and "json" not in response.headers.get("content-type", ""):
        return
    response.read()
    check_nesting(response.text)


def _depth(json_text: str) -> int:
    depth = deepest = 0
    for mark in _MARKS.finditer(json_text):
        if mark[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in "}]":
            depth -= 1
    return deepest


#: A string is one mark, whatever it holds. A string that is cut off reaches to the end, so that the search is linear.
_MARKS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)
