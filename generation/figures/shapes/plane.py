"""The coordinate plane with points, lines and shaded shapes on its grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from generation.figures.canvas import QUIET, WIDTH, Canvas
from generation.figures.geometry import Line, Piece, Point, middle, signed_area
from generation.figures.labels import Label, Segment, place
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Quantity, area, length, number
from generation.figures.reasons import Reason
from generation.figures.text import Box, text_size
from generation.value import Value, exact, number_text, rational

_Coordinate = Annotated[int | float, Field(ge=-20, le=20, allow_inf_nan=False)]
_Letter = Annotated[str, Field(pattern="^[ء-غف-ي]$")]
_Path = Annotated[str, Field(min_length=2, max_length=8, pattern="^[ء-غف-ي]+$")]

_ROOM_PX: Final = complex(320, 270)
_LARGEST_CELL_PX: Final = 34.0
_BORDER_PX: Final = 34
_TICK_SIZE: Final = 15
_LABEL_STEP_PX: Final = 27  #: the numbers of an axis stand at least so far apart
_GRID: Final = "#cbd5e1"


class CoordinatePlane(Pattern):
    """`at`: the place of each point; `paths`: letters to connect, closed when the last one is the first."""

    title: ClassVar = "مستوى إحداثي"

    pattern: Literal["coordinate-plane"] = "coordinate-plane"
    at: dict[_Letter, Annotated[tuple[_Coordinate, _Coordinate], Field(strict=False)]] = Field(
        min_length=1, max_length=8
    )
    paths: Annotated[tuple[_Path, ...], Field(max_length=4, strict=False)] = ()
    shaded: bool = False  #: the closed paths

    def quantities(self) -> Mapping[str, Quantity]:
        """Of the first path: its ends' distance and slope, or perimeter and area of a closed one."""
        need(set("".join(self.paths)) <= self.at.keys(), Reason.WRONG_POINT_NAMES)
        points = list(self.at.values())
        need(len(set(points)) == len(points), Reason.INCONSISTENT, "two points at one place")
        for path in self.paths:
            need(all(a != b for a, b in pairwise(path)), Reason.WRONG_POINT_NAMES)
        if not self.paths:
            return {}
        corners = [tuple(map(exact, self.at[letter])) for letter in self.paths[0]]
        if self.paths[0][0] == self.paths[0][-1]:
            return _closed(corners)
        return _open(corners, self.paths[0])

    def lay_out(self) -> Canvas:
        low, high = self._range()
        cells = high - low
        cell = min(_ROOM_PX.real / cells.real, _ROOM_PX.imag / cells.imag, _LARGEST_CELL_PX)
        canvas = Canvas(round(cells.imag * cell + 2 * _BORDER_PX, 2))
        left = (WIDTH - cells.real * cell) / 2

        def to_px(x: float, y: float) -> complex:
            return complex(left + (x - low.real) * cell, _BORDER_PX + (high.imag - y) * cell)

        axes = _draw_grid(canvas, low, high, to_px, cell)
        lines = axes + self._draw_paths(canvas, to_px)
        _draw_numbers(canvas, low, high, to_px, cell)
        labels = []
        center = middle(to_px(x, y) for x, y in self.at.values())
        for letter, (x, y) in self.at.items():
            canvas.dot(to_px(x, y), radius=4)
            away = to_px(x, y) - center
            labels.append(Label(letter, to_px(x, y), away if abs(away) > 1 else 1 - 1j, bold=True))
        place(labels, lines, canvas)
        return canvas

    def _range(self) -> tuple[Point, Point]:
        xs, ys = zip(*self.at.values(), strict=True)
        low = complex(min(0, math.floor(min(xs))) - 1, min(0, math.floor(min(ys))) - 1)
        high = complex(max(0, math.ceil(max(xs))) + 1, max(0, math.ceil(max(ys))) + 1)
        return low, high

    def _draw_paths(self, canvas: Canvas, to_px: _ToPx) -> list[Segment]:
        lines: list[Segment] = []
        for path in self.paths:
            corners = [to_px(*self.at[letter]) for letter in path]
            pieces: list[Piece] = [Line(a, b) for a, b in pairwise(corners)]
            if self.shaded and path[0] == path[-1]:
                canvas.region(pieces)
            canvas.outline(pieces, thickness=2.5)
            lines += pairwise(corners)
        return lines

    def sentence(self) -> str:
        joined = [" ".join(path[:-1] if path[0] == path[-1] else path) for path in self.paths]
        drawn = f" وُصلت فيه {' ثم '.join(joined)}" if joined else ""
        shaded = " وظُلل الشكل" if self.shaded else ""
        return f"مستوى إحداثي{drawn}{shaded}"

    def measure_texts(self) -> list[str]:
        return [f"النقطة {letter} ({_text(x)}، {_text(y)})" for letter, (x, y) in self.at.items()]

    def shown_data(self) -> dict[str, Any]:
        return {"at": {letter: list(place) for letter, place in self.at.items()}, "paths": list(self.paths)}

    def shows_nothing(self) -> bool:
        return False


_ToPx = Any  # a function from x and y to px


def _open(corners: list[tuple[Value, ...]], path: str) -> dict[str, Quantity]:
    (x1, y1), (x2, y2) = corners[0], corners[-1]
    ends = f"{path[0]} {path[-1]}"
    across, up = x2 - x1, y2 - y1
    found = {
        "distance": length((across * across + up * up).sqrt(), f"طول {ends}"),
        "middle_x": number((x1 + x2) / 2, f"إحداثي س لمنتصف {ends}"),
        "middle_y": number((y1 + y2) / 2, f"إحداثي ص لمنتصف {ends}"),
    }
    if (run := across.rational) and (rise := up.rational) is not None:
        found["slope"] = number(exact(rise / run), f"ميل {ends}")
    return found


def _closed(corners: list[tuple[Value, ...]]) -> dict[str, Quantity]:
    outline = [Line(*(complex(float(x), float(y)) for x, y in pair)) for pair in pairwise(corners)]
    need(abs(signed_area(outline)) > 0, Reason.NOT_THE_NAMED_SHAPE, "the points lie on one line")
    need(
        not any(_cross(a, b) for a, b in combinations(outline, 2)), Reason.NOT_THE_NAMED_SHAPE, "sides cross"
    )
    doubled, around = exact(0), exact(0)
    for (x1, y1), (x2, y2) in pairwise(corners):
        doubled += x1 * y2 - x2 * y1
        around += ((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1)).sqrt()
    size = doubled / 2
    return {"area": area(size * -1 if float(size) < 0 else size), "perimeter": length(around, "المحيط")}


def _cross(one: Line, other: Line) -> bool:
    """Whether the inner parts of two lines meet in one point."""

    def side(line: Line, point: Point) -> float:
        return ((line.end - line.start).conjugate() * (point - line.start)).imag

    return (
        side(one, other.start) * side(one, other.end) < 0
        and side(other, one.start) * side(other, one.end) < 0
    )


def _draw_grid(canvas: Canvas, low: Point, high: Point, to_px: _ToPx, cell: float) -> list[Segment]:
    """The grid, and the axes with their arrows and names."""
    del cell
    for x in range(int(low.real), int(high.real) + 1):
        canvas.outline([Line(to_px(x, low.imag), to_px(x, high.imag))], color=_GRID, thickness=1)
    for y in range(int(low.imag), int(high.imag) + 1):
        canvas.outline([Line(to_px(low.real, y), to_px(high.real, y))], color=_GRID, thickness=1)
    right, top = to_px(high.real, 0) + 8, to_px(0, high.imag) - 8j
    axes = [(to_px(low.real, 0), right), (to_px(0, low.imag), top)]
    for start, end in axes:
        along = (end - start) / abs(end - start)
        back = end - 8 * along
        arrow: list[Piece] = [Line(back + 5j * along, end), Line(end, back - 5j * along)]
        canvas.outline([Line(start, end)], thickness=1.5)
        canvas.outline(arrow, thickness=1.5)
    canvas.text("س", right + 14, size=15, bold=True)
    canvas.text("ص", top + 14 + 2j, size=15, bold=True)
    return axes


def _draw_numbers(canvas: Canvas, low: Point, high: Point, to_px: _ToPx, cell: float) -> None:
    """The numbers of both axes; where two would lie on each other, the first one stays."""
    step = next(step for step in (1, 2, 5, 10, 20) if step * cell >= _LABEL_STEP_PX)
    spots = [(x, to_px(x, 0) + 13j) for x in range(int(low.real) + 1, int(high.real))]
    for y in range(int(low.imag) + 1, int(high.imag)):
        width, _ = text_size(_text(y), _TICK_SIZE)
        spots.append((y, to_px(0, y) - 6 - width / 2))
    for value, spot in spots:
        box = Box.around(spot, *text_size(_text(value), _TICK_SIZE))
        if value and value % step == 0 and not any(box.overlaps(placed.box) for placed in canvas.texts):
            canvas.text(_text(value), spot, size=_TICK_SIZE, color=QUIET)


def _text(value: float) -> str:
    return number_text(rational(value))


PATTERNS: Final[tuple[type[Pattern], ...]] = (CoordinatePlane,)
