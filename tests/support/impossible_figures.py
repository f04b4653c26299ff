"""Figures that cannot be, by kind, as a careless writer makes them: each kind from a valid figure, broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tools.figures.samples import SAMPLES, sample

Written = dict[str, Any]


def broken(kind: str, rng: Random) -> tuple[Written, str, str]:
    """A figure of this kind of fault, with a stem and a key that go with it (or do not)."""
    made = KINDS[kind](rng)
    return made if isinstance(made, tuple) else (made, "", "")


def _sides_that_do_not_meet(rng: Random) -> Written:
    a, b = rng.randint(2, 20), rng.randint(2, 20)
    return {"pattern": "triangle", "side_12": a, "side_23": b, "side_31": a + b + rng.randint(0, 9)}


def _hypotenuse_too_short(rng: Random) -> Written:
    leg = rng.randint(4, 40)
    return {
        "pattern": "right-triangle",
        "base": leg,
        "hypotenuse": leg - rng.randint(0, 3),
        "ask": ["height"],
    }


def _wrong_hypotenuse(rng: Random) -> Written:
    return {"pattern": "right-triangle", "base": 3 * (k := rng.randint(1, 9)), "height": 4 * k,
            "hypotenuse": 5 * k + rng.randint(1, 4)}  # fmt: skip


def _angles_beyond_a_triangle(rng: Random) -> Written:
    a = rng.randint(60, 150)
    return {"pattern": "triangle", "angle_1": a, "angle_2": 180 - a + rng.randint(0, 60), "ask": ["angle_3"]}


def _three_angles_that_are_not_180(rng: Random) -> Written:
    a, b = rng.randint(30, 80), rng.randint(30, 80)
    return {
        "pattern": "triangle",
        "angle_1": a,
        "angle_2": b,
        "angle_3": 180 - a - b + rng.choice((-5, 3, 10)),
    }


def _base_angle_of_more_than_90(rng: Random) -> Written:
    return {"pattern": "isosceles-triangle", "base_angle": rng.randint(90, 170), "ask": ["apex_angle"]}


def _quadrilateral_that_is_not_360(rng: Random) -> Written:
    a, b, c = (rng.randint(70, 110) for _ in range(3))
    wrong = {"angle_4": 360 - a - b - c + rng.choice((-20, 10, 7))}
    return {"pattern": "polygon-angles", "sides": 4, "angle_1": a, "angle_2": b, "angle_3": c, **wrong}


def _angles_on_a_line_beyond_180(rng: Random) -> Written:
    a = rng.randint(60, 150)
    return {
        "pattern": "angles-on-line",
        "angle_1": a,
        "angle_2": 181 - a + rng.randint(0, 20),
        "ask": ["angle_3"],
    }


def _angles_at_a_point_beyond_360(rng: Random) -> Written:
    return {"pattern": "angles-at-point", "angle_1": rng.randint(130, 170), "angle_2": rng.randint(120, 170),
            "angle_3": rng.randint(120, 170)}  # fmt: skip


def _transversal_that_disagrees(rng: Random) -> Written:
    a = rng.randint(40, 80)
    return {
        "pattern": "transversal",
        "angle_1": a,
        "angle_5": a + rng.choice((-7, 5, 12)),
        "ask": ["angle_8"],
    }


def _radius_and_diameter_that_disagree(rng: Random) -> Written:
    pattern = rng.choice(("circle", "sphere", "three-tangent-circles", "circles-through-centers"))
    radius = rng.randint(2, 30)
    return {"pattern": pattern, "radius": radius, "diameter": 2 * radius + rng.choice((-1, 1, 4, radius))}


def _chord_outside_its_circle(rng: Random) -> Written:
    radius = rng.randint(3, 20)
    more = rng.randint(0, 9)
    return rng.choice(({"pattern": "chord", "radius": radius, "distance": radius + more, "ask": ["chord"]},
                       {"pattern": "chord", "radius": radius, "chord": 2 * radius + 1 + more, "ask": ["distance"]}))  # fmt: skip


def _tangent_from_inside(rng: Random) -> Written:
    radius = rng.randint(4, 20)
    return {
        "pattern": "tangent",
        "radius": radius,
        "distance": radius - rng.randint(0, 3),
        "ask": ["tangent"],
    }


def _inscribed_half_that_is_not(rng: Random) -> Written:
    half = rng.randint(15, 80)
    return {"pattern": "inscribed-angle", "central": 2 * half + rng.choice((-6, 4, 9)), "inscribed": half}


def _height_longer_than_the_side(rng: Random) -> Written:
    side = rng.randint(4, 20)
    return {
        "pattern": "parallelogram",
        "base": 20,
        "side": side,
        "height": side + rng.randint(1, 5),
        "ask": ["area"],
    }


def _diagonal_shorter_than_a_side(rng: Random) -> Written:
    width = rng.randint(6, 30)
    return {"pattern": "rectangle", "width": width, "diagonal": width - rng.randint(0, 4), "ask": ["height"]}


def _trapezoid_with_equal_bases(rng: Random) -> Written:
    return {
        "pattern": "trapezoid",
        "bottom": (base := rng.randint(4, 20)),
        "top": base,
        "height": rng.randint(3, 9),
    }


def _area_that_is_not_the_product(rng: Random) -> Written:
    width, height = rng.randint(8, 20), rng.randint(4, 8)
    return {
        "pattern": "rectangle",
        "width": width,
        "height": height,
        "area": width * height + rng.randint(1, 9),
    }


def _circle_wider_than_its_square(rng: Random) -> Written:
    side = rng.randint(6, 30)
    return rng.choice(({"pattern": "circle-in-square", "side": side, "radius": side * rng.choice((1, 2))},
                       {"pattern": "corner-quarter-circles", "side": side, "radius": side // 2 + rng.randint(1, 5)},
                       {"pattern": "square-vertex-at-center", "side": side, "radius": side + rng.randint(1, 9)}))  # fmt: skip


def _circles_that_do_not_touch(rng: Random) -> Written:
    radius, count = rng.randint(2, 9), rng.randint(2, 4)
    return {"pattern": "circles-in-rectangle", "count": count, "height": 2 * radius,
            "width": 2 * radius * count + rng.randint(1, 9)}  # fmt: skip


def _inner_circle_outside(rng: Random) -> Written:
    inner = rng.randint(4, 20)
    return {"pattern": "concentric-circles", "inner": inner, "outer": inner - rng.randint(0, 3)}


def _cut_larger_than_the_whole(rng: Random) -> Written:
    width = rng.randint(6, 20)
    return {
        "pattern": "l-shape",
        "width": width,
        "height": 10,
        "cut_width": width + rng.randint(0, 4),
        "cut_height": 4,
    }


def _point_on_no_plane(rng: Random) -> Written:
    return rng.choice(({"pattern": "coordinate-plane", "at": {"أ": [1, 2], "ب": [4, 6]}, "paths": ["أج"]},
                       {"pattern": "coordinate-plane", "at": {"أ": [1, 1], "ب": [2, 2], "ج": [3, 3]}, "paths": ["أبجأ"]},
                       {"pattern": "coordinate-plane", "at": {"أ": [1, 2], "ب": [1, 2]}, "paths": ["أب"]}))  # fmt: skip


def _sides_that_cross(rng: Random) -> Written:
    x, y = rng.randint(2, 8), rng.randint(2, 8)
    at = {"أ": [0, 0], "ب": [x, y], "ج": [x, 0], "د": [0, y]}
    return {"pattern": "coordinate-plane", "at": at, "paths": ["أبجدأ"], "ask": ["area"]}


def _rhombus_that_disagrees(rng: Random) -> Written:
    a, b = rng.randint(4, 12), rng.randint(4, 12)
    wrong = {"side": a + b + rng.randint(1, 4)} if rng.random() < 0.5 else {"angle_1": 170}
    return {"pattern": "rhombus", "diagonal_1": 2 * a, "diagonal_2": 2 * b, **wrong}


def _parallel_parts_that_disagree(rng: Random) -> Written:
    upper, lower = rng.randint(2, 6), rng.randint(2, 6)
    return {"pattern": "similar-triangles", "left_upper": upper, "left_lower": lower, "right_upper": 2 * upper,
            "right_lower": 2 * lower + rng.randint(1, 3)}  # fmt: skip


def _cone_with_a_short_slant(rng: Random) -> Written:
    return {
        "pattern": "cone",
        "radius": (r := rng.randint(4, 20)),
        "slant": r - rng.randint(0, 3),
        "ask": ["height"],
    }


def _any(rng: Random) -> Written:
    return sample(rng.choice(sorted(SAMPLES)), rng)


def _unknown_pattern(rng: Random) -> Written:
    return {**_any(rng), "pattern": rng.choice(("heptagon", "دائرة", "", "Circle", "circle "))}


def _unknown_parameter(rng: Random) -> Written:
    return {**_any(rng), rng.choice(("description", "measures", "x", "الضلع")): 7}


def _negative_or_no_number(rng: Random) -> Written:
    value = rng.choice((0, -5, "7", True, None, float("nan"), float("inf"), 10**9, [3]))
    pattern, name = rng.choice((("circle", "radius"), ("cube", "edge"), ("equilateral-triangle", "side")))
    return {"pattern": pattern, name: value}


def _asks_for_what_it_has_not(rng: Random) -> Written:
    return {**_any(rng), "ask": [rng.choice(("colour", "angle_9", "side_99"))]}


def _hides_everything(rng: Random) -> Written:
    return {"pattern": "rectangle", "width": 8, "height": 5, "ask": ["width", "height"]}


def _equal_letters(rng: Random) -> Written:
    return {
        "pattern": "right-triangle",
        "base": 3,
        "height": 4,
        "points": rng.choice(("بجج", "أب", "أبجد", "ABC")),
    }


def _too_thin(rng: Random) -> Written:
    width = rng.randint(200, 900)
    return rng.choice(({"pattern": "rectangle", "width": width, "height": 2},
                       {"pattern": "right-triangle", "base": width, "height": 1, "hide": ["height"]},
                       {"pattern": "sector", "radius": 5, "angle": rng.randint(1, 6)}))  # fmt: skip


def _stem_with_another_number(rng: Random) -> tuple[Written, str, str]:
    radius = rng.randint(3, 30)
    other = radius + rng.choice((-1, 1, 5))
    figure = {"pattern": "circle", "radius": radius, "unit": "سم", "ask": ["area"]}
    return figure, f"في الشكل دائرة نصف قطرها {other} سم. ما مساحتها بدلالة π؟", ""


def _key_that_is_not_the_value(rng: Random) -> tuple[Written, str, str]:
    k = rng.randint(1, 9)
    figure = {"pattern": "right-triangle", "base": 3 * k, "height": 4 * k, "unit": "م", "ask": ["hypotenuse"]}
    return figure, "في الشكل مثلث قائم. ما طول وتره؟", f"{rng.choice((7 * k, 12 * k, k))} م"


def _key_among_the_measures(rng: Random) -> tuple[Written, str, str]:
    k = rng.randint(2, 9)
    figure = {"pattern": "right-triangle", "base": 3 * k, "height": 4 * k, "hypotenuse": 5 * k}
    return figure, "ما طول الوتر في الشكل؟", f"{5 * k}"


KINDS: Mapping[str, Callable[[Random], Written | tuple[Written, str, str]]] = {
    name.removeprefix("_").replace("_", " "): maker
    for name, maker in list(globals().items())
    if name.startswith("_") and callable(maker) and name != "_any" and not name.startswith("__")
}
