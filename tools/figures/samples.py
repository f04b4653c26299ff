"""Random valid parameters for each pattern, as a writer could give them. The same seed gives the same figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from generation.figures.catalogue import PATTERNS
from tools.figures.chart_samples import CHART_SAMPLES

Sample = dict[str, Any]
_UNITS: Final = ("سم", "م", "")
_TRIPLES: Final = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (20, 21, 29))
_LETTERS: Final = "أبجدهوزحطيكلمنسعفصقر"


def sample(pattern: str, rng: Random) -> Sample:
    """What a writer may send for this pattern: it passes every check."""
    written = {"pattern": pattern, "unit": rng.choice(_UNITS), **SAMPLES[pattern](rng)}
    if (corners := PATTERNS[pattern].corners) and "points" not in written:
        written["points"] = rng.choice(("", corners, "".join(rng.sample(_LETTERS, len(corners)))))
    if pattern in _WITHOUT_UNIT:
        del written["unit"]
    return written


def _round(rng: Random) -> Sample:
    """A radius or a diameter."""
    name = rng.choice(("radius", "diameter"))
    return {name: rng.choice((7, 14, 3.5, rng.randint(2, 60)))}


def _triple(rng: Random) -> tuple[int, int, int]:
    (a, b, c), times = rng.choice(_TRIPLES), rng.randint(1, 4)
    a, b = rng.choice(((a, b), (b, a)))
    return a * times, b * times, c * times


def _circle(rng: Random) -> Sample:
    return {**_round(rng), "ask": rng.choice((["area"], ["circumference"], []))}


def _chord(rng: Random) -> Sample:
    distance, half, radius = _triple(rng)
    return rng.choice(
        (
            {"radius": radius, "distance": distance, "ask": ["chord"]},
            {"radius": radius, "chord": 2 * half, "ask": ["distance"]},
            {"chord": 2 * half, "distance": distance, "ask": ["radius"]},
        )
    )


def _sector(rng: Random) -> Sample:
    return {**_round(rng), "angle": rng.choice((60, 90, 120, 135, 45, 270, 72, rng.randint(30, 300))),
            "ask": rng.choice((["sector_area"], ["arc"], ["perimeter"]))}  # fmt: skip


def _tangent(rng: Random) -> Sample:
    radius, touch, distance = _triple(rng)
    tangents = {"tangents": rng.choice((1, 2))}
    return rng.choice(
        (
            {"radius": radius, "distance": distance, "ask": ["tangent"], **tangents},
            {"radius": radius, "tangent": touch, "ask": ["distance"], **tangents},
            {"distance": distance, "tangent": touch, "ask": ["radius"], **tangents},
        )
    )


def _inscribed(rng: Random) -> Sample:
    half = rng.choice((90, rng.randint(12, 80)))
    return rng.choice(({"inscribed": half, "ask": ["central"]}, {"central": 2 * half, "ask": ["inscribed"]}))


def _right_triangle(rng: Random) -> Sample:
    a, b, c = _triple(rng)
    return rng.choice(
        (
            {"base": a, "height": b, "ask": ["hypotenuse"]},
            {"base": a, "hypotenuse": c, "ask": ["height"]},
            {"height": b, "hypotenuse": c, "ask": ["base"]},
            {"base": a, "height": b, "ask": ["area"]},
            {"hypotenuse": 2 * a, "base_angle": rng.choice((30, 60)), "ask": ["height"]},
            {"base": a, "base_angle": 45, "ask": ["hypotenuse"]},
            {"base_angle": rng.randint(25, 65), "ask": ["top_angle"]},
        )
    )


def _isosceles(rng: Random) -> Sample:
    half, height, leg = _triple(rng)
    return rng.choice(
        (
            {"leg": leg, "base": 2 * half, "ask": ["height"]},
            {"leg": leg, "base": 2 * half, "ask": ["perimeter"]},
            {"base": 2 * half, "height": height, "ask": ["area"]},
            {"base_angle": rng.randint(35, 75), "ask": ["apex_angle"]},
            {"apex_angle": rng.randint(30, 110), "ask": ["base_angle"]},
        )
    )


def _triangle(rng: Random) -> Sample:
    a, b = rng.randint(40, 80), rng.randint(40, 70)
    if rng.random() < 0.5:
        return {"angle_1": a, "angle_2": b, "ask": ["angle_3"]}
    base = rng.randint(8, 30)
    left = rng.randint(base // 2 + 2, base + 3)
    return {
        "side_12": base,
        "side_31": left,
        "side_23": rng.randint(max(base - left // 2, abs(base - left) + 1), base + left // 2),
        "ask": ["perimeter"],
    }


def _altitude(rng: Random) -> Sample:
    base = rng.randint(8, 30)
    height = rng.randint(base // 2, base)
    return {"base": base, "height": height, "foot": round(base * rng.uniform(0.3, 0.7)), "ask": ["area"]}


def _square(rng: Random) -> Sample:
    size = rng.randint(2, 60)
    return rng.choice(
        (
            {"side": size, "ask": ["area"]},
            {"diagonal": size, "ask": ["area"]},
            {"area": size * size, "ask": ["side"]},
            {"perimeter": 4 * size, "ask": ["diagonal"]},
        )
    )


def _sides(rng: Random, ratio: float = 4) -> tuple[int, int]:
    width = rng.randint(6, 60)
    return width, max(2, round(width / rng.uniform(1.05, ratio)))


def _rectangle(rng: Random) -> Sample:
    width, height = _sides(rng)
    a, b, c = _triple(rng)
    return rng.choice(
        (
            {"width": width, "height": height, "ask": ["area"]},
            {"width": width, "perimeter": 2 * (width + height), "ask": ["height"]},
            {"width": width, "area": width * height, "ask": ["height"]},
            {"width": max(a, b), "diagonal": c, "ask": ["height"]},
            {"width": a, "height": b, "ask": ["diagonal"]},
        )
    )


def _parallelogram(rng: Random) -> Sample:
    base, height = rng.randint(10, 40), rng.randint(6, 9)
    return rng.choice(
        (
            {"base": base, "height": height, "side": height + rng.randint(1, 3), "ask": ["area"]},
            {"base": base, "height": height, "ask": ["area"]},
            {"base": base, "side": rng.randint(base // 3, base), "ask": ["perimeter"]},
            {"angle_1": rng.choice((rng.randint(45, 85), rng.randint(95, 130))), "ask": ["angle_2"]},
        )
    )


def _rhombus(rng: Random) -> Sample:
    a, b, c = _triple(rng)
    return rng.choice(
        (
            {"diagonal_1": 2 * a, "diagonal_2": 2 * b, "ask": ["area"]},
            {"side": c, "diagonal_1": 2 * a, "ask": ["diagonal_2"]},
            {"side": c, "ask": ["perimeter"]},
            {"side": a, "angle_1": rng.choice((60, 120)), "ask": ["area"]},
        )
    )


def _trapezoid(rng: Random) -> Sample:
    top, more = rng.randint(6, 20), 2 * rng.randint(2, 6)
    height = rng.randint(5, 15)
    (a, b, c) = rng.choice(_TRIPLES)
    return rng.choice(
        (
            {"bottom": top + more, "top": top, "height": height, "ask": ["area"]},
            {"bottom": top + 2 * a, "top": top, "left": c, "form": "isosceles", "ask": ["height"]},
            {"bottom": top + a, "top": top, "height": b, "form": "right", "ask": ["right"]},
            {"bottom": top, "top": top + more, "height": height, "ask": ["area"]},
            {"bottom": top + 2 * a, "top": top, "left": c, "form": "isosceles", "ask": ["perimeter"]},
        )
    )


def _regular(rng: Random) -> Sample:
    side = {"side": rng.randint(2, 40)}
    return rng.choice(
        ({**side, "ask": ["perimeter"]}, {"ask": ["interior_angle"]}, {"ask": ["exterior_angle"]}, side)
    )


def _cube(rng: Random) -> Sample:
    return {"edge": rng.randint(2, 30), "ask": rng.choice((["volume"], ["surface"]))}


def _cuboid(rng: Random) -> Sample:
    sizes = {name: rng.randint(2, 20) for name in ("length", "width", "height")}
    return {**sizes, "ask": rng.choice((["volume"], ["surface"], ["diagonal"]))}


def _cylinder(rng: Random) -> Sample:
    return {**_round(rng), "height": rng.randint(2, 40), "ask": rng.choice((["volume"], ["lateral"]))}


def _cone(rng: Random) -> Sample:
    radius, height, slant = _triple(rng)
    return rng.choice(
        (
            {"radius": radius, "height": height, "ask": ["slant"]},
            {"radius": radius, "slant": slant, "ask": ["height"]},
            {"diameter": 2 * radius, "height": height, "ask": ["volume"]},
        )
    )


def _sphere(rng: Random) -> Sample:
    return {**_round(rng), "ask": rng.choice((["volume"], ["surface"]))}


def _plane(rng: Random) -> Sample:
    low = rng.choice((0, -6))

    def spot() -> list[int]:
        return [rng.randint(low, 8), rng.randint(low, 8)]

    a, b, c = spot(), spot(), spot()
    while a == b or (b[0] - a[0]) * (c[1] - a[1]) == (c[0] - a[0]) * (b[1] - a[1]):
        a, b, c = spot(), spot(), spot()
    if rng.random() < 0.5:
        return {"at": {"أ": a, "ب": b}, "paths": ["أب"], "ask": ["distance"]}
    return {"at": {"أ": a, "ب": b, "ج": c}, "paths": ["أبجأ"], "shaded": rng.random() < 0.7, "ask": ["area"]}


def _crossed(count: int) -> Callable[[Random], Sample]:
    def written(rng: Random) -> Sample:
        given, asked = rng.sample(range(1, count + 1), 2)
        value = rng.choice((rng.randint(35, 80), rng.randint(100, 145)))
        return {f"angle_{given}": value, "ask": [f"angle_{asked}"], "symbol": rng.choice("؟سص")}

    return written


def _in_turn(whole: int, fewest: int, most: int) -> Callable[[Random], Sample]:
    def written(rng: Random) -> Sample:
        count = rng.randint(fewest, most)
        mean = whole // count
        values = [mean + rng.randint(-mean // 3, mean // 3) for _ in range(count - 1)]
        asked = rng.randrange(count)
        values.insert(asked, whole - sum(values))
        if min(values) < 25 or max(values) >= 180:
            return written(rng)
        given = {f"angle_{i + 1}": value for i, value in enumerate(values) if i != asked}
        return {**given, "ask": [f"angle_{asked + 1}"], "symbol": "س"}

    return written


def _polygon_angles(rng: Random) -> Sample:
    sides = rng.choice((3, 4, 4, 5, 6))
    mean = 180 * (sides - 2) // sides
    spread = {3: 18, 4: 25, 5: 14, 6: 8}[sides]
    given = {f"angle_{i}": mean + rng.randint(-spread, spread) for i in range(1, sides)}
    corners = PATTERNS["polygon-angles"].corners
    return {"sides": sides, **given, "ask": [f"angle_{sides}"], "points": rng.choice(("", corners[:sides]))}


def _exterior(rng: Random) -> Sample:
    first, top = rng.randint(35, 75), rng.randint(35, 75)
    return rng.choice(
        (
            {"angle_1": first, "angle_3": top, "ask": ["exterior"]},
            {"exterior": first + top, "angle_1": first, "ask": ["angle_3"]},
        )
    )


def _circle_in_square(rng: Random) -> Sample:
    size = rng.choice(({"side": rng.choice((14, 28, 20, 7))}, {"radius": rng.choice((7, 14, 10, 3.5))}))
    shaded = rng.choice(("outside", "outside", "inside"))
    return {**size, "shaded": shaded, "ask": ["shaded_area"]}


def _square_in_circle(rng: Random) -> Sample:
    name = rng.choice(("radius", "diameter", "side"))
    return {
        name: rng.choice((7, 14, 10, 20)),
        "shaded": rng.choice(("outside", "inside")),
        "ask": ["shaded_area"],
    }


def _corner_quarters(rng: Random) -> Sample:
    side = rng.choice((14, 20, 28))
    radius = {"radius": rng.choice((5, 6, 7))} if rng.random() < 0.5 else {}
    return {"side": side, **radius, "shaded": rng.choice(("outside", "inside")), "ask": ["shaded_area"]}


def _square_at_center(rng: Random) -> Sample:
    radius = rng.choice((7, 10, 14))
    shaded = rng.choice(("overlap", "square", "circle"))
    return {
        "radius": radius,
        "side": radius + rng.choice((0, 1, 4, 6)),
        "shaded": shaded,
        "ask": ["shaded_area"],
    }


def _rose(rng: Random) -> Sample:
    return {
        "side": rng.choice((14, 10, 20, 28)),
        "shaded": rng.choice(("inside", "outside")),
        "ask": ["shaded_area"],
    }


def _three_circles(rng: Random) -> Sample:
    return {**_round(rng), "ask": rng.choice((["shaded_area"], ["triangle_perimeter"]))}


def _segment(rng: Random) -> Sample:
    return {**_round(rng), "angle": rng.choice((60, 90, 120, 150)), "ask": ["shaded_area"]}


def _circles_in_rectangle(rng: Random) -> Sample:
    count, radius = rng.randint(2, 4), rng.choice((3, 3.5, 5, 7))
    size = rng.choice(
        (
            {"radius": radius},
            {"width": 2 * radius * count},
            {"width": 2 * radius * count, "height": 2 * radius},
        )
    )
    return {"count": count, **size, "shaded": rng.choice(("outside", "inside")), "ask": ["shaded_area"]}


def _half_circle(rng: Random) -> Sample:
    width, height = _sides(rng, 1.9)
    asked = {"shaded": True, "ask": ["shaded_area"]} if rng.random() < 0.5 else {"ask": ["perimeter"]}
    return {"width": width, "height": height, "side": rng.choice(("top", "right")),
            "cut": width < 2 * height and rng.random() < 0.4, **asked}  # fmt: skip


def _triangle_in_rectangle(rng: Random) -> Sample:
    width, height = _sides(rng, 3)
    return {"width": width, "height": height, "apex": round(rng.uniform(0.2, 0.8), 2),
            "shaded": rng.choice(("triangle", "rest")), "ask": ["shaded_area"]}  # fmt: skip


def _path(rng: Random) -> Sample:
    width, height = _sides(rng, 2.5)
    return {
        "width": width,
        "height": height,
        "path": max(1, round(width / rng.randint(6, 11))),
        "ask": ["shaded_area"],
    }


def _l_shape(rng: Random) -> Sample:
    width, height = _sides(rng, 2)
    cut_width, cut_height = (max(1, round(size * rng.uniform(0.3, 0.7))) for size in (width, height))
    return {
        "width": width,
        "height": height,
        "cut_width": cut_width,
        "cut_height": cut_height,
        "ask": ["area"],
    }


def _rings(rng: Random) -> Sample:
    inner = rng.randint(3, 14)
    return {"inner": inner, "outer": inner + rng.randint(2, 8), "shaded": rng.choice(("ring", "none")),
            "ask": ["shaded_area"]}  # fmt: skip


def _through_centers(rng: Random) -> Sample:
    return {**_round(rng), "form": rng.choice(("triangle", "rhombus")), "shaded": rng.random() < 0.6,
            "ask": rng.choice((["area"], ["perimeter"]))}  # fmt: skip


def _similar(rng: Random) -> Sample:
    upper, lower, times = rng.randint(2, 6), rng.randint(2, 6), rng.randint(1, 3)
    return rng.choice(
        (
            {"left_upper": upper, "left_lower": lower, "right_upper": upper * times, "ask": ["right_lower"]},
            {"left_upper": upper, "left_lower": lower, "parallel": upper * times, "ask": ["base"]},
        )
    )


_WITHOUT_UNIT: Final = frozenset({*CHART_SAMPLES, "angles-on-line", "angles-at-point", "transversal", "crossing-lines",
                                  "polygon-angles", "exterior-angle", "inscribed-angle"})  # fmt: skip

SAMPLES: Final[Mapping[str, Callable[[Random], Sample]]] = {
    "circle": _circle,
    "chord": _chord,
    "sector": _sector,
    "tangent": _tangent,
    "inscribed-angle": _inscribed,
    "right-triangle": _right_triangle,
    "isosceles-triangle": _isosceles,
    "equilateral-triangle": lambda rng: {"side": rng.randint(2, 40), "ask": ["area"]},
    "triangle": _triangle,
    "triangle-altitude": _altitude,
    "square": _square,
    "rectangle": _rectangle,
    "parallelogram": _parallelogram,
    "rhombus": _rhombus,
    "trapezoid": _trapezoid,
    "pentagon": _regular,
    "hexagon": _regular,
    "cube": _cube,
    "cuboid": _cuboid,
    "cylinder": _cylinder,
    "cone": _cone,
    "sphere": _sphere,
    "coordinate-plane": _plane,
    "transversal": _crossed(8),
    "crossing-lines": _crossed(4),
    "angles-on-line": _in_turn(180, 2, 4),
    "angles-at-point": _in_turn(360, 3, 6),
    "polygon-angles": _polygon_angles,
    "exterior-angle": _exterior,
    "circle-in-square": _circle_in_square,
    "square-in-circle": _square_in_circle,
    "corner-quarter-circles": _corner_quarters,
    "square-vertex-at-center": _square_at_center,
    "rose-in-square": _rose,
    "three-tangent-circles": _three_circles,
    "sector-minus-triangle": _segment,
    "circles-in-rectangle": _circles_in_rectangle,
    "half-circle-on-rectangle": _half_circle,
    "triangle-in-rectangle": _triangle_in_rectangle,
    "path-around-rectangle": _path,
    "l-shape": _l_shape,
    "concentric-circles": _rings,
    "circles-through-centers": _through_centers,
    "similar-triangles": _similar,
    **CHART_SAMPLES,
}
