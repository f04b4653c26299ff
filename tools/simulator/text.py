"""A reply's text, written only as far as a reader has come.

Streams that begin at once would wait for one another's last questions, which leave half a minute later.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, tee

from tools.simulator.tokens import beyond_ascii, count_tokens, tokens_of


class Text:
    """Pieces that are one text. None is taken before a letter of it is read, and none twice."""

    def __init__(self, pieces: str | Iterable[str], *, room: int | None = None) -> None:
        """A text that would cost more than `room` tokens is cut there."""
        self._unwritten = iter([pieces] if isinstance(pieces, str) else pieces)
        self._room = room
        self._written = ""
        self._beyond_ascii = 0
        self._cut_short = False

    def within(self, tokens: int) -> Text:
        """Its longest beginning that costs no more. Either text may be read, in any order."""
        self._unwritten, same = tee(self._unwritten)
        room = tokens if self._room is None else min(tokens, self._room)
        return Text(chain((self._written,), same), room=room)

    def reaches(self, position: int) -> bool:
        """Whether there is a letter at this position."""
        return bool(self.part(position, position + 1))

    def part(self, start: int, end: int) -> str:
        """The slice of a string; the text is written to the end of it."""
        while len(self._written) < end and self._write_on():
            pass
        return self._written[start:end]

    def whole(self) -> str:
        """Written to its end."""
        while self._write_on():
            pass
        return self._written

    def tokens(self) -> int:
        """Of the whole."""
        return tokens_of(len(self.whole()), self._beyond_ascii)

    @property
    def written(self) -> str:
        """The text written so far: at least as far as a reader has come."""
        return self._written

    @property
    def cut_short(self) -> bool:
        """Whether its room was too small for it, which the whole text shows."""
        self.whole()
        return self._cut_short

    def _write_on(self) -> bool:
        """Take the next piece. False when there is none."""
        piece = next(self._unwritten, None)
        if piece is None:
            return False
        self._written += piece
        self._beyond_ascii += beyond_ascii(piece)
        if self._room is not None and tokens_of(len(self._written), self._beyond_ascii) > self._room:
            self._written = _first_tokens(self._written, self._room)
            self._beyond_ascii = beyond_ascii(self._written)
            self._unwritten, self._cut_short = iter(()), True
        return True


def _first_tokens(text: str, tokens: int) -> str:
    """The longest beginning that costs no more than `tokens`."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low]
