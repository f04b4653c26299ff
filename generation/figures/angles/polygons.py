"""Angles in polygons: inside of one with three to six corners, and outside of a triangle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from generation.figures.angles.lines import shared_out
from generation.figures.geometry import Point, turned
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Quantity, angle
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.figures.web_app import corners_px, triangle_data
from generation.value import exact

_NARROWEST: Final = 20
_SHORTEST_SIDE: Final = 0.3  #: of the mean side; a shorter one leaves no room at its corners


class PolygonAngles(SketchedPattern):
    """The interior angles, counterclockwise from the lower left corner; those not given share the rest equally."""

    title: ClassVar = "زوايا مضلع"
    corners: ClassVar = "أبجدهو"
    is_always_lettered: ClassVar = True

    pattern: Literal["polygon-angles"] = "polygon-angles"
    sides: Literal[3, 4, 5, 6]
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None
    angle_4: Angle | None = None
    angle_5: Angle | None = None
    angle_6: Angle | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        given = [getattr(self, f"angle_{index}") for index in range(1, 7)]
        need(
            all(value is None for value in given[self.sides :]), Reason.INCONSISTENT, "more angles than sides"
        )
        need(any(value is not None for value in given), Reason.UNDETERMINED, "at least one angle")
        values = shared_out(given[: self.sides], 180 * (self.sides - 2))
        need(all(_NARROWEST <= value < 180 for value in values), Reason.UNREADABLE, "a convex polygon")
        return {
            f"angle_{i}": angle(exact(value), f"الزاوية{self.named(i - 1)}")
            for i, value in enumerate(values, start=1)
        }

    def corner_points(self) -> list[Point]:
        return closed_by_angles([self.size(f"angle_{i}") for i in range(1, self.sides + 1)])

    def point_counts(self) -> set[int]:
        return {0, self.sides}

    def sketch_on(self, sketch: Sketch) -> None:
        corners = self.corner_points()
        sketch.polygon(*corners)
        sketch.names(*corners)
        for i, corner in enumerate(corners):
            following, previous = corners[(i + 1) % self.sides], corners[i - 1]
            sketch.angle(f"angle_{i + 1}", corner, following, previous)

    def sentence(self) -> str:
        name = {3: "مثلث", 4: "شكل رباعي", 5: "شكل خماسي", 6: "شكل سداسي"}[self.sides]
        return f"{name}{self.named(*range(self.sides))}"

    def web_app(self) -> dict[str, Any] | None:
        labels = [(self.letter(i), self.label(f"angle_{i + 1}")) for i in range(self.sides)]
        return triangle_data(corners_px(self.corner_points()), labels=labels, sides=[])


def closed_by_angles(angles: Sequence[float]) -> list[Point]:
    """Corners of a polygon with these interior angles whose sides differ as little as they can.

    Raises FigureRejected where a side would be too short to be read.
    """
    heading, directions = 0.0, []
    for value in (*angles[1:], angles[0]):
        directions.append(turned(heading))
        heading += 180 - value
    # The sides are 1 plus the smallest change that makes them end where they begin.
    gap = sum(directions)
    xx = sum(d.real * d.real for d in directions)
    yy = sum(d.imag * d.imag for d in directions)
    xy = sum(d.real * d.imag for d in directions)
    determinant = xx * yy - xy * xy
    pull = complex(yy * gap.real - xy * gap.imag, xx * gap.imag - xy * gap.real) / determinant
    sides = [1 - (d.real * pull.real + d.imag * pull.imag) for d in directions]
    if min(sides) < _SHORTEST_SIDE:
        raise FigureRejected(Reason.UNREADABLE, "a side would be too short")
    corners = [0j]
    for side, along in zip(sides[:-1], directions[:-1], strict=True):
        corners.append(corners[-1] + side * along)
    return corners


class ExteriorAngle(SketchedPattern):
    """A triangle whose base is drawn on beyond its second corner. Points: the corners, then the end of that line."""

    title: ClassVar = "زاوية خارجية لمثلث"
    corners: ClassVar = "بجأد"
    is_always_lettered: ClassVar = True

    pattern: Literal["exterior-angle"] = "exterior-angle"
    angle_1: Angle | None = None  #: at the lower left
    angle_2: Angle | None = None  #: beside the exterior one
    angle_3: Angle | None = None  #: on top
    exterior: Angle | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        second = self.angle_2
        if second is None and self.exterior is not None:
            second = 180 - self.exterior
            need(second > 0, Reason.ANGLE_SUM)
        given = [self.angle_1, second, self.angle_3]
        need(sum(value is not None for value in given) >= 2, Reason.UNDETERMINED, "two angles")
        first, beside, top = shared_out(given, 180)
        need(min(first, beside, top) >= _NARROWEST, Reason.UNREADABLE)
        letters = [self.named(i) for i in range(3)]
        return {
            "angle_1": angle(exact(first), f"الزاوية{letters[0]}"),
            "angle_2": angle(exact(beside), f"الزاوية الداخلية{letters[1]}"),
            "angle_3": angle(exact(top), f"الزاوية{letters[2]}"),
            "exterior": angle(exact(180 - beside), "الزاوية الخارجية"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        corners = closed_by_angles([self.size(f"angle_{i}") for i in (1, 2, 3)])
        beyond = corners[1] + 0.6 * abs(corners[1] - corners[0])
        sketch.polygon(*corners)
        sketch.line(corners[1], beyond)
        sketch.angle("angle_1", corners[0], corners[1], corners[2])
        sketch.angle("angle_2", corners[1], corners[2], corners[0])
        sketch.angle("angle_3", corners[2], corners[0], corners[1])
        sketch.angle("exterior", corners[1], beyond, corners[2])
        sketch.name(0, corners[0], -1 - 0.5j)
        sketch.name(1, corners[1], -1j)
        sketch.name(2, corners[2], 1j)
        sketch.name(3, beyond, 1)

    def sentence(self) -> str:
        return f"مثلث{self.named(2, 0, 1)} مُد ضلعه{self.named(0, 1)} على استقامته إلى{self.named(3)}"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (PolygonAngles, ExteriorAngle)
