"""Finds a place for each text: beside what it names, inside the card, on no other text, off the lines."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generation.figures.canvas import INK, Canvas
from generation.figures.geometry import unit
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.text import FONT_SIZE, Box, text_size


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to `anchor`, and stands from there in the direction `toward`; px, y downwards."""

    text: str
    anchor: complex
    toward: complex
    measures: str | None = None
    bold: bool = False
    color: str = INK
    size: float = FONT_SIZE


#: A line between two points in px.
Segment = tuple[complex, complex]

_GAPS_PX: Final = (5, 10, 16, 24, 34, 46, 60)
_ON_THE_LINE: Final = 0.0  #: instead of a gap: the text interrupts its own line
_TURNS_DEGREES: Final = (0, 22, -22, 45, -45, 70, -70, 100, -100, 140, -140, 180)
_COST_OF_A_TURN: Final = 0.35  #: px of distance that one degree of turning is worth
_COST_OF_THE_OTHER_SIDE: Final = 34
_COST_OF_ITS_OWN_LINE: Final = 40  #: px of distance that it is worth to leave the line of the anchor free
_COST_OF_A_CROSSING: Final = 70  #: and any other line, to which the text would seem to belong
#: Of a line between a text and what it belongs to: the text would seem to belong to that line.
_COST_OF_A_LINE_BETWEEN: Final = 90
_START_PX: Final = 3  #: from the anchor, which lies on its own line

#: The nearest places first: (cost, distance, turn).
_PLACES: Final = tuple(
    sorted(
        (
            (1.0, _ON_THE_LINE, 1 + 0j),
            *(
                (
                    gap + min(_COST_OF_A_TURN * abs(degrees), _COST_OF_THE_OTHER_SIDE),
                    float(gap),
                    cmath.rect(1, math.radians(degrees)),
                )
                for gap in _GAPS_PX
                for degrees in _TURNS_DEGREES
            ),
        ),
        key=lambda place: place[0],
    )
)


def place(labels: Sequence[Label], lines: Sequence[Segment], canvas: Canvas) -> None:
    """Write every label on the canvas. Raises FigureRejected when one finds no free place."""
    taken = [placed.box for placed in canvas.texts]
    for label in labels:
        center, box = _best(label, lines, taken, canvas.bounds)
        taken.append(box)
        canvas.text(
            label.text,
            center,
            size=label.size,
            bold=label.bold,
            color=label.color,
            measures=label.measures,
        )


def _best(label: Label, lines: Sequence[Segment], taken: Sequence[Box], bounds: Box) -> tuple[complex, Box]:
    width, height = text_size(label.text, label.size)
    reachable = Box.around(label.anchor, 2 * (_GAPS_PX[-1] + width), 2 * (_GAPS_PX[-1] + height))
    lines = [line for line in lines if _crosses(line, reachable)]
    at_anchor = Box.around(label.anchor, 1, 1)
    prices = [
        (line, _COST_OF_ITS_OWN_LINE if _crosses(line, at_anchor) else _COST_OF_A_CROSSING) for line in lines
    ]
    toward, best, lowest = unit(label.toward), None, math.inf
    for cost, gap, turn in _PLACES:
        if cost >= lowest:
            break
        way = toward * turn
        reach = gap + abs(way.real) * width / 2 + abs(way.imag) * height / 2 if gap else 0
        center = label.anchor + way * reach
        box = Box.around(center, width, height)
        if not box.within(bounds) or any(box.overlaps(other) for other in taken):
            continue
        total = cost + sum(price for line, price in prices if _crosses(line, box))
        if total < lowest:
            path = (label.anchor + _START_PX * way, center)
            total += _COST_OF_A_LINE_BETWEEN * any(_meet(line, path) for line in lines)
        if total < lowest:
            best, lowest = (center, box), total
    if best is None:
        raise FigureRejected(Reason.UNREADABLE, "its texts do not find room beside one another")
    return best


def _crosses(line: Segment, box: Box) -> bool:
    """Whether any part of the line lies in the box."""
    a, b = line
    if max(a.real, b.real) < box.left or min(a.real, b.real) > box.right:
        return False
    if max(a.imag, b.imag) < box.top or min(a.imag, b.imag) > box.bottom:
        return False
    along = b - a
    sides = [
        (along.conjugate() * (complex(x, y) - a)).imag
        for x in (box.left, box.right)
        for y in (box.top, box.bottom)
    ]
    return min(sides) <= 0 <= max(sides)


def _meet(line: Segment, path: Segment) -> bool:
    """Whether the path crosses the line from one side to the other."""
    return _parted(line, path) and _parted(path, line)


def _parted(line: Segment, ends: Segment) -> bool:
    """Whether the two ends lie on different sides of the endless line."""
    along = (line[1] - line[0]).conjugate()
    first, second = ((along * (end - line[0])).imag for end in ends)
    return first * second < 0
