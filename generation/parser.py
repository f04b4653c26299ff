"""Cuts whole JSON objects out of a model's reply while it is still being written.

It is fed strings and knows nothing of exams. Between objects anything may stand: fences, prose, the commas
and brackets of an array. It never repairs text (D21): an object is as the model wrote it, or it is dropped.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

#: An object that grows past this is no question; it is dropped, and memory stays bounded.
MAX_OBJECT_CHARS: Final = 32_768

#: How deep objects and lists may nest, the question's own braces included; a figure with its measures nests 3
#: deep. The limit is ours because Python's differs: its decoder raises RecursionError at a depth of about a
#: thousand in 3.11 and of many thousands in 3.13.
MAX_NESTING: Final = 16


class QuestionParser:
    """Yields every complete top-level object at its closing brace, each character scanned once (D20).

    A broken object loses only itself: no JSON string holds a raw line break and no object holds a brace
    where none may stand, so both say that the object was broken, and the next one begins right there.
    """

    def __init__(self) -> None:
        self._text = ""  # the open object so far, and what was fed last
        self._start = 0  # where the open object's brace is
        self._scanned = 0  # everything before it is understood
        self._open: list[str] = []  # the closers this place waits for, innermost last
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
        """The reply is over: an object still open was cut off. Returns how many were dropped in all."""
        if self._open:
            self._drop()
        self._forget()
        return self._broken

    def _next_mark(self) -> int | None:
        """Where the next sign is that changes the state, or None when this text holds none."""
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
        """Step over the sign at this place; the object it completes, if it does."""
        sign = self._text[at]
        self._scanned = at + 1
        if self._in_string:
            self._in_string = False
            if sign != '"':  # a raw line break, bare or behind a backslash
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
            self._too_deep = True  # read to its end all the same: what it holds is no question either

    def _may_nest(self, at: int) -> bool:
        """Whether JSON allows an object here, and a line of JSON Lines does not begin with it."""
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
    """Refuse two values for one name: nobody could say which answer was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
_CLOSER: Final = {"{": "}", "[": "]"}
# No possessive quantifiers: Python 3.11 before 3.11.5 matches them wrongly (gh-106052). Each repetition begins
# with a character that the one before it cannot match, so there is nothing to try twice.
_BETWEEN_OBJECTS: Final = re.compile(r"[^{]*")
#: Whole strings are stepped over here, because most strings are whole; one that is cut stops at its quote.
_BETWEEN_SIGNS: Final = re.compile(r'[^"{}\[\]]*(?:"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"[^"{}\[\]]*)*')
_STRING_RUN: Final = re.compile(r'[^"\\\n]*(?:\\[^\n][^"\\\n]*)*')
