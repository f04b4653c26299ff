"""Plane geometry: a point is a complex number, an outline a chain of lines and arcs."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Point = complex

_DEGREES_PER_STEP: Final = 6.0


@dataclass(frozen=True, slots=True)
class Line:
    start: Point
    end: Point

    def points(self, _degrees_per_step: float = _DEGREES_PER_STEP) -> Iterator[Point]:
        yield self.start
        yield self.end


@dataclass(frozen=True, slots=True)
class Arc:
    """Part of a circle, or with `height` of an ellipse, in degrees; counterclockwise when `stop` is greater."""

    center: Point
    radius: float
    begin: float
    stop: float
    height: float | None = None  #: the vertical radius, of an ellipse

    @property
    def vertical_radius(self) -> float:
        return self.radius if self.height is None else self.height

    def at(self, degrees: float) -> Point:
        turned = math.radians(degrees)
        return self.center + complex(self.radius * math.cos(turned), self.vertical_radius * math.sin(turned))

    @property
    def start(self) -> Point:
        return self.at(self.begin)

    @property
    def end(self) -> Point:
        return self.at(self.stop)

    def points(self, degrees_per_step: float = _DEGREES_PER_STEP) -> Iterator[Point]:
        steps = max(2, math.ceil(abs(self.stop - self.begin) / degrees_per_step))
        for step in range(steps + 1):
            yield self.at(self.begin + (self.stop - self.begin) * step / steps)


Piece = Line | Arc
Contour = Sequence[Piece]


def polygon(*corners: Point) -> list[Line]:
    """The closed outline through the corners."""
    return [Line(a, b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]


def circle(center: Point, radius: float) -> list[Arc]:
    return [Arc(center, radius, 0, 360)]


def rectangle(corner: Point, width: float, height: float) -> tuple[Point, Point, Point, Point]:
    """Its corners from the lower left one, counterclockwise."""
    return corner, corner + width, corner + complex(width, height), corner + complex(0, height)


def unit(vector: complex) -> complex:
    """The vector with length 1; upwards for a vector without direction."""
    return vector / abs(vector) if abs(vector) > 0 else 1j


def turned(degrees: float, radius: float = 1) -> Point:
    """The point at this angle from the x axis, counterclockwise."""
    return cmath.rect(radius, math.radians(degrees))


def direction(vector: complex) -> float:
    """Degrees from the x axis, counterclockwise, from 0 up to 360."""
    return math.degrees(cmath.phase(vector)) % 360


def middle(points: Iterable[Point]) -> Point:
    """The mean of the points."""
    listed = list(points)
    return sum(listed) / len(listed)


def signed_area(contour: Contour, degrees_per_step: float = 1) -> float:
    """Positive when the contour runs counterclockwise in a plane whose y points upwards."""
    corners = [point for piece in contour for point in piece.points(degrees_per_step)]
    return sum((a.conjugate() * b).imag for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)) / 2


def foot(point: Point, a: Point, b: Point) -> Point:
    """Where the perpendicular from the point meets the line through a and b."""
    along = unit(b - a)
    return a + ((point - a) * along.conjugate()).real * along
