"""A geometric drawing in its own units: y points upwards, the sketch finds scale, place and texts.

What is drawn for a quantity is kept as its witness: the tests measure the drawing with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Final

from generation.figures.canvas import ASKED, INK, QUIET, WIDTH, Canvas
from generation.figures.geometry import (
    Arc,
    Contour,
    Line,
    Piece,
    Point,
    direction,
    middle,
    polygon,
    signed_area,
    turned,
    unit,
)
from generation.figures.labels import Label, Segment, place
from generation.figures.pattern import Pattern
from generation.figures.quantity import Kind
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.text import FONT_SIZE, text_size

_ROOM_PX: Final = complex(252, 210)  #: the largest drawing without its texts
_BORDER_PX: Final = 48  #: around the drawing, for the texts
_RIGHT_ANGLE_PX: Final = 13
_ANGLE_PX: Final = 26
_TICK_PX: Final = 7
_NARROW_DEGREES: Final = 28  #: a narrower angle gets a larger arc
_EXTENT_DEGREES: Final = 15  #: a whole number of steps a quarter, so that the outermost points are met
_EXACT_DEGREES: Final = 1e-6  #: floating-point noise
_SMALLEST_PX: Final = 14  #: a side that is drawn shorter cannot be read
_DIMENSION_PX: Final = 32  #: from a side to the line that spans it
_FLATTEST: Final = 0.05  #: the shorter side of a drawing over the longer one
_NOTE_PX: Final = 26  #: the height of a line of text below the drawing
_NOTE_SIZE: Final = 17


@dataclass(frozen=True, slots=True)
class _Stroke:
    pieces: Contour
    dashed: bool = False
    color: str = INK
    thickness: float = 2


@dataclass(frozen=True, slots=True)
class _Mark:
    """A sign of fixed size. `at` and directions are in the sketch's units; a dimension line leads to `end`."""

    kind: str
    at: Point
    along: complex
    across: complex
    count: int = 1
    end: Point = 0j


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    at: Point
    toward: complex
    measures: str | None = None
    bold: bool = False
    color: str = INK
    after_px: float = 0  #: from `at` in the direction, before the text begins


@dataclass(frozen=True, slots=True)
class _Witness:
    """What is drawn for a quantity, in the sketch's units: a length, an angle in degrees, or areas with holes."""

    kind: Kind
    size: float = 0
    outer: Sequence[Contour] = ()
    holes: Sequence[Contour] = ()

    def measured(self) -> float:
        if self.kind is not Kind.AREA:
            return self.size
        outer, holes = (
            sum(abs(signed_area(contour)) for contour in part) for part in (self.outer, self.holes)
        )
        return outer - holes


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished drawing, and what is drawn in it for each quantity."""

    canvas: Canvas
    px_per_unit: float
    _witnesses: Mapping[str, _Witness]

    def measures(self) -> dict[str, float]:
        """Each quantity as the drawing measures it, in the figure's unit, its square, or degrees."""
        return {name: witness.measured() for name, witness in self._witnesses.items()}


class Sketch:
    """Draws one figure."""

    def __init__(self, figure: Pattern) -> None:
        self._figure = figure
        self._strokes: list[_Stroke] = []
        self._regions: list[tuple[Contour, ...]] = []
        self._marks: list[_Mark] = []
        self._texts: list[_Text] = []
        self._dots: list[Point] = []
        self._witnesses: dict[str, _Witness] = {}
        self._placed: set[str] = set()

    def line(self, *points: Point, dashed: bool = False, quiet: bool = False) -> None:
        """Through the points, one after the other."""
        pieces = [Line(a, b) for a, b in pairwise(points)]
        self.outline(pieces, dashed=dashed, quiet=quiet)

    def outline(self, pieces: Contour, *, dashed: bool = False, quiet: bool = False) -> None:
        """Any chain of lines and arcs."""
        if quiet:
            self._strokes.append(_Stroke(pieces, dashed, QUIET, 1.5))
        else:
            self._strokes.append(_Stroke(pieces, dashed))

    def polygon(self, *corners: Point) -> None:
        self.outline(polygon(*corners))

    def shade(self, *contours: Contour, measures: str | None = None) -> None:
        """Fill the area between the contours; the first one is the outermost of each group, holes follow."""
        self._regions.append(contours)
        if measures is not None:
            self._witnesses[measures] = _Witness(Kind.AREA, outer=contours[:1], holes=contours[1:])

    def shade_all(self, *contours: Contour, measures: str | None = None) -> None:
        """Fill several areas that lie side by side."""
        self._regions.extend((contour,) for contour in contours)
        if measures is not None:
            self._witnesses[measures] = _Witness(Kind.AREA, outer=contours)

    def length(
        self,
        name: str,
        a: Point,
        b: Point,
        *,
        off: complex | None = None,
        about: Point | None = None,
        part: float = 0.5,
    ) -> None:
        """Say how long the line from a to b is: beside a part of it, away from `about` or towards `off`."""
        self._witnesses[name] = _Witness(Kind.LENGTH, abs(b - a))
        normal = unit(b - a) * 1j
        wanted = off if off is not None else (a + b) / 2 - about if about is not None else normal
        if (normal * wanted.conjugate()).real < 0:
            normal = -normal
        self.quantity(name, a + (b - a) * part, normal)

    def dimension(self, name: str, a: Point, b: Point, off: complex) -> None:
        """Say how long a to b is with a line of its own, farther out than the texts of its parts."""
        self._witnesses[name] = _Witness(Kind.LENGTH, abs(b - a))
        if self._figure.label(name):
            self._marks.append(_Mark("dimension", a, unit(off), unit(b - a), end=b))
            self.quantity(name, (a + b) / 2, off, after_px=_DIMENSION_PX)

    def witness_length(self, name: str, a: Point, b: Point) -> None:
        """Say that the line from a to b is as long as a quantity whose value is written elsewhere."""
        self._witnesses[name] = _Witness(Kind.LENGTH, abs(b - a))

    def angle(self, name: str, at: Point, a: Point, b: Point, *, arcs: int = 1) -> None:
        """Mark the angle from the ray to a counterclockwise to the ray to b, and say how wide it is."""
        begin, end = direction(a - at), direction(b - at)
        span = (end - begin) % 360
        self._witnesses[name] = _Witness(Kind.ANGLE, span)
        self._placed.add(name)
        text = self._figure.label(name)
        if text is None:
            return
        if abs(span - 90) < _EXACT_DEGREES and name not in self._figure.ask:
            self.right_angle(at, a, b)
            return
        self._marks.append(_Mark("arc", at, turned(begin), turned(end), arcs))
        self.quantity(name, at, turned(begin + span / 2), after_px=_arc_px(span))

    def right_angle(self, at: Point, a: Point, b: Point) -> None:
        self._marks.append(_Mark("right", at, unit(a - at), unit(b - at)))

    def equal(self, a: Point, b: Point, count: int = 1) -> None:
        """Ticks across a side that is as long as others with as many ticks."""
        self._marks.append(_Mark("ticks", (a + b) / 2, unit(b - a), unit(b - a) * 1j, count))

    def parallel(self, at: Point, along: complex) -> None:
        """An arrow head on a line that is parallel to others with one."""
        self._marks.append(_Mark("arrow", at, unit(along), unit(along) * 1j))

    def quantity(self, name: str, at: Point, toward: complex, *, after_px: float = 0) -> None:
        """Write the value of a quantity, or the symbol of an asked one, beside a point."""
        self._placed.add(name)
        text = self._figure.label(name)
        if text is not None:
            asked = name in self._figure.ask
            color = ASKED if asked else INK
            self._texts.append(_Text(text, at, toward, name, asked, color, after_px))

    def name(self, index: int, at: Point, toward: complex, *, dot: bool = False) -> None:
        """Write the letter of a point, if the figure names its points."""
        if dot:
            self._dots.append(at)
        if letter := self._figure.letter(index):
            self._texts.append(_Text(letter, at, toward, bold=True))

    def names(self, *corners: Point) -> None:
        """The letters of a polygon's corners, outside of it."""
        center = middle(corners)
        for index, corner in enumerate(corners):
            self.name(index, corner, corner - center)

    def word(self, text: str, at: Point, toward: complex) -> None:
        """Any other text beside a point."""
        self._texts.append(_Text(text, at, toward))

    def drawn(self) -> Drawn:
        """Raises FigureRejected if a part is too small or a text finds no room."""
        notes = self._notes()
        low, high = self._extent()
        size = high - low
        flatness = min(size.real, size.imag) / max(size.real, size.imag, 1e-9)
        if flatness < _FLATTEST:
            raise FigureRejected(Reason.UNREADABLE, "the drawing would be too flat")
        scale = min(_ROOM_PX.real / max(size.real, 1e-9), _ROOM_PX.imag / max(size.imag, 1e-9))
        spans = any(mark.kind == "dimension" for mark in self._marks)
        below = (_DIMENSION_PX if spans else 0) + _NOTE_PX * len(notes)
        height = size.imag * scale + 2 * _BORDER_PX + below
        canvas = Canvas(round(height, 2))
        top_left = complex((WIDTH - size.real * scale) / 2, _BORDER_PX)
        to_px = _Transform(scale, top_left - complex(low.real * scale, -high.imag * scale))
        self._check_sizes(scale)
        self._write(canvas, to_px, notes)
        return Drawn(canvas, scale, self._witnesses)

    def _check_sizes(self, scale: float) -> None:
        for name, witness in self._witnesses.items():
            small = witness.kind is Kind.LENGTH and witness.size * scale < _SMALLEST_PX
            if small and self._figure.label(name):
                raise FigureRejected(Reason.UNREADABLE, "a measured part would be drawn too small")

    def _notes(self) -> list[str]:
        """Lines below the drawing for the shown measures that have no place in it."""
        figure = self._figure
        lines: list[str] = []
        texts = zip(figure.shown_measures, figure.measure_texts(), strict=True)
        for text in (text for name, text in texts if name not in self._placed):
            joined = f"{lines[-1]}، {text}" if lines else text
            if lines and text_size(joined, _NOTE_SIZE)[0] <= WIDTH - _BORDER_PX:
                lines[-1] = joined
            else:
                lines.append(text)
        return lines

    def _extent(self) -> tuple[Point, Point]:
        outlines: list[Contour] = [stroke.pieces for stroke in self._strokes]
        outlines += [contour for region in self._regions for contour in region]
        points = [
            point for outline in outlines for piece in outline for point in piece.points(_EXTENT_DEGREES)
        ] + self._dots
        xs, ys = [point.real for point in points], [point.imag for point in points]
        return complex(min(xs), min(ys)), complex(max(xs), max(ys))

    def _write(self, canvas: Canvas, to_px: _Transform, notes: Sequence[str]) -> None:
        for region in self._regions:
            canvas.region(*(to_px.contour(contour) for contour in region))
        lines: list[Segment] = []
        for stroke in self._strokes:
            pieces: Contour = to_px.contour(stroke.pieces)
            canvas.outline(pieces, color=stroke.color, thickness=stroke.thickness, dashed=stroke.dashed)
            lines += _segments(pieces)
        for mark in self._marks:
            for pieces in _mark_pieces(mark, to_px):
                canvas.outline(pieces, thickness=1.5)
                lines += _segments(pieces)
        for dot in self._dots:
            canvas.dot(to_px(dot))
        for index, note in enumerate(reversed(notes)):
            canvas.text(note, complex(WIDTH / 2, canvas.height - _NOTE_PX * (index + 0.9)), size=_NOTE_SIZE)
        place([_label(text, to_px) for text in self._texts], lines, canvas)


class SketchedPattern(Pattern, ABC):
    """A pattern that is drawn by geometry. `to_scale`: lengths, angles and areas are measured right in it."""

    to_scale: ClassVar[bool] = True

    @abstractmethod
    def sketch_on(self, sketch: Sketch) -> None:
        """Draw the figure in its own units, y upwards."""

    def drawn(self) -> Drawn:
        """The drawing with its witnesses. Raises FigureRejected if it cannot be read."""
        sketch = Sketch(self)
        self.sketch_on(sketch)
        return sketch.drawn()

    def lay_out(self) -> Canvas:
        return self.drawn().canvas

    def size(self, name: str) -> float:
        """The value of one of its quantities as a number."""
        return float(self.known[name].value)


@dataclass(frozen=True, slots=True)
class _Transform:
    """From the sketch's units to px; turns y around."""

    scale: float
    offset: complex

    def __call__(self, point: Point) -> complex:
        return complex(point.real * self.scale, -point.imag * self.scale) + self.offset

    def contour(self, pieces: Contour) -> list[Piece]:
        return [self._piece(piece) for piece in pieces]

    def _piece(self, piece: Piece) -> Piece:
        if isinstance(piece, Line):
            return Line(self(piece.start), self(piece.end))
        return replace(
            piece,
            center=self(piece.center),
            radius=piece.radius * self.scale,
            height=None if piece.height is None else piece.height * self.scale,
            begin=-piece.begin,
            stop=-piece.stop,
        )


def _segments(pieces: Contour) -> list[Segment]:
    found: list[Segment] = []
    for piece in pieces:
        points = list(piece.points(15)) if isinstance(piece, Arc) else [piece.start, piece.end]
        found.extend(pairwise(points))
    return found


def _label(text: _Text, to_px: _Transform) -> Label:
    toward = unit(text.toward.conjugate())
    anchor = to_px(text.at) + toward * text.after_px
    return Label(text.text, anchor, toward, text.measures, text.bold, text.color, FONT_SIZE)


def _arc_px(span: float) -> float:
    return _ANGLE_PX if span >= _NARROW_DEGREES else min(70.0, _ANGLE_PX * _NARROW_DEGREES / span)


def _mark_pieces(mark: _Mark, to_px: _Transform) -> list[Contour]:
    at, along, across = to_px(mark.at), mark.along.conjugate(), mark.across.conjugate()
    if mark.kind == "right":
        a, b = along * _RIGHT_ANGLE_PX, across * _RIGHT_ANGLE_PX
        return [[Line(at + a, at + a + b), Line(at + a + b, at + b)]]
    if mark.kind == "arc":
        begin, span = direction(mark.along), (direction(mark.across) - direction(mark.along)) % 360
        radius = _arc_px(span)
        return [[Arc(at, radius - 4 * step, -begin, -begin - span)] for step in range(mark.count)]
    if mark.kind == "dimension":
        shift, end = along * _DIMENSION_PX, to_px(mark.end)
        ends = [[Line(point + shift - 6 * along, point + shift + 6 * along)] for point in (at, end)]
        return [[Line(at + shift, end + shift)], *ends]
    if mark.kind == "arrow":
        return [[Line(at - 8 * along + 6 * across, at), Line(at, at - 8 * along - 6 * across)]]
    offsets = [4 * (step - (mark.count - 1) / 2) for step in range(mark.count)]
    return [
        [Line(at + along * offset - across * _TICK_PX, at + along * offset + across * _TICK_PX)]
        for offset in offsets
    ]
