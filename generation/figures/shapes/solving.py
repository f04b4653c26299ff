"""Finds a triangle from the sides and angles that are given; says by name why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from generation.figures.pattern import need
from generation.figures.reasons import FigureRejected, Reason
from generation.value import Value, approximate, cosine, exact, rational, sine

#: The longest side of a triangle of which only angles are given; its sides are drawn, but nobody sees their length.
_ANY_SIDE: Final = 10
_HALF_TURN: Final = 180


@dataclass(frozen=True, slots=True)
class Triangle:
    """`sides[i]` lies opposite to `angles[i]`, which is in degrees."""

    sides: tuple[Value, Value, Value]
    angles: tuple[float, float, float]

    @property
    def perimeter(self) -> Value:
        a, b, c = self.sides
        return a + b + c

    @property
    def area(self) -> Value:
        """Heron's formula, exact where the squares of the sides are rational."""
        a, b, c = (side * side for side in self.sides)
        sixteenfold = (a * b + b * c + c * a) * 2 - a * a - b * b - c * c
        if (known := sixteenfold.rational) is not None:
            return exact(known / 16).sqrt()
        return approximate(math.sqrt(max(0.0, float(sixteenfold)) / 16))


def solved(sides: Sequence[float | None], angles: Sequence[float | None]) -> Triangle:
    """The triangle with what is given. Raises FigureRejected if there is none, or if too little is given.

    What is given beyond need is not looked at: the pattern compares all that is given with the result.
    """
    third = _with_third_angle(angles)
    if all(angle is not None for angle in third):
        known = [angle for angle in third if angle is not None]
        return _from_angles(sides, known)
    lengths = [None if side is None else exact(side) for side in sides]
    missing = [index for index in range(3) if lengths[index] is None]
    if not missing:
        return _from_sides([side for side in lengths if side is not None])
    need(len(missing) == 1, Reason.UNDETERMINED, "three sides, two sides and an angle, or two angles")
    return _from_two_sides(lengths, third, missing[0])


def _with_third_angle(angles: Sequence[float | None]) -> list[float | None]:
    known = [rational(angle) for angle in angles if angle is not None]
    total = sum(known, Fraction(0))
    need(total < _HALF_TURN or (len(known) == 3 and total == _HALF_TURN), Reason.ANGLE_SUM)
    need(len(known) < 3 or total == _HALF_TURN, Reason.ANGLE_SUM)
    if len(known) != 2:
        return list(angles)
    rest = _number(_HALF_TURN - total)
    return [rest if angle is None else angle for angle in angles]


def _from_angles(sides: Sequence[float | None], angles: Sequence[float]) -> Triangle:
    sines = [sine(angle) for angle in angles]
    index = next((i for i in range(3) if sides[i] is not None), None)
    if index is None:
        ratio = exact(_ANY_SIDE) / max(sines, key=float)
    else:
        ratio = exact(sides[index] or 0) / sines[index]
    a, b, c = (ratio * value for value in sines)
    return Triangle((a, b, c), (angles[0], angles[1], angles[2]))


def _from_sides(sides: Sequence[Value]) -> Triangle:
    a, b, c = sides
    need(a < b + c and b < a + c and c < a + b, Reason.TRIANGLE_INEQUALITY)
    return Triangle((a, b, c), (_angle(b, c, a), _angle(a, c, b), _angle(a, b, c)))


def _from_two_sides(sides: Sequence[Value | None], angles: Sequence[float | None], missing: int) -> Triangle:
    """Two sides with the angle between them, or with the right or obtuse angle opposite to one of them."""
    found = list(sides)
    x, y = (side for side in sides if side is not None)
    between = angles[missing]
    if between is not None:
        square = x * x + y * y - x * y * cosine(between) * 2
        found[missing] = square.sqrt()
        return _from_sides([side for side in found if side is not None])
    given = next((i for i in range(3) if angles[i] is not None), None)
    if given is None:
        raise FigureRejected(Reason.UNDETERMINED, "an angle or the third side")
    opposite, other = sides[given], sides[3 - given - missing]
    angle = angles[given] or 0
    if opposite is None or other is None:
        raise FigureRejected(Reason.UNDETERMINED, "an angle or the third side")
    # With an acute angle opposite to the shorter side there are two triangles: that determines none.
    need(other < opposite or angle < 90, Reason.TRIANGLE_INEQUALITY)
    need(not opposite < other, Reason.UNDETERMINED, "the angle between the two sides")
    along = other * cosine(angle)
    found[missing] = along + (opposite * opposite - other * other + along * along).sqrt()
    return _from_sides([side for side in found if side is not None])


def _angle(x: Value, y: Value, opposite: Value) -> float:
    """The angle between x and y, exactly 90 or 60 where it is."""
    ratio = (x * x + y * y - opposite * opposite) / (x * y * 2)
    degrees = math.degrees(math.acos(max(-1.0, min(1.0, float(ratio)))))
    return float(round(degrees)) if math.isclose(degrees, round(degrees), abs_tol=1e-7) else degrees


def _number(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)
