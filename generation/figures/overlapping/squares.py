"""Squares with circles: inscribed ones, quarter circles at corners, a vertex at a center, the rose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Arc, Contour, Line, circle, polygon, rectangle, turned
from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, area, length
from generation.figures.reasons import Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, Value, exact

Shaded = Literal["outside", "inside", "none"]

SHADED_AREA: Final = "المساحة المظللة"


class CircleInSquare(SketchedPattern):
    title: ClassVar = "دائرة داخل مربع"
    corners: ClassVar = "أبجد"

    pattern: Literal["circle-in-square"] = "circle-in-square"
    side: Length | None = None
    radius: Length | None = None
    shaded: Shaded = "outside"  #: of the circle

    def quantities(self) -> Mapping[str, Quantity]:
        need(self.side is not None or self.radius is not None, Reason.UNDETERMINED, "side or radius")
        side = exact(self.side) if self.side is not None else exact(self.radius or 1) * 2
        radius = side / 2
        disc, square = PI * radius * radius, side * side
        return {
            "side": length(side, "ضلع المربع", "طول ضلع المربع", "ضلعه"),
            "radius": length(radius, "نصف قطر الدائرة", "نصف قطرها"),
            "square_area": area(square, "مساحة المربع"),
            "circle_area": area(disc, "مساحة الدائرة"),
            "shaded_area": area(disc if self.shaded == "inside" else square - disc, SHADED_AREA),
            "circumference": length(PI * side, "محيط الدائرة"),
            "perimeter": length(side * 4, "محيط المربع"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        side, radius = self.size("side"), self.size("radius")
        a, b, c, d = corners = rectangle(-radius * (1 + 1j), side, side)
        disc = circle(0, radius)
        if self.shaded == "outside":
            sketch.shade(polygon(*corners), disc, measures="shaded_area")
        elif self.shaded == "inside":
            sketch.shade(disc, measures="shaded_area")
        sketch.polygon(*corners)
        sketch.outline(disc)
        sketch.names(a, b, c, d)
        sketch.length("side", a, b, off=-1j)
        if self.label("radius"):
            sketch.line(0, radius, dashed=True)
            sketch.length("radius", 0, complex(radius))

    def sentence(self) -> str:
        shaded = {"outside": "، ظُلل ما بينهما", "inside": "، ظُللت الدائرة", "none": ""}[self.shaded]
        return f"مربع{self.named(0, 1, 2, 3)} داخله دائرة تمس أضلاعه الأربعة{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        if self.shaded != "outside" or self.shown_measures.keys() != {"side"} or self.points:
            return None
        return overlapping("inscribed-circle-in-square", side=self.size("side"))


class SquareInCircle(SketchedPattern):
    title: ClassVar = "مربع داخل دائرة"
    corners: ClassVar = "أبجد"

    pattern: Literal["square-in-circle"] = "square-in-circle"
    side: Length | None = None
    radius: Length | None = None
    diameter: Length | None = None  #: of the circle, and the diagonal of the square
    shaded: Shaded = "outside"  #: of the square

    def quantities(self) -> Mapping[str, Quantity]:
        radius = self._radius()
        square, disc = radius * radius * 2, PI * radius * radius
        return {
            "side": length(square.sqrt(), "ضلع المربع", "طول ضلع المربع", "ضلعه"),
            "radius": length(radius, "نصف قطر الدائرة", "نصف قطرها"),
            "diameter": length(radius * 2, "قطر الدائرة", "قطر المربع", "قطرها"),
            "square_area": area(square, "مساحة المربع"),
            "circle_area": area(disc, "مساحة الدائرة"),
            "shaded_area": area(square if self.shaded == "inside" else disc - square, SHADED_AREA),
        }

    def _radius(self) -> Value:
        if self.radius is not None:
            return exact(self.radius)
        if self.diameter is not None:
            return exact(self.diameter) / 2
        need(self.side is not None, Reason.UNDETERMINED, "side, radius or diameter")
        side = exact(self.side or 1)
        return (side * side / 2).sqrt()

    def sketch_on(self, sketch: Sketch) -> None:
        radius = self.size("radius")
        a, b, c, d = corners = tuple(turned(degrees, radius) for degrees in (225, 315, 45, 135))
        if self.shaded == "outside":
            sketch.shade(circle(0, radius), polygon(*corners), measures="shaded_area")
        elif self.shaded == "inside":
            sketch.shade(polygon(*corners), measures="shaded_area")
        sketch.outline(circle(0, radius))
        sketch.polygon(*corners)
        sketch.names(a, b, c, d)
        sketch.length("side", a, b, off=1j)
        if self.label("diameter"):
            sketch.line(a, c, dashed=True)
            sketch.length("diameter", a, c)
        if self.label("radius"):
            sketch.line(0, c, dashed=True)
            sketch.length("radius", 0, c, off=-1j)

    def sentence(self) -> str:
        shaded = {"outside": "، ظُلل ما بينهما", "inside": "، ظُلل المربع", "none": ""}[self.shaded]
        return f"دائرة داخلها مربع{self.named(0, 1, 2, 3)} تقع رؤوسه عليها{shaded}"

    def web_app(self) -> dict[str, Any] | None:
        if self.shaded != "outside" or self.shown_measures.keys() != {"radius"} or self.points:
            return None
        return overlapping("inscribed-square-in-circle", radius=self.size("radius"))


class CornerQuarters(SketchedPattern):
    """Quarter circles around the four corners of a square; without a radius they touch one another."""

    title: ClassVar = "مربع عند أركانه أرباع دوائر"
    corners: ClassVar = "أبجد"

    pattern: Literal["corner-quarter-circles"] = "corner-quarter-circles"
    side: Length
    radius: Length | None = None
    shaded: Shaded = "outside"  #: of the quarter circles

    def quantities(self) -> Mapping[str, Quantity]:
        side = exact(self.side)
        radius = side / 2 if self.radius is None else exact(self.radius)
        need(not side < radius * 2, Reason.NOT_CONTAINED, "the quarter circles overlap")
        need(float(radius) > 0.15 * float(side), Reason.UNREADABLE)
        quarters, square = PI * radius * radius, side * side
        return {
            "side": length(side, "ضلع المربع", "طول ضلع المربع", "ضلعه"),
            "radius": length(radius, "نصف القطر", "نصف قطر كل منها"),
            "square_area": area(square, "مساحة المربع"),
            "quarters_area": area(quarters, "مساحة الأرباع"),
            "shaded_area": area(quarters if self.shaded == "inside" else square - quarters, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        side, radius = self.size("side"), self.size("radius")
        corners = rectangle(0j, side, side)
        arcs = [Arc(corner, radius, 90 * i, 90 * i + 90) for i, corner in enumerate(corners)]
        quarters: list[Contour] = [[Line(a.center, a.start), a, Line(a.end, a.center)] for a in arcs]
        if self.shaded == "outside":
            sketch.shade(polygon(*corners), *quarters, measures="shaded_area")
        elif self.shaded == "inside":
            sketch.shade_all(*quarters, measures="shaded_area")
        sketch.polygon(*corners)
        for arc in arcs:
            sketch.outline([arc])
        sketch.names(*corners)
        sketch.length("side", corners[1], corners[2], off=1)
        if self.label("radius"):
            sketch.length("radius", corners[0], complex(radius), off=-1j)

    def sentence(self) -> str:
        shaded = {"outside": "، ظُلل ما بقي من المربع", "inside": "، ظُللت الأرباع", "none": ""}[self.shaded]
        return f"مربع{self.named(0, 1, 2, 3)} رُسم عند كل ركن من أركانه ربع دائرة{shaded}"


class SquareAtCenter(SketchedPattern):
    """A square with one vertex at the center of a circle that ends inside its sides, or at their ends."""

    title: ClassVar = "مربع رأسه مركز دائرة"
    corners: ClassVar = "مأبج"

    pattern: Literal["square-vertex-at-center"] = "square-vertex-at-center"
    side: Length
    radius: Length
    shaded: Literal["overlap", "square", "circle", "none"] = "overlap"  #: what lies in both, or in one only

    def quantities(self) -> Mapping[str, Quantity]:
        side, radius = exact(self.side), exact(self.radius)
        need(not side < radius, Reason.NOT_CONTAINED, "the circle is wider than the square's sides")
        need(self.radius * 4 > self.side, Reason.UNREADABLE)
        disc, square = PI * radius * radius, side * side
        overlap = disc / 4
        shaded = {"overlap": overlap, "square": square - overlap, "circle": disc - overlap}
        return {
            "side": length(side, "ضلع المربع", "طول ضلع المربع", "ضلعه"),
            "radius": length(radius, "نصف قطر الدائرة", "نصف قطرها"),
            "square_area": area(square, "مساحة المربع"),
            "circle_area": area(disc, "مساحة الدائرة"),
            "shaded_area": area(shaded.get(self.shaded, overlap), SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        side, radius = self.size("side"), self.size("radius")
        corners = rectangle(0j, side, side)
        arc = Arc(0, radius, 0, 90)
        quarter: Contour = [Line(0, arc.start), arc, Line(arc.end, 0)]
        if self.shaded == "overlap":
            sketch.shade(quarter, measures="shaded_area")
        elif self.shaded == "square":
            sketch.shade(polygon(*corners), quarter, measures="shaded_area")
        elif self.shaded == "circle":
            sketch.shade(circle(0, radius), quarter, measures="shaded_area")
        sketch.outline(circle(0, radius))
        sketch.polygon(*corners)
        sketch.length("side", corners[1], corners[2], off=1)
        if self.label("radius"):
            end = turned(225, radius)
            sketch.line(0, end)
            sketch.length("radius", 0, end)
        sketch.name(0, 0, 1 - 1j, dot=True)
        for index in (1, 2, 3):
            sketch.name(index, corners[index], corners[index] - complex(side, side) / 2)

    def sentence(self) -> str:
        what = {"overlap": "، ظُلل الجزء المشترك بينهما", "square": "، ظُلل من المربع ما خرج عن الدائرة",
                "circle": "، ظُلل من الدائرة ما خرج عن المربع", "none": ""}[self.shaded]  # fmt: skip
        return f"مربع{self.named(0, 1, 2, 3)} أحد رؤوسه مركز دائرة{what}"

    def web_app(self) -> dict[str, Any] | None:
        """Its drawing is fixed, with the circle as wide as the square."""
        is_fixed = self.side == self.radius and self.shaded == "overlap" and not self.points
        if not is_fixed or self.shown_measures.keys() != {"side", "radius"}:
            return None
        return overlapping("square-vertex-at-circle-center", side=self.side, radius=self.radius)


class RoseInSquare(SketchedPattern):
    """Half circles on the four sides of a square, to its inside; the four petals where two of them overlap."""

    title: ClassVar = "وردة داخل مربع"
    corners: ClassVar = "أبجد"

    pattern: Literal["rose-in-square"] = "rose-in-square"
    side: Length
    shaded: Shaded = "inside"  #: the petals

    def quantities(self) -> Mapping[str, Quantity]:
        side = exact(self.side)
        square = side * side
        petals = PI * square / 2 - square
        return {
            "side": length(side, "ضلع المربع", "طول ضلع المربع", "ضلعه"),
            "radius": length(side / 2, "نصف القطر"),
            "square_area": area(square, "مساحة المربع"),
            "petals_area": area(petals, "مساحة الوردة"),
            "shaded_area": area(square - petals if self.shaded == "outside" else petals, SHADED_AREA),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        side, half = self.size("side"), self.size("side") / 2
        corners = rectangle(-half * (1 + 1j), side, side)
        middles = [(-1j, 0.0), (1 + 0j, 90.0), (1j, 180.0), (-1 + 0j, 270.0)]
        halves = [Arc(half * at, half, begin, begin + 180) for at, begin in middles]
        # From the center to a corner along one half circle, and back along the next one.
        petals: list[Contour] = [
            [Arc(half * a, half, begin + 90, begin), Arc(half * b, half, begin + 270, begin + 180)]
            for (a, begin), (b, _) in zip(middles, (*middles[1:], middles[0]), strict=True)
        ]
        if self.shaded == "inside":
            sketch.shade_all(*petals, measures="shaded_area")
        elif self.shaded == "outside":
            sketch.shade(polygon(*corners), *petals, measures="shaded_area")
        sketch.polygon(*corners)
        for arc in halves:
            sketch.outline([arc])
        sketch.names(*corners)
        sketch.length("side", corners[0], corners[1], off=-1j)

    def sentence(self) -> str:
        clauses = {"inside": "، ظُللت الأوراق الأربع", "outside": "، ظُلل ما بقي من المربع", "none": ""}
        return f"مربع{self.named(0, 1, 2, 3)} رُسمت داخله على أضلاعه أنصاف دوائر تتقاطع في وردة{clauses[self.shaded]}"


def overlapping(subtype: str, **dimensions: float) -> dict[str, Any]:
    """Fields for the web app's fixed drawings of overlapping shapes."""
    sizes = {name: int(size) if size == int(size) else size for name, size in dimensions.items()}
    data = {"subtype": subtype, "dimensions": sizes}
    return {"type": "overlapping-shapes", "renderHint": "JSXGraph", "data": data}


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (
    CircleInSquare,
    SquareInCircle,
    CornerQuarters,
    SquareAtCenter,
    RoseInSquare,
)
