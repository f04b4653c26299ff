"""Triangles: right, isosceles, equilateral, scalene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from generation.figures.canvas import Canvas
from generation.figures.exact import Exact, rational, root
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Length, Quantity, area, length
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.sketch import Sketch


class RightTriangle(Pattern):
    """The first point is at the right angle, the second ends the base, the third is on top."""

    title: ClassVar = "مثلث قائم الزاوية"
    corners: ClassVar = "بجأ"

    pattern: Literal["right-triangle"] = "right-triangle"
    base: Length | None = None
    height: Length | None = None
    hypotenuse: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        base, height, longest = self._sides()
        return {
            "base": length(base, "القاعدة"),
            "height": length(height, "الارتفاع"),
            "hypotenuse": length(longest, "الوتر"),
            "perimeter": length(base + height + longest, "المحيط"),
            "area": area(base * height / 2),
        }

    def _sides(self) -> tuple[Exact, Exact, Exact]:
        base, height, longest = (None if side is None else rational(side) for side in self._written())
        if base is None and longest is not None and height is not None:
            base_square = longest**2 - height**2
        elif base is not None:
            base_square = base**2
        else:
            raise FigureRejected(Reason.UNDETERMINED, "two of base, height and hypotenuse")
        if height is None:
            need(longest is not None, Reason.UNDETERMINED, "two of base, height and hypotenuse")
            height_square = (longest or 0) ** 2 - base_square
        else:
            height_square = height**2
        need(base_square > 0 and height_square > 0, Reason.TRIANGLE_INEQUALITY)
        return root(base_square), root(height_square), root(base_square + height_square)

    def _written(self) -> tuple[float | None, float | None, float | None]:
        return self.base, self.height, self.hypotenuse

    def lay_out(self) -> Canvas:
        sketch = Sketch(self)
        base, height = (float(self.known[name].value) for name in ("base", "height"))
        corner, end, top = 0j, complex(base), complex(0, height)
        center = (end + top) / 3
        sketch.polygon(corner, end, top)
        sketch.right_angle(corner, end, top)
        sketch.length("base", corner, end, about=center)
        sketch.length("height", corner, top, about=center)
        sketch.length("hypotenuse", end, top, about=center)
        sketch.names(corner, end, top)
        return sketch.finished()

    def sentence(self) -> str:
        at = f" في {self.letter(0)}" if self.points else ""
        return f"مثلث{self.named(2, 0, 1)} قائم الزاوية{at}"


PATTERNS: Final = (RightTriangle,)
