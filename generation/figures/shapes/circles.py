"""The circle with its radius or diameter, and its chord, sector, tangent and inscribed angle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import Arc, Line, circle, turned
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Length, Quantity, angle, area, length
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import PI, Value, arc_sine, exact, rational


def radius_of(radius: float | None, diameter: float | None) -> Value:
    """From whichever is given. Raises FigureRejected if neither is."""
    if radius is not None:
        return exact(radius)
    need(diameter is not None, Reason.UNDETERMINED, "radius or diameter")
    return exact(diameter or 1) / 2


def radius_and_diameter(r: Value, *diameters: str) -> dict[str, Quantity]:
    """Both by what a stem calls the diameter: the Arabic radius is its half, نصف القطر."""
    radii = (f"نصف {diameter}" for diameter in diameters)
    return {"radius": length(r, *radii), "diameter": length(r * 2, *diameters)}


def with_center(shape: str, letter: str) -> str:
    """The name of a circle or sphere, with the letter of its center if it has one."""
    return f"{shape} مركزها {letter}" if letter else shape


class Circle(SketchedPattern):
    title: ClassVar = "دائرة"
    corners: ClassVar = "م"

    pattern: Literal["circle"] = "circle"
    radius: Length | None = None
    diameter: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        r = radius_of(self.radius, self.diameter)
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "circumference": length(PI * r * 2, "المحيط", "محيطها"),
            "area": area(PI * r * r, "المساحة", "مساحتها"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r = self.size("radius")
        sketch.outline(circle(0, r))
        sketch.name(0, 0, -1j, dot=True)
        if self.label("diameter"):
            sketch.line(-r, r)
            sketch.length("diameter", -r, r)
        if self.label("radius") or not self.label("diameter"):
            end = r * (0.6 - 0.8j) if self.label("diameter") else complex(r)
            sketch.line(0, end)
            sketch.length("radius", 0, end)

    def sentence(self) -> str:
        return with_center("دائرة", self.letter(0))

    def web_app(self) -> dict[str, Any] | None:
        """A fixed size, because the web app draws 10 px a unit; the number stands in the label."""
        data: dict[str, Any] = {"radius": 12, "labels": {"left": self.points or "م"}}
        if {"radius", "diameter"} <= self.shown_measures.keys():
            return None
        shown = next(iter(self.shown_measures), None) or next(
            filter(self.label, ("diameter", "radius")), None
        )
        if shown is not None:
            data |= {
                "label": self.label(shown),
                "showDiameter" if shown == "diameter" else "showRadius": True,
            }
        return {"type": "circle", "renderHint": "SVG", "data": data}


class Chord(SketchedPattern):
    """Points: the center, the ends of the chord, and where the perpendicular from the center meets it."""

    title: ClassVar = "دائرة ووتر"
    corners: ClassVar = "مأبج"

    pattern: Literal["chord"] = "chord"
    radius: Length | None = None
    diameter: Length | None = None
    distance: Length | None = None  #: from the center to the chord
    chord: Length | None = None
    half_chord: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        r, distance, half = self._lengths()
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "distance": length(distance, "بعد الوتر عن المركز"),
            "chord": length(half * 2, "الوتر", "طول الوتر"),
            "half_chord": length(half, "نصف الوتر"),
        }

    def _lengths(self) -> tuple[Value, Value, Value]:
        half = None if self.half_chord is None else exact(self.half_chord)
        if half is None and self.chord is not None:
            half = exact(self.chord) / 2
        distance = None if self.distance is None else exact(self.distance)
        if self.radius is None and self.diameter is None:
            if half is None or distance is None:
                raise FigureRejected(Reason.UNDETERMINED, "two of radius, distance and chord")
            return (half * half + distance * distance).sqrt(), distance, half
        r = radius_of(self.radius, self.diameter)
        if distance is not None:
            need(distance < r, Reason.NOT_CONTAINED, "the chord lies outside the circle")
            return r, distance, (r * r - distance * distance).sqrt()
        if half is None:
            raise FigureRejected(Reason.UNDETERMINED, "two of radius, distance and chord")
        need(half < r, Reason.NOT_CONTAINED, "the chord is longer than the diameter")
        return r, (r * r - half * half).sqrt(), half

    def sketch_on(self, sketch: Sketch) -> None:
        r, distance, half = self.size("radius"), self.size("distance"), self.size("half_chord")
        below, right, left = -1j * distance, half - 1j * distance, -half - 1j * distance
        sketch.outline(circle(0, r))
        sketch.line(left, right)
        sketch.name(0, 0, 1j, dot=True)
        if self.label("radius"):
            sketch.line(0, left)
            sketch.length("radius", 0, left, off=-1)
        if self.label("diameter"):
            sketch.line(-r, r)
            sketch.length("diameter", -r, r, off=1j)
        if self.label("distance") or self.label("half_chord"):
            sketch.line(0, below, dashed=True)
            sketch.right_angle(below, right, 0)
            sketch.length("distance", 0, below, off=1)
            sketch.name(3, below, -1 + 1j)
        if self.label("half_chord"):
            sketch.length("half_chord", below, right, off=-1j)
        if self.label("chord"):
            sketch.length("chord", left, right, off=-1j)
        sketch.name(1, left, left)
        sketch.name(2, right, right)

    def sentence(self) -> str:
        return f"{with_center('دائرة', self.letter(0))} فيها الوتر{self.named(1, 2)}"


class Sector(SketchedPattern):
    """The shaded sector of a circle. Points: the center and the ends of the arc."""

    title: ClassVar = "قطاع دائري"
    corners: ClassVar = "مأب"

    pattern: Literal["sector"] = "sector"
    radius: Length | None = None
    diameter: Length | None = None
    angle: Angle

    def quantities(self) -> Mapping[str, Quantity]:
        r, share = radius_of(self.radius, self.diameter), rational(self.angle) / 360
        need(10 <= self.angle <= 350, Reason.UNREADABLE)
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "angle": angle(exact(self.angle), "الزاوية المركزية", "زاويته المركزية"),
            "arc": length(PI * r * 2 * share, "طول القوس"),
            "sector_area": area(PI * r * r * share, "مساحة القطاع"),
            "perimeter": length(PI * r * 2 * share + r * 2, "محيط القطاع"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        r, begin = self.size("radius"), 90 - self.angle / 2
        arc = Arc(0, r, begin, begin + self.angle)
        sketch.shade([Line(0, arc.start), arc, Line(arc.end, 0)], measures="sector_area")
        sketch.outline(circle(0, r))
        sketch.line(arc.start, 0, arc.end)
        sketch.length("radius", 0, arc.start, about=1j * r)
        sketch.angle("angle", 0, arc.start, arc.end)
        sketch.name(0, 0, -1j, dot=True)
        sketch.name(1, arc.start, arc.start)
        sketch.name(2, arc.end, arc.end)

    def sentence(self) -> str:
        return f"{with_center('دائرة', self.letter(0))} ظلل فيها قطاع{self.named(1, 0, 2)}"


class Tangent(SketchedPattern):
    """Points: the center, the point outside, where the tangent touches, and where the second one touches."""

    title: ClassVar = "دائرة ومماس"
    corners: ClassVar = "مأبج"

    pattern: Literal["tangent"] = "tangent"
    radius: Length | None = None
    diameter: Length | None = None
    distance: Length | None = None  #: from the center to the point outside
    tangent: Length | None = None
    angle: Angle | None = None  #: at the point outside, between the tangent and the line to the center
    tangents: Literal[1, 2] = 1

    def quantities(self) -> Mapping[str, Quantity]:
        r, distance, touch = self._lengths()
        at = arc_sine(float(r) / float(distance))
        need(9 <= at <= 72, Reason.UNREADABLE)
        return {
            **radius_and_diameter(r, "القطر", "قطرها"),
            "distance": length(distance, f"البعد{self.named(0, 1)}" if self.points else "البعد عن المركز"),
            "tangent": length(touch, "طول المماس", "المماس"),
            "angle": angle(exact(at), f"الزاوية{self.named(0, 1, 2)}"),
        }

    def _lengths(self) -> tuple[Value, Value, Value]:
        distance, touch = (None if x is None else exact(x) for x in (self.distance, self.tangent))
        if self.radius is None and self.diameter is None:
            if distance is None or touch is None:
                raise FigureRejected(Reason.UNDETERMINED, "two of radius, distance and tangent")
            need(touch < distance, Reason.TRIANGLE_INEQUALITY)
            return (distance * distance - touch * touch).sqrt(), distance, touch
        r = radius_of(self.radius, self.diameter)
        if distance is None and touch is None and self.angle is not None:
            need(self.angle < 90, Reason.ANGLE_SUM)
            distance = exact(float(r) / math.sin(math.radians(self.angle)))
        if distance is not None:
            need(r < distance, Reason.NOT_TANGENT, "no tangent leads from a point inside the circle")
            return r, distance, (distance * distance - r * r).sqrt()
        if touch is None:
            raise FigureRejected(Reason.UNDETERMINED, "two of radius, distance and tangent")
        return r, (r * r + touch * touch).sqrt(), touch

    def sketch_on(self, sketch: Sketch) -> None:
        r, distance = self.size("radius"), self.size("distance")
        outside = complex(distance)
        touch = turned(90 - self.size("angle"), r)
        sketch.outline(circle(0, r))
        sketch.line(outside, touch, 0)
        sketch.right_angle(touch, 0, outside)
        sketch.length("radius", 0, touch, off=-1)
        sketch.length("tangent", touch, outside, about=0)
        if self.label("distance") or self.label("angle"):
            sketch.line(0, outside)
            sketch.length("distance", 0, outside, off=-1j)
            sketch.angle("angle", outside, touch, 0)
        sketch.name(0, 0, -1 - 1j, dot=True)
        sketch.name(1, outside, 1, dot=True)
        sketch.name(2, touch, touch)
        if self.tangents == 2:
            sketch.line(outside, touch.conjugate(), 0)
            sketch.right_angle(touch.conjugate(), outside, 0)
            sketch.name(3, touch.conjugate(), touch.conjugate())

    def sentence(self) -> str:
        second = f" والمماس{self.named(1, 3)}" if self.tangents == 2 else ""
        from_outside = f" من النقطة {self.letter(1)}" if self.points else " من نقطة خارجها"
        round_shape = with_center("دائرة", self.letter(0))
        return f"{round_shape} رُسم لها{from_outside} المماس{self.named(1, 2)}{second}"


class InscribedAngle(SketchedPattern):
    """A central and an inscribed angle on one arc. Points: the center, the arc's ends, the inscribed vertex."""

    title: ClassVar = "زاوية مركزية وزاوية محيطية"
    corners: ClassVar = "مأبج"

    pattern: Literal["inscribed-angle"] = "inscribed-angle"
    central: Angle | None = None
    inscribed: Angle | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        need(self.central is not None or self.inscribed is not None, Reason.UNDETERMINED)
        central = exact(self.inscribed or 0) * 2 if self.central is None else exact(self.central)
        need(float(central) <= 180, Reason.ANGLE_SUM, "the arc is at most half of the circle")
        need(float(central) >= 20, Reason.UNREADABLE)
        return {
            "central": angle(central, f"الزاوية المركزية{self.named(1, 0, 2)}"),
            "inscribed": angle(central / 2, f"الزاوية المحيطية{self.named(1, 3, 2)}"),
        }

    def sketch_on(self, sketch: Sketch) -> None:
        half = self.size("central") / 2
        right, left, top = turned(-90 + half), turned(-90 - half), turned(97)
        sketch.outline(circle(0, 1))
        sketch.line(left, top, right)
        sketch.line(left, 0, right)
        sketch.angle("inscribed", top, left, right)
        sketch.angle("central", 0, left, right)
        sketch.name(0, 0, 1j, dot=True)
        sketch.name(1, right, right)
        sketch.name(2, left, left)
        sketch.name(3, top, top)

    def sentence(self) -> str:
        return f"{with_center('دائرة', self.letter(0))} فيها زاوية مركزية{self.named(1, 0, 2)} وزاوية محيطية{self.named(1, 3, 2)} على قوس واحد"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (Circle, Chord, Sector, Tangent, InscribedAngle)
