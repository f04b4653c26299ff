"""The circle with its radius or diameter, its chord, sector and tangent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import circle
from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, area, length
from generation.figures.reasons import Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.figures.value import PI, Value, exact


def radius_of(radius: float | None, diameter: float | None) -> Value:
    """From whichever is given. Raises FigureRejected if neither is."""
    if radius is not None:
        return exact(radius)
    need(diameter is not None, Reason.UNDETERMINED, "radius or diameter")
    return exact(diameter or 1) / 2


class Circle(SketchedPattern):
    title: ClassVar = "دائرة"
    corners: ClassVar = "م"

    pattern: Literal["circle"] = "circle"
    radius: Length | None = None
    diameter: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        return {
            "radius": length(r, "نصف القطر"),
            "diameter": length(r * 2, "القطر"),
            "circumference": length(PI * r * 2, "المحيط"),
            "area": area(PI * r * r),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        sketch.outline(circle(0, r))
        sketch.name(0, 0, -1j, dot=True)
        if self.label("diameter"):
            sketch.line(-r, r)
            sketch.length("diameter", -r, r)
        if self.label("radius") or not self.label("diameter"):
            end = r if not self.label("diameter") else r * (0.6 - 0.8j)
            sketch.line(0, end)
            sketch.length("radius", 0, end)

    def sentence(self) -> str:
        center = f" مركزها {self.points}" if self.points else ""
        return f"دائرة{center}"

    def web_app(self) -> dict[str, Any] | None:
        """A fixed size, because the web app draws 10 px a unit; the number stands in the label."""
        data: dict[str, Any] = {"radius": 12, "labels": {"left": self.points or "م"}}
        text = self.label("diameter") or self.label("radius")
        if text is not None:
            data |= {"label": text, "showDiameter" if self.label("diameter") else "showRadius": True}
        return {"type": "circle", "renderHint": "SVG", "data": data}


PATTERNS: Final = (Circle,)
