"""Cube, cuboid, cylinder, cone and sphere, seen from above at an angle: proportions are kept, not measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from generation.figures.geometry import Arc, rectangle
from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, area, length, volume
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.shapes.circles import radius_and_diameter, radius_of, with_center
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, Value, exact

_DEPTH: Final = 0.42 + 0.36j  #: where a unit of depth leads in the drawing
_FLATNESS: Final = 0.3  #: of a circle that is seen at an angle
_LEAST_PROPORTION: Final = 0.35  #: a flatter solid is drawn as if it were this high


class _Solid(SketchedPattern):
    to_scale: ClassVar = False


def _proportion(size: float, largest: float) -> float:
    return max(size / largest, _LEAST_PROPORTION)


def _draw_box(sketch: Sketch, width: float, height: float, depth: float) -> tuple[complex, ...]:
    """The corners of the front face, then the rear ones, each counterclockwise from the lower left one."""
    front = rectangle(0j, width, height)
    rear = tuple(corner + depth * _DEPTH for corner in front)
    sketch.polygon(*front)
    sketch.line(front[1], rear[1], rear[2], rear[3], front[3])
    sketch.line(front[2], rear[2])
    for hidden in (front[0], rear[1], rear[3]):
        sketch.line(rear[0], hidden, dashed=True, quiet=True)
    return (*front, *rear)


class Cube(_Solid):
    title: ClassVar = "مكعب"

    pattern: Literal["cube"] = "cube"
    edge: Length

    def quantities(self) -> Mapping[str, Quantity]:
        edge = exact(self.edge)
        return {
            "edge": length(edge, "طول الحرف", "حرفه"),
            "volume": volume(edge * edge * edge, "الحجم", "حجمه"),
            "surface": area(edge * edge * 6, "المساحة السطحية"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        corners = _draw_box(sketch, 1, 1, 1)
        sketch.quantity("edge", (corners[0] + corners[1]) / 2, -1j)

    def sentence(self) -> str:
        return "مكعب"


class Cuboid(_Solid):
    title: ClassVar = "متوازي مستطيلات"

    pattern: Literal["cuboid"] = "cuboid"
    length: Length
    width: Length
    height: Length

    def quantities(self) -> Mapping[str, Quantity]:
        a, b, c = exact(self.length), exact(self.width), exact(self.height)
        return {
            "length": length(a, "الطول", "طوله"),
            "width": length(b, "العرض", "عرضه"),
            "height": length(c, "الارتفاع", "ارتفاعه"),
            "volume": volume(a * b * c, "الحجم", "حجمه"),
            "surface": area((a * b + b * c + c * a) * 2, "المساحة السطحية"),
            "diagonal": length((a * a + b * b + c * c).sqrt(), "القطر"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        largest = max(self.length, self.width, self.height)
        sizes = [_proportion(size, largest) for size in (self.length, self.height, self.width)]
        corners = _draw_box(sketch, sizes[0], sizes[1], sizes[2])
        sketch.quantity("length", (corners[0] + corners[1]) / 2, -1j)
        sketch.quantity("height", (corners[5] + corners[6]) / 2, 1)
        sketch.quantity("width", (corners[1] + corners[5]) / 2, 1 - 1j)
        if self.label("diagonal"):
            sketch.line(corners[0], corners[6], dashed=True)
            sketch.quantity("diagonal", (corners[0] + corners[6]) / 2, -1 + 1j)

    def sentence(self) -> str:
        return "متوازي مستطيلات"


class Cylinder(_Solid):
    title: ClassVar = "أسطوانة"

    pattern: Literal["cylinder"] = "cylinder"
    radius: Length | None = None
    diameter: Length | None = None
    height: Length

    def quantities(self) -> Mapping[str, Quantity]:
        r, h = radius_of(self.radius, self.diameter), exact(self.height)
        return {
            **radius_and_diameter(r, "قطر القاعدة", "قطرها"),
            "height": length(h, "الارتفاع", "ارتفاعها"),
            "volume": volume(PI * r * r * h, "الحجم", "حجمها"),
            "lateral": area(PI * r * h * 2, "المساحة الجانبية"),
            "surface": area(PI * r * (r + h) * 2, "المساحة السطحية"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        largest = max(self.size("radius") * 2, self.height)
        r, h = _proportion(self.size("radius") * 2, largest) / 2, _proportion(self.height, largest)
        flat, top = r * _FLATNESS, 1j * h
        sketch.outline([Arc(top, r, 0, 360, flat)])
        sketch.outline([Arc(0, r, 180, 360, flat)])
        sketch.outline([Arc(0, r, 0, 180, flat)], dashed=True, quiet=True)
        sketch.line(-r, -r + top)
        sketch.line(r, r + top)
        sketch.quantity("height", r + top / 2, 1)
        _draw_radius(sketch, self, top, r)

    def sentence(self) -> str:
        return "أسطوانة دائرية قائمة"


class Cone(_Solid):
    title: ClassVar = "مخروط"

    pattern: Literal["cone"] = "cone"
    radius: Length | None = None
    diameter: Length | None = None
    height: Length | None = None
    slant: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        r, h, slant = self._lengths()
        return {
            **radius_and_diameter(r, "قطر القاعدة", "قطره"),
            "height": length(h, "الارتفاع", "ارتفاعه"),
            "slant": length(slant, "الراسم", "طول الراسم"),
            "volume": volume(PI * r * r * h / 3, "الحجم", "حجمه"),
            "lateral": area(PI * r * slant, "المساحة الجانبية"),
            "surface": area(PI * r * (r + slant), "المساحة السطحية"),
        }

    def _lengths(self) -> tuple[Value, Value, Value]:
        height, slant = (None if x is None else exact(x) for x in (self.height, self.slant))
        if self.radius is None and self.diameter is None:
            if height is None or slant is None:
                raise FigureRejected(Reason.UNDETERMINED, "two of radius, height and slant")
            need(height < slant, Reason.TRIANGLE_INEQUALITY)
            return (slant * slant - height * height).sqrt(), height, slant
        r = radius_of(self.radius, self.diameter)
        if height is not None:
            return r, height, (r * r + height * height).sqrt()
        if slant is None:
            raise FigureRejected(Reason.UNDETERMINED, "two of radius, height and slant")
        need(r < slant, Reason.TRIANGLE_INEQUALITY)
        return r, (slant * slant - r * r).sqrt(), slant

    def sketch_on(self, sketch: Sketch) -> None:
        largest = max(self.size("radius") * 2, self.size("height"))
        r = _proportion(self.size("radius") * 2, largest) / 2
        top = 1j * _proportion(self.size("height"), largest)
        flat = r * _FLATNESS
        sketch.outline([Arc(0, r, 180, 360, flat)])
        sketch.outline([Arc(0, r, 0, 180, flat)], dashed=True, quiet=True)
        sketch.line(-r, top, r)
        if self.label("height"):
            sketch.line(top, 0, dashed=True)
            sketch.right_angle(0, 1, 1j)
            sketch.quantity("height", top / 2, -1)
        sketch.quantity("slant", (top + r) / 2, 1 + 0.5j)
        _draw_radius(sketch, self, 0, r, below=True)

    def sentence(self) -> str:
        return "مخروط دائري قائم"


class Sphere(_Solid):
    title: ClassVar = "كرة"
    corners: ClassVar = "م"

    pattern: Literal["sphere"] = "sphere"
    radius: Length | None = None
    diameter: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "volume": volume(PI * r * r * r * 4 / 3, "الحجم", "حجمها"),
            "surface": area(PI * r * r * 4, "المساحة السطحية"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        sketch.outline([Arc(0, 1, 0, 360)])
        sketch.outline([Arc(0, 1, 180, 360, _FLATNESS)], quiet=True)
        sketch.outline([Arc(0, 1, 0, 180, _FLATNESS)], dashed=True, quiet=True)
        sketch.name(0, 0, -1 - 1j, dot=True)
        _draw_radius(sketch, self, 0, 1)

    def sentence(self) -> str:
        return with_center("كرة", self.letter(0))


def _draw_radius(
    sketch: Sketch, solid: SketchedPattern, center: complex, r: float, *, below: bool = False
) -> None:
    """The radius or the diameter of a circle that is seen at an angle."""
    if solid.label("diameter"):
        sketch.line(center - r, center + r)
        away = -1j if below else 1j
        sketch.quantity("diameter", center - 1j * r * _FLATNESS if below else center + r / 2, away)
    if solid.label("radius"):
        sketch.line(center, center + r)
        sketch.quantity("radius", center + r / 2, -1j if below else 1j)


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (Cube, Cuboid, Cylinder, Cone, Sphere)
