"""Square, rectangle and rhombus; corners from the lower left one, counterclockwise."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Point, rectangle
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Area, Length, Quantity, angle, area, length
from generation.figures.reasons import Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.figures.web_app import corners_px, triangle_data
from generation.value import Value, arc_tangent, cosine, exact, sine

ANY_ANGLE: Final = 65.0  #: of a slanted side that nothing determines
ANY_SIDE: Final = 10.0
_THINNEST: Final = 10  #: the longer side over the shorter one

Corners = tuple[Point, Point, Point, Point]


class FourCorners(SketchedPattern):
    corners: ClassVar = "أبجد"

    @abstractmethod
    def corner_points(self) -> Corners:
        """From the lower left one, counterclockwise."""

    def outline(self, sketch: Sketch) -> Corners:
        corners = self.corner_points()
        sketch.polygon(*corners)
        sketch.names(*corners)
        return corners

    def fields(
        self, sides: tuple[str, str, str, str], angles: tuple[str, ...] = (), *, right: bool = False
    ) -> dict[str, Any]:
        """Sides from the first corner on; a side whose text is that of an earlier one stays blank."""
        labels = [(self.letter(i), self.label(angles[i]) if i < len(angles) else None) for i in range(4)]
        texts = [self.label(name) if name and name not in sides[:i] else None for i, name in enumerate(sides)]
        return triangle_data(corners_px(self.corner_points()), labels=labels, sides=texts, right=right)


class Square(FourCorners):
    title: ClassVar = "مربع"

    pattern: Literal["square"] = "square"
    side: Length | None = None
    diagonal: Length | None = None
    perimeter: Length | None = None
    area: Area | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        side = self._side()
        return {
            "side": length(side, "الضلع", "ضلعه", "طول ضلعه"),
            "diagonal": length((side * side * 2).sqrt(), "القطر", "قطره"),
            "perimeter": length(side * 4, "المحيط", "محيطه"),
            "area": area(side * side, "المساحة", "مساحته"),
        }

    def _side(self) -> Value:
        if self.side is not None:
            return exact(self.side)
        if self.diagonal is not None:
            return (exact(self.diagonal) * exact(self.diagonal) / 2).sqrt()
        if self.perimeter is not None:
            return exact(self.perimeter) / 4
        need(self.area is not None, Reason.UNDETERMINED, "side, diagonal, perimeter or area")
        return exact(self.area or 1).sqrt()

    def corner_points(self) -> Corners:
        return rectangle(0j, self.size("side"), self.size("side"))

    def sketch_on(self, sketch: Sketch) -> None:
        a, b, c, d = self.outline(sketch)
        for start, end in ((a, b), (b, c), (c, d), (d, a)):
            sketch.equal(start, end)
        sketch.right_angle(a, b, d)
        sketch.length("side", b, c, off=1)
        if self.label("diagonal"):
            sketch.line(a, c, dashed=True)
            sketch.length("diagonal", a, c)

    def sentence(self) -> str:
        return f"مربع{self.named(0, 1, 2, 3)}"

    def web_app(self) -> dict[str, Any] | None:
        if self.shown_measures.keys() != {"side"} or self.label("diagonal"):
            return None  # the web app has no place for another measure
        return self.fields(("side", "", "", ""), right=True)


class Rectangle(FourCorners):
    title: ClassVar = "مستطيل"

    pattern: Literal["rectangle"] = "rectangle"
    width: Length | None = None
    height: Length | None = None
    diagonal: Length | None = None
    perimeter: Length | None = None
    area: Area | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        width, height = self._sides()
        need(_is_readable(width, height), Reason.UNREADABLE)
        return {
            "width": length(width, "الطول", "طوله"),
            "height": length(height, "العرض", "عرضه"),
            "diagonal": length((width * width + height * height).sqrt(), "القطر", "قطره"),
            "perimeter": length((width + height) * 2, "المحيط", "محيطه"),
            "area": area(width * height, "المساحة", "مساحته"),
        }

    def _sides(self) -> tuple[Value, Value]:
        if self.width is not None:
            return exact(self.width), self._other_side(exact(self.width))
        need(self.height is not None, Reason.UNDETERMINED, "width and one more measure")
        height = exact(self.height or 1)
        return self._other_side(height), height

    def _other_side(self, side: Value) -> Value:
        if self.width is not None and self.height is not None:
            return exact(self.height)
        if self.diagonal is not None:
            square = exact(self.diagonal) * exact(self.diagonal) - side * side
            need(float(square) > 0, Reason.TRIANGLE_INEQUALITY, "the diagonal is longer than a side")
            return square.sqrt()
        if self.perimeter is not None:
            other = exact(self.perimeter) / 2 - side
            need(float(other) > 0, Reason.INCONSISTENT, "two sides are shorter than the perimeter")
            return other
        need(self.area is not None, Reason.UNDETERMINED, "two measures")
        return exact(self.area or 1) / side

    def corner_points(self) -> Corners:
        return rectangle(0j, self.size("width"), self.size("height"))

    def sketch_on(self, sketch: Sketch) -> None:
        a, b, c, d = self.outline(sketch)
        sketch.right_angle(a, b, d)
        sketch.length("width", a, b, off=-1j)
        sketch.length("height", b, c, off=1)
        if self.label("diagonal"):
            sketch.line(a, c, dashed=True)
            sketch.length("diagonal", a, c)

    def sentence(self) -> str:
        return f"مستطيل{self.named(0, 1, 2, 3)}"

    def web_app(self) -> dict[str, Any] | None:
        if not self.shown_measures.keys() <= {"width", "height"} or self.label("diagonal"):
            return None
        return self.fields(("width", "height", "", ""), right=True)


class Rhombus(FourCorners):
    """Two diagonals, or a side with an angle or a diagonal, or a side alone."""

    title: ClassVar = "معين"

    pattern: Literal["rhombus"] = "rhombus"
    side: Length | None = None
    diagonal_1: Length | None = None  #: from the first corner to the third
    diagonal_2: Length | None = None
    angle_1: Angle | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        first, second = self._diagonals()
        side = (first * first + second * second).sqrt() / 2
        known = {
            "side": length(side, "الضلع", "طول ضلعه"),
            "diagonal_1": length(first, f"القطر{self.named(0, 2)}"),
            "diagonal_2": length(second, f"القطر{self.named(1, 3)}"),
            "angle_1": angle(exact(2 * arc_tangent(float(second) / float(first))), f"الزاوية{self.named(0)}"),
            "perimeter": length(side * 4, "المحيط"),
            "area": area(first * second / 2),
        }
        need(_is_readable(first, second), Reason.UNREADABLE)
        given = sum(value is not None for value in (self.side, self.diagonal_1, self.diagonal_2))
        if self.angle_1 is None and given < 2:
            return {name: known[name] for name in ("side", "perimeter")}
        return known if given else {"angle_1": known["angle_1"]}

    def _diagonals(self) -> tuple[Value, Value]:
        first, second = (
            None if value is None else exact(value) for value in (self.diagonal_1, self.diagonal_2)
        )
        if first is not None and second is not None:
            return first, second
        if self.side is not None and (diagonal := first or second) is not None:
            square = exact(self.side) * exact(self.side) * 4 - diagonal * diagonal
            need(float(square) > 0, Reason.TRIANGLE_INEQUALITY)
            other = square.sqrt()
            return (diagonal, other) if first is not None else (other, diagonal)
        half = (self.angle_1 if self.angle_1 is not None else ANY_ANGLE) / 2
        need(half < 90, Reason.ANGLE_SUM)
        if (diagonal := first or second) is not None:
            need(self.angle_1 is not None, Reason.UNDETERMINED, "side, angle or the other diagonal")
            ratio = sine(half) / cosine(half)
            return (diagonal, diagonal * ratio) if first is not None else (diagonal / ratio, diagonal)
        side = exact(self.side or ANY_SIDE)
        return side * cosine(half) * 2, side * sine(half) * 2

    def corner_points(self) -> Corners:
        first, second = (float(value) / 2 for value in self._diagonals())
        return complex(-first), complex(0, -second), complex(first), complex(0, second)

    def sketch_on(self, sketch: Sketch) -> None:
        a, b, c, d = self.outline(sketch)
        for start, end in ((a, b), (b, c), (c, d), (d, a)):
            sketch.equal(start, end)
        if "side" in self.known:
            sketch.length("side", b, c, about=0j)
        if "diagonal_1" not in self.known:
            if "angle_1" in self.known:
                sketch.angle("angle_1", a, b, d)
            return
        if self.label("diagonal_1") or self.label("diagonal_2"):
            sketch.line(a, c, dashed=True)
            sketch.line(b, d, dashed=True)
            sketch.right_angle(0j, a, b)
            sketch.length("diagonal_1", a, c, off=1j, part=0.3)
            sketch.length("diagonal_2", b, d, off=1, part=0.75)
        sketch.angle("angle_1", a, b, d)

    def sentence(self) -> str:
        return f"معين{self.named(0, 1, 2, 3)}"

    def web_app(self) -> dict[str, Any] | None:
        if self.label("diagonal_1") or self.label("diagonal_2"):
            return None
        return self.fields(("side", "", "", ""), ("angle_1",))


def _is_readable(one: Value, other: Value) -> bool:
    small, large = sorted((float(one), float(other)))
    return large <= _THINNEST * small


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (Square, Rectangle, Rhombus)
