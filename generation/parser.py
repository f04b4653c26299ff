"""Extracts complete JSON objects from a model's reply while the reply is still streaming.

It takes strings and knows nothing of exams. Between objects any text is allowed: code fences, prose, the
commas and brackets of an array. It never repairs text (D21): an object is as the model wrote it, or dropped.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

#: A longer object is not a question; it is dropped, which keeps memory bounded.
MAX_OBJECT_CHARS: Final = 32_768

#: The deepest nesting of objects and lists, the question's own braces included; a figure with its measures has
#: depth 3. We set the limit because Python's varies: its decoder raises RecursionError at a depth of about a
#: thousand in 3.11 and of many thousands in 3.13.
MAX_NESTING: Final = 16


class QuestionParser:
    """Returns every complete top-level object at its closing brace and scans each character once (D20).

    A broken object does not affect the next one. A raw line break in a string, or an opening brace where JSON
    allows none, shows that the open object is broken, and the next object begins there.
    """

    def __init__(self) -> None:
        self._text = ""  # the open object so far, and what was fed last
        self._start = 0  # where the open object's brace is
        self._scanned = 0  # everything before it is scanned
        self._open: list[str] = []  # the closing signs expected here, innermost last
        self._too_deep = False  # the open object nests deeper than any question
        self._in_string = False
        self._broken = 0

    @property
    def is_in_an_object(self) -> bool:
        return bool(self._open)

    def feed(self, text: str) -> list[dict[str, Any]]:
        """The objects that this piece of the reply completes, in order."""
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
            self._drop()
        self._forget()
        return self._broken

    def _next_mark(self) -> int | None:
        """The index of the next sign that changes the state, or None when the text has none."""
        if self._in_string:
            return self._end_of_run()
        between = _BETWEEN_SIGNS if self._open else _BETWEEN_OBJECTS
        run = between.match(self._text, self._scanned)
        self._scanned = run.end() if run else self._scanned
        return None if self._scanned == len(self._text) else self._scanned

    def _end_of_run(self) -> int | None:
        run = _STRING_RUN.match(self._text, self._scanned)
        self._scanned = run.end() if run else self._scanned
        at_escape = self._text.endswith("\\") and self._scanned == len(self._text) - 1
        return None if at_escape or self._scanned == len(self._text) else self._scanned

    def _pass(self, at: int) -> dict[str, Any] | None:
        """Step over the sign at index `at`; returns the object that it completes, if any."""
        sign = self._text[at]
        self._scanned = at + 1
        if self._in_string:
            self._in_string = False
            if sign != '"':  # a raw line break, with or without a backslash before it
                self._drop()
        elif sign == '"':
            self._in_string = True
        elif sign in "{[":
            self._begin(sign, at)
        elif self._open.pop() != sign:
            self._drop()
        elif not self._open:
            return self._cut()
        return None

    def _begin(self, sign: str, at: int) -> None:
        if sign == "{" and self._open and not self._may_nest(at):
            self._drop()
        if not self._open:
            self._start = at
            self._too_deep = False
        self._open.append(_CLOSER[sign])
        if len(self._open) > MAX_NESTING:
            self._too_deep = True  # read to its end: the objects inside are no questions either

    def _may_nest(self, at: int) -> bool:
        """Whether JSON allows an object here, and it does not begin a line, as in JSON Lines."""
        before = at - 1
        while self._text[before].isspace():
            before -= 1
        allowed = ":" if self._open[-1] == "}" else "[,"
        return self._text[before] in allowed and self._text[at - 1] != "\n"

    def _cut(self) -> dict[str, Any] | None:
        is_bounded = not self._too_deep and self._scanned - self._start <= MAX_OBJECT_CHARS
        found = _decoded(self._text[self._start : self._scanned]) if is_bounded else None
        self._broken += found is None
        return found

    def _drop(self) -> None:
        self._broken += 1
        self._open.clear()
        self._in_string = False

    def _forget(self) -> None:
        if self._open and len(self._text) - self._start > MAX_OBJECT_CHARS:
            self._drop()
        done = self._start if self._open else self._scanned
        self._text = self._text[done:]
        self._start = 0
        self._scanned -= done


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
#: Also steps over complete strings, which most are; at an incomplete string it stops at the opening quote.
_BETWEEN_SIGNS: Final = re.compile(r'[^"{}\[\]]*(?:"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"[^"{}\[\]]*)*')
_STRING_RUN: Final = re.compile(r'[^"\\\n]*(?:\\[^\n][^"\\\n]*)*')
