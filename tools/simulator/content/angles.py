"""Geometry with a figure of angles: in a circle, between lines, at a point, in a polygon."""

from __future__ import annotations

from tools.simulator.content.draft import Draft
from tools.simulator.content.figures import DEGREES, asking, points
from tools.simulator.content.registry import figure
from tools.simulator.content.scene import Scene


@figure("diagram", "inscribed-angle", difficulty="easy")
def inscribed_angle(scene: Scene) -> Draft:
    half = scene.step(4, 16, 5)
    drawn = {"pattern": "inscribed-angle", **points(scene, 4)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"inscribed": half, "ask": ["central"]}, "ما قياس الزاوية المركزية؟", 2 * half,
            (half, 180 - half, 3 * half), f"المركزية ضعف المحيطية على القوس نفسه: 2 × {half} = {2 * half}.", unit=DEGREES,
            declared=f"2*{half}",
        )  # fmt: skip
    return asking(
        scene, drawn | {"central": 2 * half, "ask": ["inscribed"]}, "ما قياس الزاوية المحيطية؟", half,
        (2 * half, 180 - half, 90 - half or 15), f"المحيطية نصف المركزية على القوس نفسه: {2 * half} ÷ 2 = {half}.", unit=DEGREES,
        declared=f"{2 * half}/2",
    )  # fmt: skip


def _crossed(scene: Scene, pattern: str, given: int, asked: int, question: str, *, equal: bool) -> Draft:
    value = scene.choose(scene.step(8, 16, 5), scene.step(20, 28, 5))
    answer = value if equal else 180 - value
    why = "متساويتان" if equal else f"متكاملتان: 180 − {value}"
    drawn = {
        "pattern": pattern,
        f"angle_{given}": value,
        "ask": [f"angle_{asked}"],
        "symbol": scene.choose("س", "ص", "؟"),
    }
    return asking(
        scene, drawn, question, answer, (180 - answer, 360 - answer, abs(90 - value) or 45),
        f"الزاويتان {why}، فقياس المطلوبة {answer}.", unit=DEGREES,
        declared=None if equal else f"180-{value}",
    )  # fmt: skip


@figure("diagram", "transversal", difficulty="easy")
def transversal(scene: Scene) -> Draft:
    given, asked, equal = scene.choose((1, 5, True), (2, 6, True), (7, 1, True), (2, 3, False), (3, 8, False))
    return _crossed(scene, "transversal", given, asked, "ما قياس الزاوية المجهولة مع القاطع؟", equal=equal)


@figure("diagram", "crossing-lines", difficulty="easy")
def crossing(scene: Scene) -> Draft:
    given, asked, equal = scene.choose((4, 1, False), (1, 2, False), (1, 3, True), (2, 4, True))
    return _crossed(
        scene, "crossing-lines", given, asked, "ما قياس الزاوية المجهولة عند التقاطع؟", equal=equal
    )


def _in_turn(scene: Scene, pattern: str, whole: int, count: int, question: str) -> Draft:
    mean = whole // count
    given = [mean + scene.rng.randint(-mean // 4, mean // 4) for _ in range(count - 1)]
    answer, asked = whole - sum(given), f"angle_{count}"
    figure = {"pattern": pattern, **{f"angle_{place}": value for place, value in enumerate(given, start=1)}}
    return asking(
        scene, figure | {"ask": [asked], "symbol": scene.choose("س", "ص")}, question, answer,
        (sum(given), answer + 10, 180 - given[0]), f"مجموعها {whole}، فالمجهولة {whole} − {sum(given)} = {answer}.", unit=DEGREES,
        declared=f"{whole}-{'-'.join(map(str, given))}",
    )  # fmt: skip


@figure("diagram", "angles-on-line", difficulty="easy")
def on_line(scene: Scene) -> Draft:
    return _in_turn(
        scene, "angles-on-line", 180, scene.choose(2, 3), "ما قياس الزاوية المجهولة على المستقيم؟"
    )


@figure("diagram", "angles-at-point", difficulty="easy")
def at_point(scene: Scene) -> Draft:
    return _in_turn(scene, "angles-at-point", 360, scene.choose(3, 4), "ما قياس الزاوية المجهولة حول النقطة؟")


@figure("diagram", "polygon-angles", difficulty="easy")
def polygon_angles(scene: Scene) -> Draft:
    draft = _in_turn(scene, "polygon-angles", 360, 4, "ما قياس الزاوية المجهولة في الشكل الرباعي؟")
    return draft.drawn({**(draft.figure or {}), "sides": 4})


@figure("diagram", "exterior-angle", difficulty="easy")
def exterior(scene: Scene) -> Draft:
    first, top = scene.step(8, 14, 5), scene.step(7, 13, 5)
    drawn = {
        "pattern": "exterior-angle",
        "angle_1": first,
        "angle_3": top,
        "ask": ["exterior"],
        **points(scene, 4),
    }
    return asking(
        scene, drawn, "ما قياس الزاوية الخارجية للمثلث؟", first + top, (180 - first - top, 180 - first, 180 - top),
        f"الخارجية مجموع الداخليتين البعيدتين: {first} + {top} = {first + top}.", unit=DEGREES, declared=f"{first}+{top}",
    )  # fmt: skip
