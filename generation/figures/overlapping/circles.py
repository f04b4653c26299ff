"""Circles that touch: three of them, a row in a rectangle, and the segment between sector and triangle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Arc, Contour, Line, circle, polygon, rectangle, turned
from generation.figures.overlapping.squares import SHADED_AREA, overlapping
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Length, Quantity, angle, area, length
from generation.figures.reasons import Reason
from generation.figures.shapes.circles import radius_and_diameter, radius_of
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, Value, exact, rational, root, sine


class ThreeTangentCircles(SketchedPattern):
    """Three equal circles, each touching the others. Points: the centers."""

    title: ClassVar = "ثلاث دوائر متماسة"
    corners: ClassVar = "أبج"

    pattern: Literal["three-tangent-circles"] = "three-tangent-circles"
    radius: Length | None = None
    diameter: Length | None = None
    shaded: Literal["gap", "none"] = "gap"  #: what the circles enclose

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        triangle = r * r * root(rational(3))
        return {
            **radius_and_diameter(r, "القطر", "قطر كل منها"),
            "triangle_area": area(triangle, "مساحة المثلث"),
            "triangle_perimeter": length(r * 6, "محيط المثلث"),
            "shaded_area": area(triangle - PI * r * r / 2, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        centers = (0j, complex(2 * r), turned(60, 2 * r))
        gap: Contour = [
            Arc(centers[0], r, 0, 60),
            Arc(centers[2], r, 240, 300),
            Arc(centers[1], r, 120, 180),
        ]
        if self.shaded == "gap":
            sketch.shade(gap, measures="shaded_area")
        for center in centers:
            sketch.outline(circle(center, r))
        sketch.polygon(*centers)
        if self.label("radius"):
            end = complex(-r)
            sketch.line(centers[0], end, dashed=True)
            sketch.length("radius", centers[0], end, off=1j)
        if self.label("diameter"):
            sketch.line(centers[2] - r, centers[2] + r, dashed=True)
            sketch.length("diameter", centers[2] - r, centers[2] + r, off=1j)
        for index, center in enumerate(centers):
            sketch.name(index, center, -1j, dot=True)

    def sentence(self) -> str:
        shaded = "، ظُلل ما بينها" if self.shaded == "gap" else ""
        return f"ثلاث دوائر متطابقة تمس كل منها الأخريين، وصل بين مراكزها المثلث{self.named(0, 1, 2)}{shaded}"


class SectorMinusTriangle(SketchedPattern):
    """The segment of a circle that a chord cuts off. Points: the center and the ends of the chord."""

    title: ClassVar = "قطاع دائري طُرح منه مثلث"
    corners: ClassVar = "مأب"

    pattern: Literal["sector-minus-triangle"] = "sector-minus-triangle"
    radius: Length | None = None
    diameter: Length | None = None
    angle: Angle
    shaded: Literal["segment", "none"] = "segment"

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        need(self.angle < 180, Reason.NOT_THE_NAMED_SHAPE, "the sector holds a triangle")
        need(self.angle >= 30, Reason.UNREADABLE)
        sector = PI * r * r * (rational(self.angle) / 360)
        triangle = r * r * sine(self.angle) / 2
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "angle": angle(exact(self.angle), "الزاوية المركزية"),
            "sector_area": area(sector, "مساحة القطاع"),
            "triangle_area": area(triangle, "مساحة المثلث"),
            "shaded_area": area(sector - triangle, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        arc = Arc(0, r, 90 - self.angle / 2, 90 + self.angle / 2)
        if self.shaded == "segment":
            sketch.shade([arc, Line(arc.end, arc.start)], measures="shaded_area")
        sketch.outline([Line(0, arc.start), arc, Line(arc.end, 0)])
        sketch.line(arc.start, arc.end)
        sketch.length("radius", 0, arc.start, about=1j * r)
        sketch.angle("angle", 0, arc.start, arc.end)
        sketch.name(0, 0, -1j, dot=True)
        sketch.name(1, arc.start, arc.start)
        sketch.name(2, arc.end, arc.end)

    def sentence(self) -> str:
        shaded = "، ظُلل ما بين قوسه ووتره" if self.shaded == "segment" else ""
        return f"قطاع دائري{self.named(1, 0, 2)} رُسم وتره{self.named(1, 2)}{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        if self.shaded == "none" or self.points or self.shown_measures.keys() != {"radius", "angle"}:
            return None
        return overlapping("sector-minus-triangle", radius=self.size("radius"), angle=self.size("angle"))


class CirclesInRectangle(SketchedPattern):
    """Equal circles in a row; the outer ones touch three sides of the rectangle."""

    title: ClassVar = "دوائر داخل مستطيل"
    corners: ClassVar = "أبجد"

    pattern: Literal["circles-in-rectangle"] = "circles-in-rectangle"
    count: Literal[2, 3, 4, 5]
    radius: Length | None = None
    width: Length | None = None
    height: Length | None = None
    shaded: Literal["outside", "inside", "none"] = "outside"  #: of the circles

    def quantities(self) -> Mapping[str, Quantity]:
        r = self._radius()
        width, height = r * 2 * self.count, r * 2
        discs, whole = PI * r * r * self.count, width * height
        return {
            "radius": length(r, "نصف القطر", "نصف قطر كل منها"),
            "width": length(width, "طول المستطيل", "طوله"),
            "height": length(height, "عرض المستطيل", "عرضه"),
            "rectangle_area": area(whole, "مساحة المستطيل"),
            "circles_area": area(discs, "مساحة الدوائر"),
            "shaded_area": area(discs if self.shaded == "inside" else whole - discs, SHADED_AREA),
        }

    def _radius(self) -> Value:
        if self.radius is not None:
            return exact(self.radius)
        if self.height is not None:
            return exact(self.height) / 2
        need(self.width is not None, Reason.UNDETERMINED, "radius, width or height")
        return exact(self.width or 1) / (2 * self.count)

    def problems(self) -> list[Reason]:
        found = super().problems()
        return [Reason.NOT_TANGENT if reason is Reason.INCONSISTENT else reason for reason in found]

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        corners = rectangle(0j, self.size("width"), self.size("height"))
        centers = [complex(r + 2 * r * i, r) for i in range(self.count)]
        discs = [circle(center, r) for center in centers]
        if self.shaded == "outside":
            sketch.shade(polygon(*corners), *discs, measures="shaded_area")
        elif self.shaded == "inside":
            sketch.shade_all(*discs, measures="shaded_area")
        sketch.polygon(*corners)
        for disc in discs:
            sketch.outline(disc)
        sketch.names(*corners)
        sketch.length("width", corners[0], corners[1], off=-1j)
        sketch.length("height", corners[1], corners[2], off=1)
        if self.label("radius"):
            sketch.line(centers[0], centers[0] + r * 1j, dashed=True)
            sketch.length("radius", centers[0], centers[0] + r * 1j, off=1)

    def sentence(self) -> str:
        count = {
            2: "دائرتان متطابقتان",
            3: "ثلاث دوائر متطابقة",
            4: "أربع دوائر متطابقة",
            5: "خمس دوائر متطابقة",
        }
        shaded = {"outside": "، ظُلل ما بقي منه", "inside": "، ظُللت الدوائر", "none": ""}[self.shaded]
        return f"مستطيل{self.named(0, 1, 2, 3)} داخله {count[self.count]} متماسة تمس أضلاعه{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        if self.count != 2 or self.shaded != "outside" or self.points:
            return None
        if self.shown_measures.keys() != {"width", "height"}:
            return None
        data = overlapping("circles-in-rectangle", width=self.size("width"), height=self.size("height"))
        data["data"]["dimensions"]["numCircles"] = 2
        return data


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (
    ThreeTangentCircles,
    SectorMinusTriangle,
    CirclesInRectangle,
)
