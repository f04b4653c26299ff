"""Bounds of a provider's answers: how deep their JSON nests and, where they are no stream, their bytes and their time.

They are checked before the SDK decodes the text. Python's decoder has a limit of its own on nesting, another in each
version, and exceeding it is a RecursionError, which neither the SDK nor the HTTP library expects.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final

import httpx2

#: The Messages API's deepest events nest about 6 deep.
MAX_NESTING: Final = 32

#: Of an answer that is no stream. The longest, the bill of a month, has some 100 KB.
MAX_ANSWER_BYTES: Final = 8_000_000

_STREAMED_FROM: Final = "/v1/messages"


class TooDeep(httpx2.DecodingError):
    """The provider's JSON nests deeper than MAX_NESTING. An error of the HTTP library, so the SDK wraps it."""


class TooLong(httpx2.DecodingError):
    """The provider's answer has too many bytes, once it is decompressed."""


def check_nesting(json_text: str) -> None:
    """Raises TooDeep. Takes linear time; a text that is no JSON is left to the decoder."""
    if json_text.count("{") + json_text.count("[") > MAX_NESTING and _depth(json_text) > MAX_NESTING:
        raise TooDeep(f"The answer nests deeper than {MAX_NESTING} objects and lists.")


def check_answer(response: httpx2.Response) -> None:
    """Read an answer that is not a stream, and check it: a response hook of the client.

    Raises TooLong, TooDeep, or ReadTimeout when the whole answer takes longer than the request's timeout of one read.
    """
    if not _is_stream(response):
        response._content = b"".join(_bounded(response))  # noqa: SLF001  as `response.read()` keeps it
        check_nesting(response.text)


def _is_stream(response: httpx2.Response) -> bool:
    is_json = "json" in response.headers.get("content-type", "")
    return response.is_success and not is_json and response.request.url.path.endswith(_STREAMED_FROM)


def limited(pieces: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    """The decompressed pieces of an answer. Raises TooLong when they have more bytes altogether."""
    length = 0
    for data in pieces:
        length += len(data)
        if length > most_bytes:
            raise TooLong(f"The answer has more than {most_bytes} bytes.")
        yield data


def _bounded(response: httpx2.Response) -> Iterator[bytes]:
    until = time.monotonic() + response.request.extensions["timeout"]["read"]
    for data in limited(response.iter_bytes(), MAX_ANSWER_BYTES):
        if time.monotonic() > until:
            raise httpx2.ReadTimeout("The answer does not end.")
        yield data


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
