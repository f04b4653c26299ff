"""Similar triangles: a line parallel to the base cuts the two other sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Final, Literal

from generation.figures.pattern import need
from generation.figures.quantity import Length, Quantity, length
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import exact, rational


class SimilarTriangles(SketchedPattern):
    """Points: the apex, the base's left and right end, the parallel's left and right end.

    The left side is `left_upper` and `left_lower`, the right one likewise. Sides of the drawing that nothing
    determines are chosen.
    """

    title: ClassVar = "مثلثان متشابهان"
    corners: ClassVar = "أبجده"
    is_always_lettered: ClassVar = True

    pattern: Literal["similar-triangles"] = "similar-triangles"
    left_upper: Length | None = None
    left_lower: Length | None = None
    right_upper: Length | None = None
    right_lower: Length | None = None
    parallel: Length | None = None
    base: Length | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        share = self._share()
        need(Fraction(1, 6) <= share <= Fraction(5, 6), Reason.UNREADABLE)
        found = {
            **self._side("left", self.left_upper, self.left_lower, share, (0, 3, 1)),
            **self._side("right", self.right_upper, self.right_lower, share, (0, 4, 2)),
        }
        if self.parallel is not None or self.base is not None:
            base = exact(self.base) if self.base is not None else exact(rational(self.parallel or 1) / share)
            found["base"] = length(base, f"القاعدة{self.named(1, 2)}")
            found["parallel"] = length(base * share, f"القطعة{self.named(3, 4)}")
        self._check_triangle(found)
        return found

    def _share(self) -> Fraction:
        """How much of the whole triangle lies above the parallel, as a part of its sides."""
        for upper, lower in ((self.left_upper, self.left_lower), (self.right_upper, self.right_lower)):
            if upper is not None and lower is not None:
                return rational(upper) / (rational(upper) + rational(lower))
        if self.parallel is not None and self.base is not None:
            need(self.parallel < self.base, Reason.NOT_CONTAINED, "the parallel is shorter than the base")
            return rational(self.parallel) / rational(self.base)
        raise FigureRejected(Reason.UNDETERMINED, "both parts of a side, or the parallel and the base")

    def _side(
        self,
        name: str,
        upper: float | None,
        lower: float | None,
        share: Fraction,
        points: tuple[int, int, int],
    ) -> dict[str, Quantity]:
        if upper is None and lower is None:
            return {}
        whole = rational(upper) / share if upper is not None else rational(lower or 1) / (1 - share)
        top, middle, bottom = points
        return {
            f"{name}_upper": length(exact(whole * share), f"القطعة{self.named(top, middle)}"),
            f"{name}_lower": length(exact(whole * (1 - share)), f"القطعة{self.named(middle, bottom)}"),
        }

    def _whole(self, found: Mapping[str, Quantity], name: str) -> float | None:
        if f"{name}_upper" not in found:
            return None
        return float(found[f"{name}_upper"].value) + float(found[f"{name}_lower"].value)

    def _sides(self, found: Mapping[str, Quantity]) -> tuple[float, float, float]:
        """Left, right and base, with those chosen that nothing determines."""
        left, right = self._whole(found, "left"), self._whole(found, "right")
        base = float(found["base"].value) if "base" in found else None
        if base is None:
            left = left or 1.05 * (right or 1)
            right = right or 1.05 * left
            return left, right, 0.9 * math.hypot(left, right)
        longest = max(base, left or 1.1 * base, right or 0)
        return left or longest, right or longest, base

    def _check_triangle(self, found: Mapping[str, Quantity]) -> None:
        left, right, base = self._sides(found)
        fits = left < right + base and right < left + base and base < left + right
        need(fits, Reason.TRIANGLE_INEQUALITY)

    def sketch_on(self, sketch: Sketch) -> None:
        left, right, base = self._sides(self.known)
        share = float(self._share())
        across = (left * left - right * right + base * base) / (2 * base)
        apex = complex(across, (left * left - across * across) ** 0.5)
        start, end = 0j, complex(base)
        upper_left, upper_right = apex + (start - apex) * share, apex + (end - apex) * share
        sketch.polygon(start, end, apex)
        sketch.line(upper_left, upper_right)
        sketch.parallel(upper_left + 0.75 * (upper_right - upper_left), 1)
        sketch.parallel(start + 0.75 * (end - start), 1)
        for name, (a, b, off) in {
            "left_upper": (apex, upper_left, -1),
            "left_lower": (upper_left, start, -1),
            "right_upper": (apex, upper_right, 1),
            "right_lower": (upper_right, end, 1),
            "parallel": (upper_left, upper_right, -1j),
            "base": (start, end, -1j),
        }.items():
            if name in self.known:
                sketch.length(name, a, b, off=off)
        sketch.name(0, apex, 1j)
        sketch.name(1, start, -1 - 1j)
        sketch.name(2, end, 1 - 1j)
        sketch.name(3, upper_left, -1 + 0.2j)
        sketch.name(4, upper_right, 1 + 0.2j)

    def sentence(self) -> str:
        return f"مثلث{self.named(0, 1, 2)} فيه{self.named(3, 4)} يوازي{self.named(1, 2)}"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (SimilarTriangles,)
