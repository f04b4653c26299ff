"""Extracts questions as JSON objects from a model's reply while the reply is still streaming.

It takes strings and knows nothing of exams but the name that every question has, `slot`. Whatever is around the
questions is allowed: code fences, prose, arrays, other objects. It never repairs text (D21): an object is as the
model wrote it, or dropped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

#: A longer object is not a question; it is dropped, which keeps memory bounded.
MAX_OBJECT_CHARS: Final = 32_768

#: The deepest nesting of objects and lists, the question's own braces included; a figure with its measures has
#: depth 3. We set the limit because Python's varies: its decoder raises RecursionError at a depth of about a
#: thousand in 3.11 and of many thousands in 3.13.
MAX_NESTING: Final = 16

#: How far before a quote the brace may be that begins an object inside what looked like a string.
_LOOK_BACK_CHARS: Final = 16

_NAME: Final = "slot"
_QUOTED_NAME: Final = f'"{_NAME}"'


class LeftBehind(StrEnum):
    """Why the parser dropped an object."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TRUNCATED = "truncated"  #: the reply ends inside it


@dataclass(slots=True)
class _Level:
    """An object or a list that is still open."""

    closer: str
    start: int  #: index of its opening sign in the reply
    is_named: bool = False  #: `"slot"` occurs in it, outside the levels inside it
    height: int = 1  #: the levels of the deepest nesting in it so far, its own included


class QuestionParser:
    """Returns every question at its own closing brace, however deep in others, and scans each character once (D20).

    A question is an object with the name `slot`. The objects around a question are wrappers and are never
    returned; an outermost object without any question is returned, for the caller to judge. A broken object does
    not affect the next one: a raw line break in a string, a sign after a string that JSON does not allow there,
    or an opening brace where JSON allows none, shows that the open object is broken. The next one begins at the
    next brace, or inside what seemed to be the last string.
    """

    def __init__(self) -> None:
        self._text = ""  # what is still needed of the reply
        self._base = 0  # the index in the reply of its first character
        self._scanned = 0  # everything in the text before it is scanned
        self._open: list[_Level] = []  # innermost last
        self._wrappers = (
            0  # so many of the outermost levels are around an object that was returned or dropped
        )
        self._too_large = 0  # so many of the outermost levels are too long for a question
        self._in_string = False
        self._due = ""  # the only signs, spaces apart, that may come next; empty if any may
        self._quote = -1  # index in the reply of the closing quote after which they are due
        self._before = ""  # the last sign scanned that is not a space
        self._left_behind: Counter[LeftBehind] = Counter()

    @property
    def is_in_an_object(self) -> bool:
        """Whether an object is open that may become a question."""
        return len(self._open) > self._wrappers

    @property
    def left_behind(self) -> Mapping[LeftBehind, int]:
        """How many objects were dropped so far, by reason."""
        return dict(self._left_behind)

    def feed(self, text: str) -> list[dict[str, Any]]:
        """The questions that this piece of the reply completes, in order."""
        self._text += text
        complete = []
        while (at := self._next_mark()) is not None:
            if (found := self._pass(at)) is not None:
                complete.append(found)
        self._forget()
        return complete

    def finish(self) -> int:
        """End the reply: an object still open is dropped. Returns how many objects were dropped in all."""
        if self._open:
            self._drop(LeftBehind.TRUNCATED)
        self._forget()
        return self._left_behind.total()

    def _next_mark(self) -> int | None:
        """The index of the next sign that changes the state, or None when the text has none."""
        if self._in_string:
            return self._end_of_run()
        if self._due:
            self._scanned = _end_of(_SPACES, self._text, self._scanned)
            if self._scanned == len(self._text) or self._text[self._scanned] not in self._due:
                return self._here
            self._due = ""
        began = self._scanned
        self._scanned = _end_of(_BETWEEN_SIGNS if self._open else _BETWEEN_OBJECTS, self._text, began)
        if self._open:
            self._note(began)
        return self._here

    @property
    def _here(self) -> int | None:
        return None if self._scanned == len(self._text) else self._scanned

    def _end_of_run(self) -> int | None:
        end = _end_of(_STRING_RUN, self._text, self._scanned)
        self._scanned = end
        length = len(self._text)
        is_at_escape = end == length - 1 and self._text[end] == "\\"
        return None if end == length or is_at_escape else end

    def _note(self, began: int) -> None:
        """Remember of the signs from `began` on what a later step asks for: the name, and the last sign."""
        if self._scanned > began:
            if self._text.find(_QUOTED_NAME, began, self._scanned) >= 0:
                self._open[-1].is_named = True
            last = self._text[self._scanned - 1]
            if last.isspace():
                last = self._text[began : self._scanned].rstrip()[-1:]
            self._before = last or self._before

    def _pass(self, at: int) -> dict[str, Any] | None:
        """Step over the sign at index `at`; returns the question that it completes, if any."""
        sign, before = self._text[at], self._before
        self._scanned = at + 1
        self._before = sign
        if self._in_string:
            self._end_string(sign, at)
        elif self._due:
            self._resynchronize(sign, at)
        elif sign == '"':
            self._in_string = True
        elif sign in "{[":
            self._begin(sign, at, before)
        else:
            return self._end(sign)
        return None

    def _end_string(self, sign: str, at: int) -> None:
        if sign != '"':  # a raw line break, with or without a backslash before it
            self._drop(LeftBehind.MALFORMED)
            return
        self._in_string = False
        self._due, self._quote = ",:}]", self._base + at
        if self._text.endswith(_QUOTED_NAME, 0, at + 1):
            self._open[-1].is_named = True

    def _resynchronize(self, sign: str, at: int) -> None:
        """JSON does not allow the sign here: drop what is open, and begin the object that it hid, if it did."""
        quote = self._quote - self._base
        hidden = (
            self._text[max(0, quote - _LOOK_BACK_CHARS) : quote].rstrip(" \t") if self._quote >= 0 else ""
        )
        self._drop(LeftBehind.MALFORMED)
        if hidden.endswith("{"):  # the quote began a string, and the object is outside of strings
            self._push("{", max(0, quote - _LOOK_BACK_CHARS) + len(hidden) - 1)
            self._due, self._in_string = "", True
            self._scanned = quote + 1
        elif sign == "{":
            self._push(sign, at)

    def _begin(self, sign: str, at: int, before: str) -> None:
        if sign == "{" and self._open:
            allowed = ":" if self._open[-1].closer == "}" else "[,"
            if before not in allowed:
                self._drop(LeftBehind.MALFORMED)
        self._push(sign, at)

    def _push(self, sign: str, at: int) -> None:
        self._open.append(_Level(_CLOSER[sign], self._base + at))
        if sign == "{":
            self._due, self._quote = '"}', -1

    def _end(self, sign: str) -> dict[str, Any] | None:
        level = self._open.pop()
        if level.closer != sign:
            self._drop(LeftBehind.MALFORMED)
            return None
        depth = len(self._open)
        is_wrapper = depth < self._wrappers
        self._wrappers = min(self._wrappers, depth)
        self._too_large = min(self._too_large, depth)
        if self._open:
            self._open[-1].height = max(self._open[-1].height, level.height + 1)
        if sign == "]" or is_wrapper or (self._open and not level.is_named):
            return None
        return self._cut(level)

    def _cut(self, level: _Level) -> dict[str, Any] | None:
        start = level.start - self._base
        found: dict[str, Any] | None = None
        if self._scanned - start > MAX_OBJECT_CHARS:
            self._left_behind[LeftBehind.TOO_LARGE] += 1
        elif level.height > MAX_NESTING:
            self._left_behind[LeftBehind.TOO_DEEP] += 1
        elif (found := _decoded(self._text[start : self._scanned])) is None:
            self._left_behind[LeftBehind.MALFORMED] += 1
        elif self._open and _NAME not in found:
            return None  # the word was a value
        self._wrappers = len(self._open)
        return found

    def _drop(self, why: LeftBehind) -> None:
        self._left_behind[why] += 1
        self._open.clear()
        self._wrappers = self._too_large = 0
        self._in_string = False
        self._due = ""

    def _forget(self) -> None:
        """Keep the text of the outermost object that may become a question, and what `_resynchronize` looks at."""
        first = max(self._wrappers, self._too_large)
        is_all_needed = first < len(self._open) and self._open[first].start == self._base
        if is_all_needed and len(self._text) <= MAX_OBJECT_CHARS:
            return
        end = self._base + len(self._text)
        while (
            self._too_large < len(self._open) and end - self._open[self._too_large].start > MAX_OBJECT_CHARS
        ):
            self._too_large += 1
        first = max(self._wrappers, self._too_large)
        done = self._scanned
        if self._open:
            looked_at = self._quote - self._base if self._due and self._quote >= 0 else self._scanned
            done = min(done, max(0, looked_at - _LOOK_BACK_CHARS))
        if first < len(self._open):
            done = min(done, self._open[first].start - self._base)
        self._text = self._text[done:]
        self._base += done
        self._scanned -= done


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _decoded(text: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = _DECODER.decode(text)
    except ValueError:
        return None
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Reject an object with two values for one name: it would be ambiguous, for example which answer is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
_CLOSER: Final = {"{": "}", "[": "]"}
# No possessive quantifiers: Python 3.11 before 3.11.5 matches them wrongly (gh-106052). Each repetition begins
# with a character that the one before it cannot match, so there is no backtracking.
_BETWEEN_OBJECTS: Final = re.compile(r"[^{]*")
#: Also steps over complete strings with a sign that may follow them, which most are; at another string it stops
#: at the opening quote.
_BETWEEN_SIGNS: Final = re.compile(
    r'[^"{}\[\]]*(?:"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"[ \t\r\n]*(?=[,:}\]])[^"{}\[\]]*)*'
)
_STRING_RUN: Final = re.compile(r'[^"\\\n]*(?:\\[^\n][^"\\\n]*)*')
_SPACES: Final = re.compile(r"[ \t\r\n]*")
