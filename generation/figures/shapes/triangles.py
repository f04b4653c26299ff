"""Triangles: right, isosceles, equilateral, scalene, and a triangle with its altitude."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Point, foot, turned
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Length, Quantity, angle, area, length
from generation.figures.reasons import Reason
from generation.figures.shapes.solving import Triangle, solved
from generation.figures.sketch import Sketch, SketchedPattern
from generation.figures.web_app import corners_px, triangle_data
from generation.value import exact

_FLATTEST: Final = 6  #: degrees; a narrower apex cannot be read


class _ThreeCorners(SketchedPattern):
    """Corners from the lower left one, counterclockwise."""

    @abstractmethod
    def triangle(self) -> Triangle:
        """Raises FigureRejected if no such triangle can be."""

    def corner_points(self) -> tuple[Point, Point, Point]:
        triangle = self.triangle()
        _, left, base = map(float, triangle.sides)
        return 0j, complex(base), turned(triangle.angles[0], left)

    def draw_sides(self, sketch: Sketch, *names: str) -> tuple[Point, Point, Point]:
        """The outline, the corners' letters, and the lengths of the sides opposite to the three corners."""
        first, second, third = corners = self.corner_points()
        center = sum(corners) / 3
        sketch.polygon(*corners)
        for name, start, end in zip(names, (second, third, first), (third, first, second), strict=True):
            sketch.length(name, start, end, about=center)
        sketch.names(*corners)
        return corners

    def _web_app(
        self, sides: tuple[str, str, str], angles: tuple[str, str, str], right: bool
    ) -> dict[str, Any]:
        """`sides`: the names of the quantities from the first corner on: 1 to 2, 2 to 3, 3 to 1."""
        return triangle_data(
            corners_px(self.corner_points()),
            labels=[(self.letter(i), self.label(name) if name else None) for i, name in enumerate(angles)],
            sides=[self.label(name) if name else None for name in sides],
            right=right,
        )


class RightTriangle(_ThreeCorners):
    """The first point is at the right angle, the second ends the base, the third is on top."""

    title: ClassVar = "مثلث قائم الزاوية"
    corners: ClassVar = "بجأ"

    pattern: Literal["right-triangle"] = "right-triangle"
    base: Length | None = None
    height: Length | None = None
    hypotenuse: Length | None = None
    base_angle: Angle | None = None  #: at the end of the base
    top_angle: Angle | None = None

    def triangle(self) -> Triangle:
        legs = (self.height, self.base)
        # The legs and the right angle say how long the hypotenuse is; a given one is compared with that.
        longest = None if None not in legs else self.hypotenuse
        return solved((longest, *legs), (90, self.base_angle, self.top_angle))

    def quantities(self) -> Mapping[str, Quantity]:
        triangle = self.triangle()
        longest, height, base = triangle.sides
        return {
            "base": length(base, "القاعدة", "قاعدته", *self.side_names(0, 1)),
            "height": length(height, "الارتفاع", "ارتفاعه", *self.side_names(0, 2)),
            "hypotenuse": length(longest, "الوتر", "وتره", *self.side_names(1, 2)),
            "base_angle": angle(exact(triangle.angles[1]), self._angle_name(1)),
            "top_angle": angle(exact(triangle.angles[2]), self._angle_name(2)),
            "perimeter": length(triangle.perimeter, "المحيط"),
            "area": area(triangle.area),
        }

    def _angle_name(self, index: int) -> str:
        default = ("", "زاوية القاعدة", "زاوية الرأس")[index]
        return f"الزاوية {self.letter(index)}" if self.points else default

    def sketch_on(self, sketch: Sketch) -> None:
        corner, end, top = self.draw_sides(sketch, "hypotenuse", "height", "base")
        sketch.right_angle(corner, end, top)
        sketch.angle("base_angle", end, top, corner)
        sketch.angle("top_angle", top, corner, end)

    def sentence(self) -> str:
        at = f" في {self.letter(0)}" if self.points else ""
        return f"مثلث{self.named(2, 0, 1)} قائم الزاوية{at}"

    def web_app(self) -> dict[str, Any] | None:
        return self._web_app(("base", "hypotenuse", "height"), ("", "base_angle", "top_angle"), right=True)


class IsoscelesTriangle(_ThreeCorners):
    """The first and the second point end the base, the third is the apex."""

    title: ClassVar = "مثلث متساوي الساقين"
    corners: ClassVar = "بجأ"

    pattern: Literal["isosceles-triangle"] = "isosceles-triangle"
    leg: Length | None = None
    base: Length | None = None
    height: Length | None = None
    base_angle: Angle | None = None
    apex_angle: Angle | None = None

    def triangle(self) -> Triangle:
        at_base = self._angle_at_base()
        if self.height is not None and (self.leg is None or self.base is None):
            half_base = None if self.base is None else self.base / 2
            half = solved((self.leg, self.height, half_base), (90, at_base, None))
            leg, base = float(half.sides[0]), float(half.sides[2] * 2)
            return solved((leg, leg, base), (None, None, None))
        return solved((self.leg, self.leg, self.base), (at_base, at_base, None))

    def _angle_at_base(self) -> float | None:
        need(self.base_angle is None or self.base_angle < 90, Reason.ANGLE_SUM)
        if self.apex_angle is None:
            return self.base_angle
        need(self.apex_angle < 180, Reason.ANGLE_SUM)
        return (180 - self.apex_angle) / 2

    def quantities(self) -> Mapping[str, Quantity]:
        triangle = self.triangle()
        leg, _, base = triangle.sides
        need(_FLATTEST <= triangle.angles[2] <= 180 - _FLATTEST, Reason.UNREADABLE)
        return {
            "leg": length(leg, "الساق", "طول الساق"),
            "base": length(base, "القاعدة", "قاعدته"),
            "height": length((leg * leg - base * base / 4).sqrt(), "الارتفاع", "ارتفاعه"),
            "base_angle": angle(exact(triangle.angles[0]), "زاوية القاعدة"),
            "apex_angle": angle(exact(triangle.angles[2]), "زاوية الرأس"),
            "perimeter": length(triangle.perimeter, "المحيط"),
            "area": area(triangle.area),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        left, right, apex = self.corner_points()
        sketch.polygon(left, right, apex)
        center = (left + right + apex) / 3
        sketch.length("leg", right, apex, about=center)
        sketch.length("base", left, right, about=center)
        sketch.equal(left, apex)
        sketch.equal(right, apex)
        sketch.names(left, right, apex)
        if self.label("height"):
            below = foot(apex, left, right)
            sketch.line(apex, below, dashed=True, quiet=True)
            sketch.right_angle(below, right, apex)
            sketch.length("height", below, apex)
        sketch.angle("base_angle", left, right, apex)
        sketch.angle("apex_angle", apex, left, right)

    def sentence(self) -> str:
        return f"مثلث{self.named(2, 0, 1)} متساوي الساقين"

    def web_app(self) -> dict[str, Any] | None:
        if self.label("height"):
            return None
        return self._web_app(("base", "leg", "leg"), ("base_angle", "", "apex_angle"), right=False)


class EquilateralTriangle(_ThreeCorners):
    title: ClassVar = "مثلث متساوي الأضلاع"
    corners: ClassVar = "بجأ"

    pattern: Literal["equilateral-triangle"] = "equilateral-triangle"
    side: Length

    def triangle(self) -> Triangle:
        return solved((self.side, self.side, self.side), (None, None, None))

    def quantities(self) -> Mapping[str, Quantity]:
        side = exact(self.side)
        return {
            "side": length(side, "الضلع", "طول ضلعه"),
            "height": length((side * side * 3).sqrt() / 2, "الارتفاع", "ارتفاعه"),
            "perimeter": length(side * 3, "المحيط"),
            "area": area(self.triangle().area),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        left, right, apex = corners = self.corner_points()
        sketch.polygon(*corners)
        sketch.length("side", left, right, about=apex)
        sketch.names(*corners)
        for start, end in ((left, right), (right, apex), (apex, left)):
            sketch.equal(start, end)

    def sentence(self) -> str:
        return f"مثلث{self.named(2, 0, 1)} متساوي الأضلاع"

    def web_app(self) -> dict[str, Any] | None:
        return self._web_app(("side", "", ""), ("", "", ""), right=False)


class ScaleneTriangle(_ThreeCorners):
    """Any triangle: three sides, two sides and an angle, or two angles with or without a side."""

    title: ClassVar = "مثلث"
    corners: ClassVar = "بجأ"
    is_always_lettered: ClassVar = True

    pattern: Literal["triangle"] = "triangle"
    side_12: Length | None = None  #: from the first point to the second
    side_23: Length | None = None
    side_31: Length | None = None
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None

    def triangle(self) -> Triangle:
        return solved((self.side_23, self.side_31, self.side_12), (self.angle_1, self.angle_2, self.angle_3))

    def quantities(self) -> Mapping[str, Quantity]:
        triangle = self.triangle()
        sides = {
            f"side_{i + 1}{j + 1}": length(triangle.sides[3 - i - j], *self.side_names(i, j))
            for i, j in ((0, 1), (1, 2), (2, 0))
        }
        angles = {
            f"angle_{i + 1}": angle(exact(triangle.angles[i]), f"الزاوية{self.named(i)}") for i in range(3)
        }
        return {
            **sides,
            **angles,
            "perimeter": length(triangle.perimeter, "المحيط"),
            "area": area(triangle.area),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        corners = self.draw_sides(sketch, "side_23", "side_31", "side_12")
        for i in range(3):
            sketch.angle(f"angle_{i + 1}", corners[i], corners[(i + 1) % 3], corners[(i + 2) % 3])

    def sentence(self) -> str:
        return f"مثلث {' '.join(self.letter(i) for i in (2, 0, 1))}"

    def web_app(self) -> dict[str, Any] | None:
        return self._web_app(
            ("side_12", "side_23", "side_31"), ("angle_1", "angle_2", "angle_3"), right=False
        )


class TriangleWithAltitude(SketchedPattern):
    """A triangle on its base with the altitude to it; `foot` is how far from the first point the altitude stands."""

    title: ClassVar = "مثلث وارتفاعه"
    corners: ClassVar = "بجأد"

    pattern: Literal["triangle-altitude"] = "triangle-altitude"
    base: Length
    height: Length
    foot: Length | None = None
    left_side: Length | None = None
    right_side: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        base, height = exact(self.base), exact(self.height)
        part = base * 2 / 5
        if self.foot is not None:
            part = exact(self.foot)
        elif self.left_side is not None or self.right_side is not None:
            side = exact(self.left_side or self.right_side or 0)
            need(height < side, Reason.TRIANGLE_INEQUALITY)
            part = (side * side - height * height).sqrt()
            part = part if self.left_side is not None else base - part
        need(exact(0) < part < base, Reason.NOT_CONTAINED, "the altitude must stand on the base")
        rest = base - part
        left, right = (part * part + height * height).sqrt(), (rest * rest + height * height).sqrt()
        return {
            "base": length(base, "القاعدة", "قاعدته"),
            "height": length(height, "الارتفاع", "ارتفاعه"),
            "foot": length(part, f"الجزء{self.named(0, 3)} من القاعدة"),
            "left_side": length(left, f"الضلع{self.named(0, 2)}"),
            "right_side": length(right, f"الضلع{self.named(1, 2)}"),
            "area": area(base * height / 2),
            "perimeter": length(base + left + right, "المحيط"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        right = complex(self.size("base"))
        below = complex(self.size("foot"))
        apex = below + 1j * self.size("height")
        sketch.polygon(0, right, apex)
        sketch.line(apex, below, dashed=True)
        sketch.right_angle(below, right, apex)
        sketch.length("left_side", 0, apex, off=-1)
        sketch.length("right_side", right, apex, off=1)
        sketch.length("height", below, apex, off=1)
        if self.label("foot"):
            sketch.length("foot", 0, below, off=-1j)
            sketch.dimension("base", 0, right, -1j)
        else:
            sketch.length("base", 0, right, off=-1j)
        sketch.names(0, right, apex)
        sketch.name(3, below, -1j)

    def sentence(self) -> str:
        return f"مثلث{self.named(2, 0, 1)} والعمود{self.named(2, 3)} على قاعدته"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (
    RightTriangle,
    IsoscelesTriangle,
    EquilateralTriangle,
    ScaleneTriangle,
    TriangleWithAltitude,
)
