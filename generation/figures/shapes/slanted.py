"""Parallelogram and trapezoid: a pair of parallel sides and slanted ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from generation.figures.geometry import foot, turned
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Length, Quantity, angle, area, length
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.shapes.quadrilaterals import ANY_ANGLE, ANY_SIDE, Corners, FourCorners
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import Value, arc_sine, exact, sine


class Parallelogram(FourCorners):
    title: ClassVar = "متوازي أضلاع"

    pattern: Literal["parallelogram"] = "parallelogram"
    base: Length | None = None
    side: Length | None = None
    height: Length | None = None  #: to the base
    angle_1: Angle | None = None  #: at the first corner; the second has the rest of 180
    angle_2: Angle | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        base = exact(self.base or ANY_SIDE)
        side, at_first = self._slant()
        need(0 < at_first < 180, Reason.ANGLE_SUM)
        height = side * sine(at_first)
        found = {
            "base": length(base, "القاعدة", "قاعدته"),
            "side": length(side, "الضلع المائل", "ضلعه المائل"),
            "height": length(height, "الارتفاع", "ارتفاعه"),
            "angle_1": angle(exact(at_first), _angle_name(self.named(0), "زاويته الأولى")),
            "angle_2": angle(exact(180 - at_first), _angle_name(self.named(1), "زاويته المجاورة لها")),
            "perimeter": length((base + side) * 2, "المحيط"),
            "area": area(base * height),
        }
        return {name: quantity for name, quantity in found.items() if name not in self._unknown()}

    def _unknown(self) -> set[str]:
        """What was only chosen for the drawing."""
        names: set[str] = set()
        if self.base is None:
            names |= {"base", "perimeter", "area"}
        has_angle = self.angle_1 is not None or self.angle_2 is not None
        if not has_angle and (self.side is None or self.height is None):
            names |= {"angle_1", "angle_2"}
            names |= {"perimeter", "side"} if self.side is None else set()
            names |= {"area", "height"} if self.height is None else set()
        if has_angle and self.side is None and self.height is None:
            names |= {"side", "height", "perimeter", "area"}
        return names

    def _slant(self) -> tuple[Value, float]:
        given = self.angle_1 if self.angle_1 is not None else 180 - self.angle_2 if self.angle_2 else None
        need(given is None or 0 < given < 180, Reason.ANGLE_SUM)
        if self.side is not None and self.height is not None:
            side, height = exact(self.side), exact(self.height)
            need(not side < height, Reason.TRIANGLE_INEQUALITY, "the slanted side is longer than the height")
            ratio = float(height) / float(side)
            return side, given if given is not None else arc_sine(ratio)
        chosen = given if given is not None else ANY_ANGLE
        if self.side is not None:
            return exact(self.side), chosen
        if self.height is not None:
            return exact(self.height) / sine(chosen), chosen
        return exact(self.base or ANY_SIDE) * 3 / 5, chosen

    def corner_points(self) -> Corners:
        side, at_first = self._slant()
        right, up = complex(self.base or ANY_SIDE), turned(at_first, float(side))
        return 0j, right, right + up, up

    def sketch_on(self, sketch: Sketch) -> None:
        a, b, c, d = self.outline(sketch)
        known = self.known
        if "base" in known:
            sketch.length("base", a, b, off=-1j)
        if "side" in known:
            sketch.length("side", b, c, off=1)
        if self.label("height"):
            top, below = (d, complex(d.real)) if 0 <= d.real <= b.real else (b, foot(b, c, d))
            sketch.line(top, below, dashed=True)
            sketch.right_angle(below, b if top == d else c, top)
            sketch.length("height", top, below, off=1)
        if "angle_1" in known:
            sketch.angle("angle_1", a, b, d)
            sketch.angle("angle_2", b, c, a)

    def sentence(self) -> str:
        return f"متوازي أضلاع{self.named(0, 1, 2, 3)}"

    def web_app(self) -> dict[str, Any] | None:
        if self.label("height"):
            return None
        return self.fields(("base", "side", "", ""), ("angle_1", "angle_2"))


class Trapezoid(FourCorners):
    """The parallel sides are `bottom` and `top`; `form` says what the legs are like."""

    title: ClassVar = "شبه منحرف"

    pattern: Literal["trapezoid"] = "trapezoid"
    form: Literal["any", "isosceles", "right"] = "any"  #: right: the left leg is the height
    bottom: Length
    top: Length
    height: Length | None = None
    left: Length | None = None
    right: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        bottom, top = exact(self.bottom), exact(self.top)
        need(bottom != top, Reason.NOT_THE_NAMED_SHAPE, "equal bases make a parallelogram")
        left_shift, height = self._shift_and_height()
        right_shift = bottom - top - left_shift
        left = (left_shift * left_shift + height * height).sqrt()
        right = (right_shift * right_shift + height * height).sqrt()
        found = {
            "bottom": length(bottom, "القاعدة السفلى"),
            "top": length(top, "القاعدة العليا"),
            "height": length(height, "الارتفاع", "ارتفاعه"),
            "left": length(left, f"الساق{self.named(0, 3)}"),
            "right": length(right, f"الساق{self.named(1, 2)}"),
            "perimeter": length(bottom + top + left + right, "المحيط"),
            "area": area((bottom + top) * height / 2),
        }
        chosen = {"left", "right", "perimeter"} if self._is_free() else set()
        return {name: quantity for name, quantity in found.items() if name not in chosen}

    def _is_free(self) -> bool:
        return self.form == "any" and self.left is None and self.right is None

    def _shift_and_height(self) -> tuple[Value, Value]:
        """How far the top begins to the right of the bottom, and the height."""
        overhang = exact(self.bottom) - exact(self.top)
        legs = [exact(leg) for leg in (self.left, self.right) if leg is not None]
        if self.form == "isosceles":
            return overhang / 2, self._height(overhang / 2, legs[0] if legs else None)
        if self.form == "right":
            if self.height is None and self.left is not None:
                return exact(0), exact(self.left)
            return exact(0), self._height(overhang, exact(self.right) if self.right is not None else None)
        if self.height is not None:
            return self._shift(overhang, exact(self.height)), exact(self.height)
        need(len(legs) == 2, Reason.UNDETERMINED, "the height or both legs")
        left, right = legs
        # The legs and the overhang are the sides of a triangle.
        width = max(overhang, overhang * -1, key=float)
        need(
            left < width + right and right < width + left and width < left + right, Reason.TRIANGLE_INEQUALITY
        )
        shift = (overhang * overhang + left * left - right * right) / (overhang * 2)
        return shift, (left * left - shift * shift).sqrt()

    def _shift(self, overhang: Value, height: Value) -> Value:
        for leg, is_left in ((self.left, True), (self.right, False)):
            if leg is not None:
                square = exact(leg) * exact(leg) - height * height
                need(float(square) >= 0, Reason.TRIANGLE_INEQUALITY, "a leg is shorter than the height")
                return square.sqrt() if is_left else overhang - square.sqrt()
        return overhang * 2 / 5

    def _height(self, shift: Value, leg: Value | None) -> Value:
        if self.height is not None:
            return exact(self.height)
        if leg is None:
            raise FigureRejected(Reason.UNDETERMINED, "the height or a leg")
        square = leg * leg - shift * shift
        need(float(square) > 0, Reason.TRIANGLE_INEQUALITY)
        return square.sqrt()

    def corner_points(self) -> Corners:
        shift, height = self._shift_and_height()
        start = complex(float(shift), float(height))
        return 0j, complex(self.bottom), start + self.top, start

    def sketch_on(self, sketch: Sketch) -> None:
        a, b, c, d = self.outline(sketch)
        sketch.length("bottom", a, b, off=-1j)
        sketch.length("top", d, c, off=1j)
        sketch.parallel(a + 0.7 * (b - a), 1)
        sketch.parallel(d + 0.7 * (c - d), 1)
        if "left" in self.known:
            sketch.length("left", a, d, off=-1)
            sketch.length("right", b, c, off=1)
        if self.form == "isosceles":
            sketch.equal(a, d)
            sketch.equal(b, c)
        if self.form == "right":
            sketch.right_angle(a, b, d)
        if self.label("height") and not (self.form == "right" and self.label("left") is None):
            self._draw_height(sketch)
        elif self.form == "right" and self.label("left") is None:
            sketch.length("height", a, d, off=-1)

    def _draw_height(self, sketch: Sketch) -> None:
        a, b, _, d = self.corner_points()
        inside = a.real <= d.real <= b.real
        high = d if inside else a
        low = complex(high.real, 0 if inside else d.imag)
        sketch.line(high, low, dashed=True)
        sketch.right_angle(low, low + 1, high)
        sketch.length("height", high, low, off=1)

    def sentence(self) -> str:
        form = {"any": "", "isosceles": " متساوي الساقين", "right": " قائم الزاوية"}[self.form]
        return f"شبه منحرف{self.named(0, 1, 2, 3)}{form}"

    def web_app(self) -> dict[str, Any] | None:
        is_right = self.form == "right"
        left_names = {"left", "height"} if is_right else {"left"}
        drawn = [name for name in ("left", "height") if self.label(name)]
        if not left_names.issuperset(drawn) or len(drawn) > 1:
            return None
        return self.fields(("bottom", "right", "top", drawn[0] if drawn else ""), right=is_right)


def _angle_name(letter: str, otherwise: str) -> str:
    return f"الزاوية{letter}" if letter else otherwise


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (Parallelogram, Trapezoid)
