"""Angles at lines: parallels with a transversal, crossing lines, on a line, at a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Final, Literal

from generation.figures.geometry import Point, turned
from generation.figures.pattern import need
from generation.figures.quantity import Angle, Quantity, angle
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.sketch import Sketch, SketchedPattern
from generation.value import Value, exact, rational

_ORDINALS: Final = ("الأولى", "الثانية", "الثالثة", "الرابعة", "الخامسة", "السادسة")
_NARROWEST: Final = 15  #: degrees; a narrower angle has no room for its number


class _CrossedLines(SketchedPattern):
    """Angles at crossings, numbered counterclockwise from the upper right one, four at each."""

    crossings: ClassVar[int]

    def quantities(self) -> Mapping[str, Quantity]:
        first = self._first()
        need(_NARROWEST <= float(first) <= 180 - _NARROWEST, Reason.UNREADABLE)
        others = exact(180) - first
        return {
            f"angle_{index}": angle(first if index % 2 else others, self.angle_name(index))
            for index in range(1, 4 * self.crossings + 1)
        }

    def angle_name(self, index: int) -> str:
        """Where the angle is, for a student who does not see the drawing."""
        above = "فوق" if index % 4 in {1, 2} else "تحت"
        right = "يمين" if index % 4 in {0, 1} else "يسار"
        level = "الأفقي" if self.crossings == 1 else "العلوي" if index <= 4 else "السفلي"
        return f"الزاوية {above} المستقيم {level} {right} القاطع"

    def _first(self) -> Value:
        """The upper right angle, from whichever is given."""
        for index in range(1, 4 * self.crossings + 1):
            if (value := getattr(self, f"angle_{index}")) is not None:
                need(value < 180, Reason.ANGLE_SUM)
                return exact(value) if index % 2 else exact(180) - exact(value)
        raise FigureRejected(Reason.UNDETERMINED, "one angle")

    def mark_angles(self, sketch: Sketch, at: Point, along: Point, first_index: int) -> None:
        """The four angles between a horizontal line and one in the direction `along`, which points upwards."""
        rays = (1 + 0j, along, -1 + 0j, -along)
        for turn in range(4):
            sketch.angle(f"angle_{first_index + turn}", at, at + rays[turn], at + rays[(turn + 1) % 4])


class Transversal(_CrossedLines):
    """Angles 1 to 4 at the upper parallel, 5 to 8 at the lower one, each counterclockwise from the upper right.

    Points: on the upper parallel left and right, on the lower one left and right.
    """

    title: ClassVar = "مستقيمان متوازيان وقاطع"
    corners: ClassVar = "أبجد"
    crossings: ClassVar = 2

    pattern: Literal["transversal"] = "transversal"
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None
    angle_4: Angle | None = None
    angle_5: Angle | None = None
    angle_6: Angle | None = None
    angle_7: Angle | None = None
    angle_8: Angle | None = None

    def sketch_on(self, sketch: Sketch) -> None:
        along = turned(self.size("angle_1"))
        gap = along / along.imag
        upper, lower, half, rest = gap / 2, -gap / 2, 1.5 + abs(gap.real) / 2, 0.75 * along
        sketch.line(upper.imag * 1j - half, upper.imag * 1j + half)
        sketch.line(lower.imag * 1j - half, lower.imag * 1j + half)
        sketch.line(lower - rest, upper + rest)
        for side in (upper, lower):
            sketch.parallel(side.imag * 1j + 0.75 * half, 1)
        self.mark_angles(sketch, upper, along, 1)
        self.mark_angles(sketch, lower, along, 5)
        for index, (side, end) in enumerate(((upper, -half), (upper, half), (lower, -half), (lower, half))):
            sketch.name(index, side.imag * 1j + end, end)

    def sentence(self) -> str:
        first, second = self.named(0, 1), self.named(2, 3)
        return f"مستقيمان متوازيان{first}{' و' + second.strip() if second else ''} يقطعهما مستقيم"


class CrossingLines(_CrossedLines):
    """Angles 1 to 4 counterclockwise from the upper right one. Points: left, right, top, bottom, the crossing."""

    title: ClassVar = "مستقيمان متقاطعان"
    corners: ClassVar = "أبجدم"
    crossings: ClassVar = 1

    pattern: Literal["crossing-lines"] = "crossing-lines"
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None
    angle_4: Angle | None = None

    def sketch_on(self, sketch: Sketch) -> None:
        along = turned(self.size("angle_1"))
        sketch.line(-1.4, 1.4)
        sketch.line(-along, along)
        self.mark_angles(sketch, 0, along, 1)
        for index, end in enumerate((-1.4 + 0j, 1.4 + 0j, along, -along)):
            sketch.name(index, end, end)
        sketch.name(4, 0, -1j - along, dot=True)

    def sentence(self) -> str:
        return f"مستقيم أفقي{self.named(0, 1)} يقطعه مستقيم مائل{self.named(2, 3)}"


class _AnglesInTurn(SketchedPattern):
    """Adjacent angles that fill a whole; the ones that are not given share the rest equally."""

    whole: ClassVar[int]
    most: ClassVar[int]

    def quantities(self) -> Mapping[str, Quantity]:
        values = self._values()
        need(all(value >= _NARROWEST for value in values), Reason.UNREADABLE)
        need(all(value < 180 for value in values) or self.whole == 360, Reason.ANGLE_SUM)
        return {
            f"angle_{index}": angle(exact(value), f"الزاوية {_ORDINALS[index - 1]}")
            for index, value in enumerate(values, start=1)
        }

    def _values(self) -> list[Fraction]:
        given = [getattr(self, f"angle_{index}") for index in range(1, self.most + 1)]
        last_given = max((i for i, value in enumerate(given, start=1) if value is not None), default=0)
        named = [
            int(name.removeprefix("angle_")) for name in self.ask if name.removeprefix("angle_").isdigit()
        ]
        count = max([last_given, *named])
        need(2 <= count <= self.most and last_given > 0, Reason.UNDETERMINED, "at least one angle")
        return shared_out(given[:count], self.whole)

    def mark_angles(self, sketch: Sketch, begin: float) -> list[Point]:
        """The rays in turn, and the angle between each and the next."""
        directions = [begin]
        for value in self._values():
            directions.append(directions[-1] + float(value))
        rays = [turned(degrees) for degrees in directions]
        for index in range(len(rays) - 1):
            sketch.angle(f"angle_{index + 1}", 0, rays[index], rays[index + 1])
        return rays


def shared_out(given: Sequence[float | None], whole: int) -> list[Fraction]:
    """The angles, with the rest of the whole shared by those that are None. Raises FigureRejected."""
    known = [None if value is None else rational(value) for value in given]
    rest = whole - sum((value for value in known if value is not None), Fraction(0))
    missing = sum(value is None for value in known)
    need(rest > 0 if missing else rest == 0, Reason.ANGLE_SUM, f"the angles add up to {whole}")
    return [rest / missing if value is None else value for value in known]


class AnglesOnLine(_AnglesInTurn):
    """Angles from the right to the left, 180 together. Points: the vertex, then the ends of the rays in turn."""

    title: ClassVar = "زوايا متجاورة على مستقيم"
    whole: ClassVar = 180
    most: ClassVar = 5

    pattern: Literal["angles-on-line"] = "angles-on-line"
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None
    angle_4: Angle | None = None
    angle_5: Angle | None = None

    def sketch_on(self, sketch: Sketch) -> None:
        rays = self.mark_angles(sketch, 0)
        sketch.line(rays[0], rays[-1])
        for ray in rays[1:-1]:
            sketch.line(0, ray)

    def sentence(self) -> str:
        count = len(self._values())
        return f"مستقيم تخرج من نقطة عليه {'شعاع' if count == 2 else 'أشعة'} تصنع زوايا متجاورة عددها {count} بدءًا من اليمين"


class AnglesAtPoint(_AnglesInTurn):
    """Angles counterclockwise around a point, 360 together."""

    title: ClassVar = "زوايا حول نقطة"
    whole: ClassVar = 360
    most: ClassVar = 6

    pattern: Literal["angles-at-point"] = "angles-at-point"
    angle_1: Angle | None = None
    angle_2: Angle | None = None
    angle_3: Angle | None = None
    angle_4: Angle | None = None
    angle_5: Angle | None = None
    angle_6: Angle | None = None

    def sketch_on(self, sketch: Sketch) -> None:
        rays = self.mark_angles(sketch, 20)
        for ray in rays[:-1]:
            sketch.line(0, ray)

    def sentence(self) -> str:
        return f"زوايا متجاورة حول نقطة، عددها {len(self._values())}، مرتبة عكس عقارب الساعة"


PATTERNS: Final[tuple[type[SketchedPattern], ...]] = (
    Transversal,
    CrossingLines,
    AnglesOnLine,
    AnglesAtPoint,
)
