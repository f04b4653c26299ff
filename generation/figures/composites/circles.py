"""Two circles: with one center, or each through the center of the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import circle, polygon, turned
from generation.figures.overlapping.squares import SHADED_AREA
from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, area, length
from generation.figures.reasons import Reason
from generation.figures.shapes.circles import radius_and_diameter, radius_of
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, exact, rational, root


class ConcentricCircles(SketchedPattern):
    title: ClassVar = "دائرتان لهما مركز واحد"
    corners: ClassVar = "م"

    pattern: Literal["concentric-circles"] = "concentric-circles"
    inner: Length
    outer: Length
    width: Length | None = None  #: of the ring
    shaded: Literal["ring", "inner", "none"] = "ring"

    def quantities(self) -> Mapping[str, Quantity]:
        inner, outer = exact(self.inner), exact(self.outer)
        need(inner < outer, Reason.NOT_CONTAINED, "the inner circle is wider than the outer one")
        need(0.12 <= self.inner / self.outer <= 0.93, Reason.UNREADABLE)
        disc, whole = PI * inner * inner, PI * outer * outer
        return {
            "inner": length(inner, "نصف قطر الصغرى", "نصف قطر الدائرة الصغرى"),
            "outer": length(outer, "نصف قطر الكبرى", "نصف قطر الدائرة الكبرى"),
            "width": length(outer - inner, "عرض الحلقة"),
            "inner_area": area(disc, "مساحة الصغرى"),
            "outer_area": area(whole, "مساحة الكبرى"),
            "shaded_area": area(disc if self.shaded == "inner" else whole - disc, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        inner, outer = self.size("inner"), self.size("outer")
        if self.shaded == "ring":
            sketch.shade(circle(0, outer), circle(0, inner), measures="shaded_area")
        elif self.shaded == "inner":
            sketch.shade(circle(0, inner), measures="shaded_area")
        sketch.outline(circle(0, outer))
        sketch.outline(circle(0, inner))
        sketch.name(0, 0, -1j, dot=True)
        if self.label("inner"):
            end = turned(180, inner)
            sketch.line(0, end)
            sketch.length("inner", 0, end, off=1j)
        if self.label("outer"):
            end = turned(-35, outer)
            sketch.line(0, end)
            sketch.witness_length("outer", 0, end)
            sketch.quantity("outer", end, end)
        if self.label("width"):
            sketch.line(1j * inner, 1j * outer)
            sketch.length("width", 1j * inner, 1j * outer, off=1)

    def sentence(self) -> str:
        shaded = {"ring": "، ظُلل ما بينهما", "inner": "، ظُللت الصغرى", "none": ""}[self.shaded]
        center = f" هو {self.points}" if self.points else ""
        return f"دائرتان لهما مركز واحد{center}{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        """Two plain circles with one line of text below."""
        if self.shaded != "none" or self.points or set(self.shown_measures) != {"inner", "outer"}:
            return None
        shapes = [
            {"type": "circle", "cx": 200, "cy": 180, "radius": radius}
            for radius in (140, round(140 * self.inner / self.outer))
        ]
        return {
            "type": "composite-shape",
            "renderHint": "SVG",
            "data": {"shapes": shapes, "labels": self.measure_texts()},
        }


class CirclesThroughCenters(SketchedPattern):
    """Points: the two centers, then where the circles meet, above and below."""

    title: ClassVar = "دائرتان تمر كل منهما بمركز الأخرى"
    corners: ClassVar = "أبجد"

    pattern: Literal["circles-through-centers"] = "circles-through-centers"
    radius: Length | None = None
    diameter: Length | None = None
    form: Literal["triangle", "rhombus"] = "triangle"
    shaded: bool = True  #: the triangle or the rhombus

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        triangle = r * r * root(rational(3)) / 4
        sides = {"triangle": 3, "rhombus": 4}[self.form]
        size = triangle if self.form == "triangle" else triangle * 2
        return {
            **radius_and_diameter(r, "القطر", "قطر كل منهما"),
            "perimeter": length(r * sides, "محيط الشكل"),
            "area": area(size, "مساحة الشكل"),
            "shaded_area": area(size, SHADED_AREA),
            "common_chord": length(r * root(rational(3)), f"الوتر المشترك{self.named(2, 3)}"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        left, right, top, bottom = 0j, complex(r), turned(60, r), turned(-60, r)
        shape = (left, right, top) if self.form == "triangle" else (left, bottom, right, top)
        if self.shaded:
            sketch.shade(polygon(*shape), measures="shaded_area")
        sketch.outline(circle(left, r))
        sketch.outline(circle(right, r))
        sketch.polygon(*shape)
        if self.label("radius"):
            sketch.line(left, complex(-r), dashed=True)
            sketch.length("radius", left, complex(-r), off=1j)
        sketch.name(0, left, -1 - 1j, dot=True)
        sketch.name(1, right, 1 - 1j, dot=True)
        sketch.name(2, top, 1j, dot=True)
        if self.form == "rhombus" or "common_chord" in self.ask:
            sketch.name(3, bottom, -1j, dot=True)
        if "common_chord" in self.ask:
            sketch.line(top, bottom, dashed=True)
            sketch.length("common_chord", top, bottom)

    def sentence(self) -> str:
        shape = {"triangle": f"المثلث{self.named(0, 1, 2)}", "rhombus": f"المعين{self.named(0, 3, 1, 2)}"}[
            self.form
        ]
        shaded = " مظلل" if self.shaded else " مرسوم"
        return f"دائرتان متطابقتان تمر كل منهما بمركز الأخرى، و{shape} من مركزيهما ونقطتي تقاطعهما{shaded}"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (ConcentricCircles, CirclesThroughCenters)
