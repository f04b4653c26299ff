"""A rectangle with a half circle, a triangle, a path around it, or a piece cut out of its corner."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from generation.figures.geometry import Arc, Contour, Line, polygon, rectangle
from generation.figures.overlapping.squares import SHADED_AREA
from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, area, length
from generation.figures.reasons import Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, exact

_THINNEST: Final = 8


class HalfCircleOnRectangle(SketchedPattern):
    """A half circle on one side, outwards or cut out; its diameter is that side."""

    title: ClassVar = "مستطيل عليه نصف دائرة"
    corners: ClassVar = "أبجد"

    pattern: Literal["half-circle-on-rectangle"] = "half-circle-on-rectangle"
    width: Length
    height: Length
    radius: Length | None = None
    side: Literal["top", "right"] = "top"
    cut: bool = False  #: the half circle is cut out of the rectangle
    shaded: bool = False  #: the whole figure

    def quantities(self) -> Mapping[str, Quantity]:
        width, height = exact(self.width), exact(self.height)
        across, along = (width, height) if self.side == "top" else (height, width)
        radius = across / 2
        need(
            not self.cut or radius < along,
            Reason.NOT_CONTAINED,
            "the half circle is deeper than the rectangle",
        )
        need(max(self.width, self.height) <= _THINNEST * min(self.width, self.height), Reason.UNREADABLE)
        half_disc, whole = PI * radius * radius / 2, width * height
        total = whole - half_disc if self.cut else whole + half_disc
        return {
            "width": length(width, "طول المستطيل", "طوله"),
            "height": length(height, "عرض المستطيل", "عرضه"),
            "radius": length(radius, "نصف القطر", "نصف قطر الدائرة"),
            "area": area(total, "مساحة الشكل"),
            "shaded_area": area(total, SHADED_AREA),
            "perimeter": length(across + along * 2 + PI * radius, "محيط الشكل"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        width, height = self.size("width"), self.size("height")
        a, b, c, d = rectangle(0j, width, height)
        start, end, begin = (c, d, 0.0) if self.side == "top" else (b, c, -90.0)
        center, radius = (start + end) / 2, self.size("radius")
        stop = begin - 180 if self.cut else begin + 180
        arc = Arc(center, radius, begin, stop)
        rest = [a, b, c] if self.side == "top" else [c, d, a, b]
        outline: Contour = [*(Line(p, q) for p, q in pairwise(rest)), arc]
        if self.side == "top":
            outline = [*outline, Line(d, a)]
        if self.shaded:
            sketch.shade(outline, measures="shaded_area")
        sketch.outline(outline)
        sketch.line(start, end, dashed=True)
        sketch.length("width", a, b, off=-1j)
        sketch.length("height", a, d, off=-1)
        if self.label("radius"):
            sketch.length("radius", center, end, off=(b + d) / 2 - center)
        sketch.names(a, b, c, d)

    def sentence(self) -> str:
        where = {"top": "العلوي", "right": "الأيمن"}[self.side]
        how = "اقتُطع منه" if self.cut else "رُسم خارجه"
        shaded = "، وظُلل الشكل" if self.shaded else ""
        return f"مستطيل{self.named(0, 1, 2, 3)} {how} نصف دائرة قطرها ضلعه {where}{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        """Its half circle has its flat side at the left, and there is one place for texts, below."""
        if (
            self.side != "right"
            or self.cut
            or self.shaded
            or self.points
            or set(self.shown_measures) - {"width", "height"}
        ):
            return None
        scale = min(260 / (self.width + self.height / 2), 220 / self.height)
        width, height = round(self.width * scale), round(self.height * scale)
        left, top = round(200 - (width + height / 2) / 2), round(190 - height / 2)
        shapes = [
            {"type": "rectangle", "x": left, "y": top, "width": width, "height": height},
            {
                "type": "circle",
                "cx": left + width,
                "cy": top + height / 2,
                "radius": height / 2,
                "half": True,
            },
        ]
        data: dict[str, Any] = {"shapes": shapes, "labels": self.measure_texts()}
        return {"type": "composite-shape", "renderHint": "SVG", "data": data}


class TriangleInRectangle(SketchedPattern):
    """A triangle on the whole lower side with its apex on the upper one. Points: the rectangle's, then the apex."""

    title: ClassVar = "مثلث داخل مستطيل"
    corners: ClassVar = "أبجده"

    pattern: Literal["triangle-in-rectangle"] = "triangle-in-rectangle"
    width: Length
    height: Length
    apex: Annotated[int | float, Field(ge=0, le=1, allow_inf_nan=False)] = (
        0.4  #: its place, a part of the width
    )
    shaded: Literal["triangle", "rest", "none"] = "triangle"

    def quantities(self) -> Mapping[str, Quantity]:
        width, height = exact(self.width), exact(self.height)
        need(max(self.width, self.height) <= _THINNEST * min(self.width, self.height), Reason.UNREADABLE)
        half = width * height / 2
        return {
            "width": length(width, "طول المستطيل", "طوله"),
            "height": length(height, "عرض المستطيل", "عرضه"),
            "rectangle_area": area(width * height, "مساحة المستطيل"),
            "triangle_area": area(half, "مساحة المثلث"),
            "shaded_area": area(half, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        width, height = self.size("width"), self.size("height")
        corners = a, b, _, d = rectangle(0j, width, height)
        apex = d + width * self.apex
        if self.shaded == "triangle":
            sketch.shade(polygon(a, b, apex), measures="shaded_area")
        elif self.shaded == "rest":
            sketch.shade(polygon(*corners), polygon(a, b, apex), measures="shaded_area")
        sketch.polygon(*corners)
        sketch.line(a, apex, b)
        sketch.length("width", a, b, off=-1j)
        sketch.length("height", a, d, off=-1)
        sketch.names(*corners)
        if 0 < self.apex < 1:
            sketch.name(4, apex, 1j)

    def sentence(self) -> str:
        shaded = {"triangle": "، ظُلل المثلث", "rest": "، ظُلل ما خرج عن المثلث", "none": ""}[self.shaded]
        top = f" {self.letter(4)}" if self.points and 0 < self.apex < 1 else ""
        return f"مستطيل{self.named(0, 1, 2, 3)} داخله مثلث قاعدته ضلع المستطيل ورأسه{top} على الضلع المقابل{shaded}"


class PathAround(SketchedPattern):
    """A rectangle with a path of equal width all around it."""

    title: ClassVar = "ممر حول مستطيل"

    pattern: Literal["path-around-rectangle"] = "path-around-rectangle"
    width: Length  #: of the inner rectangle
    height: Length
    path: Length
    outer_width: Length | None = None
    outer_height: Length | None = None
    shaded: bool = True  #: the path

    def quantities(self) -> Mapping[str, Quantity]:
        width, height, path = exact(self.width), exact(self.height), exact(self.path)
        outer_width, outer_height = width + path * 2, height + path * 2
        need(max(self.width, self.height) <= _THINNEST * min(self.width, self.height), Reason.UNREADABLE)
        need(float(path) * 20 >= max(float(outer_width), float(outer_height)), Reason.UNREADABLE)
        inner, outer = width * height, outer_width * outer_height
        return {
            "width": length(width, "طول المستطيل الداخلي"),
            "height": length(height, "عرض المستطيل الداخلي"),
            "path": length(path, "عرض الممر", "عرضه"),
            "outer_width": length(outer_width, "طول المستطيل الخارجي"),
            "outer_height": length(outer_height, "عرض المستطيل الخارجي"),
            "inner_area": area(inner, "مساحة المستطيل الداخلي"),
            "outer_area": area(outer, "المساحة الكلية"),
            "shaded_area": area(outer - inner, SHADED_AREA, "مساحة الممر"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        width, height, path = (self.size(name) for name in ("width", "height", "path"))
        inner = rectangle(complex(path, path), width, height)
        outer = rectangle(0j, width + 2 * path, height + 2 * path)
        if self.shaded:
            sketch.shade(polygon(*outer), polygon(*inner), measures="shaded_area")
        sketch.polygon(*outer)
        sketch.polygon(*inner)
        sketch.length("width", inner[0], inner[1], off=1j)
        sketch.length("height", inner[0], inner[3], off=1)
        sketch.length("outer_width", outer[3], outer[2], off=1j)
        sketch.length("outer_height", outer[0], outer[3], off=-1)
        if self.label("path"):
            at = complex(2 * path + width, path + height / 2)
            sketch.line(at, at - path)
            sketch.witness_length("path", at, at - path)
            sketch.quantity("path", at, 1)

    def sentence(self) -> str:
        shaded = "، وظُلل الممر" if self.shaded else ""
        return f"مستطيل يحيط به ممر منتظم العرض{shaded}"


class LShape(SketchedPattern):
    """A rectangle without its upper right corner piece: the area is found by cutting it in two."""

    title: ClassVar = "شكل من مستطيلين"

    pattern: Literal["l-shape"] = "l-shape"
    width: Length  #: the whole lower side
    height: Length  #: the whole left side
    cut_width: Length
    cut_height: Length
    shaded: bool = False

    def quantities(self) -> Mapping[str, Quantity]:
        width, height, cut_width, cut_height = map(
            exact, (self.width, self.height, self.cut_width, self.cut_height)
        )
        need(
            cut_width < width and cut_height < height,
            Reason.NOT_CONTAINED,
            "the cut lies within the rectangle",
        )
        whole = width * height - cut_width * cut_height
        return {
            "width": length(width, "الطول الكلي"),
            "height": length(height, "العرض الكلي"),
            "cut_width": length(cut_width, "طول الجزء المقتطع"),
            "cut_height": length(cut_height, "عرض الجزء المقتطع"),
            "top": length(width - cut_width, "الضلع العلوي"),
            "right": length(height - cut_height, "الضلع الأيمن"),
            "area": area(whole, "مساحة الشكل"),
            "shaded_area": area(whole, SHADED_AREA),
            "perimeter": length((width + height) * 2, "محيط الشكل"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        width, height = self.size("width"), self.size("height")
        top, right = self.size("top"), self.size("right")
        corners = (
            0j,
            complex(width),
            complex(width, right),
            complex(top, right),
            complex(top, height),
            1j * height,
        )
        if self.shaded:
            sketch.shade(polygon(*corners), measures="shaded_area")
        sketch.polygon(*corners)
        sketch.length("width", corners[0], corners[1], off=-1j)
        sketch.length("height", corners[0], corners[5], off=-1)
        sketch.length("cut_width", corners[2], corners[3], off=1j)
        sketch.length("cut_height", corners[3], corners[4], off=1)
        if "top" in self.ask:
            sketch.length("top", corners[4], corners[5], off=1j)
        if "right" in self.ask:
            sketch.length("right", corners[1], corners[2], off=1)

    def sentence(self) -> str:
        shaded = "، وهو مظلل" if self.shaded else ""
        return f"مستطيل اقتُطع من ركنه مستطيل أصغر{shaded}"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (
    HalfCircleOnRectangle,
    TriangleInRectangle,
    PathAround,
    LShape,
)
