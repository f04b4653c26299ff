"""The regular pentagon and hexagon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Point, turned
from generation.figures.quantity import Length, Quantity, angle, area, length
from generation.figures.sketch import Sketch, SketchedPattern
from generation.figures.web_app import corners_px, triangle_data
from generation.value import exact, sine


class _RegularPolygon(SketchedPattern):
    count: ClassVar[int]

    side: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        turn = 360 / self.count
        angles = {
            "interior_angle": angle(exact(180 - turn), "الزاوية الداخلية"),
            "exterior_angle": angle(exact(turn), "الزاوية الخارجية"),
        }
        if self.side is None:
            return angles
        side = exact(self.side)
        # As many isosceles triangles as corners, each with the turn at its apex.
        radius = side / sine(turn / 2) / 2
        return {
            "side": length(side, "الضلع", "طول ضلعه"),
            "perimeter": length(side * self.count, "المحيط"),
            "area": area(radius * radius * sine(turn) * self.count / 2),
            **angles,
        }

    def corner_points(self) -> list[Point]:
        turn = 360 / self.count
        radius = (self.side or 1) / (2 * float(sine(turn / 2)))
        return [turned(-90 - turn / 2 + turn * i, radius) for i in range(self.count)]

    def sketch_on(self, sketch: Sketch) -> None:
        corners = self.corner_points()
        sketch.polygon(*corners)
        for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
            sketch.equal(start, end)
        if self.side is not None:
            sketch.length("side", corners[0], corners[1], off=-1j)
        sketch.names(*corners)
        sketch.angle("interior_angle", corners[1], corners[2], corners[0])
        if "exterior_angle" in self.ask:
            out = corners[1] + (corners[1] - corners[0]) * 0.5
            sketch.line(corners[1], out, dashed=True)
            sketch.angle("exterior_angle", corners[1], out, corners[2])

    def sentence(self) -> str:
        return f"{self.title}{self.named(*range(len(self.points)))}"

    def shows_nothing(self) -> bool:
        return False  # a regular polygon says its angles itself

    def web_app(self) -> dict[str, Any] | None:
        if self.ask and not {"area", "perimeter"}.issuperset(self.ask):
            return None
        return triangle_data(
            corners_px(self.corner_points()),
            labels=[(self.letter(i), None) for i in range(self.count)],
            sides=[self.label("side"), *[None] * (self.count - 1)] if self.side is not None else [],
        )


class Pentagon(_RegularPolygon):
    title: ClassVar = "خماسي منتظم"
    corners: ClassVar = "أبجده"
    count: ClassVar = 5

    pattern: Literal["pentagon"] = "pentagon"


class Hexagon(_RegularPolygon):
    title: ClassVar = "سداسي منتظم"
    corners: ClassVar = "أبجدهو"
    count: ClassVar = 6

    pattern: Literal["hexagon"] = "hexagon"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (Pentagon, Hexagon)
