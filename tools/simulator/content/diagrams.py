"""Geometry with a figure of one shape: the writer gives its measures, never its coordinates."""

from __future__ import annotations

from tools.simulator.content.draft import Draft
from tools.simulator.content.figures import (
    DEGREES,
    IN_PI,
    LETTERS,
    SEVENTHS,
    asking,
    legs,
    points,
    unit_of,
)
from tools.simulator.content.registry import figure
from tools.simulator.content.scene import Scene


@figure("diagram", "circle", difficulty="easy")
def circle(scene: Scene) -> Draft:
    radius = scene.number(2, 12)
    size = scene.choose({"radius": radius}, {"diameter": 2 * radius})
    drawn = {"pattern": "circle", **size, **unit_of(scene), **points(scene, 1)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"ask": ["area"]}, "ما مساحة الدائرة بدلالة π؟", radius**2,
            (2 * radius, 4 * radius**2, radius), f"المساحة π في مربع نصف القطر {radius}، أي {radius**2} π.", unit=IN_PI,
            declared=f"π*{radius}**2",
        )  # fmt: skip
    return asking(
        scene, drawn | {"ask": ["circumference"]}, "ما محيط الدائرة بدلالة π؟", 2 * radius,
        (radius, radius**2, 4 * radius), f"المحيط π في القطر {2 * radius}، أي {2 * radius} π.", unit=IN_PI,
        declared=f"2*π*{radius}",
    )  # fmt: skip


@figure("diagram", "chord")
def chord(scene: Scene) -> Draft:
    distance, half, radius = legs(scene)
    drawn = {"pattern": "chord", "radius": radius, "distance": distance, "ask": ["chord"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), "ما طول الوتر المرسوم في الدائرة؟", 2 * half,
        (half, radius + distance, 2 * radius, 2 * distance),
        f"نصف الوتر جذر {radius**2} − {distance**2} وهو {half}، فطول الوتر {2 * half}.",
        declared=f"2*√({radius}**2-{distance}**2)",
    )  # fmt: skip


@figure("diagram", "sector")
def sector(scene: Scene) -> Draft:
    angle, part = scene.choose((90, 4), (60, 6), (120, 3), (45, 8), (72, 5))
    radius = part * scene.number(1, 3)
    area = radius**2 // part
    drawn = {"pattern": "sector", "radius": radius, "angle": angle, "ask": ["sector_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 3), "ما مساحة القطاع المظلل بدلالة π؟", area,
        (radius**2, 2 * radius // part or 1, 2 * area),
        f"القطاع جزء من {part} أجزاء من الدائرة، ومساحتها {radius**2} π، فمساحته {area} π.", unit=IN_PI,
        declared=f"{angle}/360*π*{radius}**2",
    )  # fmt: skip


@figure("diagram", "tangent")
def tangent(scene: Scene) -> Draft:
    radius, touch, distance = legs(scene)
    drawn = {"pattern": "tangent", "radius": radius, "distance": distance, "ask": ["tangent"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), "ما طول المماس المرسوم للدائرة من النقطة الخارجية؟", touch,
        (distance - radius, distance + radius, distance), f"المماس عمودي على نصف القطر، فطوله جذر {distance**2} − {radius**2} وهو {touch}.",
        declared=f"√({distance}**2-{radius}**2)",
    )  # fmt: skip


@figure("diagram", "right-triangle", difficulty="easy")
def right_triangle(scene: Scene) -> Draft:
    a, b, c = legs(scene)
    drawn = {"pattern": "right-triangle", **unit_of(scene), **points(scene, 3)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"base": a, "height": b, "ask": ["hypotenuse"]}, "ما طول وتر المثلث القائم؟", c,
            (a + b, abs(b - a), c + 1), f"مربع الوتر {a**2} + {b**2} = {c**2}، وجذره {c}.",
            declared=f"√({a}**2+{b}**2)",
        )  # fmt: skip
    return asking(
        scene, drawn | {"base": a, "hypotenuse": c, "ask": ["height"]}, "ما طول الضلع الثالث للمثلث القائم؟", b,
        (c - a, a + c, b + 2), f"مربع الضلع {c**2} − {a**2} = {b**2}، وجذره {b}.",
        declared=f"√({c}**2-{a}**2)",
    )  # fmt: skip


@figure("diagram", "right-triangle")
def area_of_right_triangle(scene: Scene) -> Draft:
    a, b, c = legs(scene)
    drawn = {"pattern": "right-triangle", "base": a, "hypotenuse": c, "ask": ["area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 3), "ما مساحة المثلث القائم؟", a * b // 2,
        (a * b, a * c // 2, a + b + c), f"الضلع الثالث جذر {c**2} − {a**2} وهو {b}، والمساحة {a} × {b} ÷ 2 = {a * b // 2}.",
        declared=f"{a}*√({c}**2-{a}**2)/2",
    )  # fmt: skip


@figure("diagram", "isosceles-triangle", difficulty="easy")
def isosceles(scene: Scene) -> Draft:
    base = scene.step(8, 15, 5)
    drawn = {"pattern": "isosceles-triangle", "base_angle": base, "ask": ["apex_angle"], **points(scene, 3)}
    return asking(
        scene, drawn, "ما قياس زاوية رأس المثلث المتساوي الساقين؟", 180 - 2 * base, (180 - base, base, 2 * base),
        f"زاويتا القاعدة متساويتان، فزاوية الرأس 180 − 2 × {base} = {180 - 2 * base}.", unit=DEGREES, declared=f"180-2*{base}",
    )  # fmt: skip


@figure("diagram", "equilateral-triangle", difficulty="easy")
def equilateral(scene: Scene) -> Draft:
    side = scene.number(3, 30)
    drawn = {"pattern": "equilateral-triangle", "side": side, "ask": ["perimeter"], **unit_of(scene)}
    return asking(
        scene, drawn | points(scene, 3), "ما محيط المثلث المتساوي الأضلاع؟", 3 * side, (2 * side, 4 * side, side**2),
        f"الأضلاع الثلاثة متساوية، فالمحيط 3 × {side} = {3 * side}.", declared=f"3*{side}",
    )  # fmt: skip


@figure("diagram", "triangle", difficulty="easy")
def triangle(scene: Scene) -> Draft:
    first, second = scene.step(7, 14, 5), scene.step(8, 13, 5)
    third = 180 - first - second
    drawn = {
        "pattern": "triangle",
        "angle_1": first,
        "angle_2": second,
        "ask": ["angle_3"],
        **points(scene, 3),
    }
    return asking(
        scene, drawn, "ما قياس الزاوية الثالثة في المثلث؟", third, (first + second, 180 - first, 180 - second),
        f"مجموع زوايا المثلث 180، فالثالثة 180 − {first} − {second} = {third}.", unit=DEGREES, declared=f"180-{first}-{second}",
    )  # fmt: skip


@figure("diagram", "triangle-altitude", difficulty="easy")
def altitude(scene: Scene) -> Draft:
    base, height = 2 * scene.number(6, 11), scene.number(6, 12)
    drawn = {
        "pattern": "triangle-altitude",
        "base": base,
        "height": height,
        "ask": ["area"],
        **unit_of(scene),
    }
    return asking(
        scene, drawn | points(scene, 4), "ما مساحة المثلث الذي رُسم ارتفاعه؟", base * height // 2,
        (base * height, base + height, 2 * (base + height)), f"المساحة نصف القاعدة في الارتفاع: {base} × {height} ÷ 2 = {base * height // 2}.",
        declared=f"{base}*{height}/2",
    )  # fmt: skip


@figure("diagram", "square", difficulty="easy")
def square(scene: Scene) -> Draft:
    side = scene.number(3, 25)
    drawn = {"pattern": "square", "side": side, **unit_of(scene), **points(scene, 4)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"ask": ["area"]}, "ما مساحة المربع؟", side**2, (4 * side, 2 * side, side**2 + side),
            f"مساحة المربع طول الضلع في نفسه: {side} × {side} = {side**2}.", declared=f"{side}*{side}",
        )  # fmt: skip
    return asking(
        scene, drawn | {"ask": ["perimeter"]}, "ما محيط المربع؟", 4 * side, (side**2, 2 * side, 3 * side),
        f"محيط المربع أربعة أمثال الضلع: 4 × {side} = {4 * side}.", declared=f"4*{side}",
    )  # fmt: skip


@figure("diagram", "rectangle", difficulty="easy")
def rectangle(scene: Scene) -> Draft:
    width, height = scene.number(11, 20), scene.number(6, 10)
    drawn = {"pattern": "rectangle", "width": width, "height": height, **unit_of(scene), **points(scene, 4)}
    area, around = width * height, 2 * (width + height)
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"ask": ["area"]}, "ما مساحة المستطيل؟", area, (around, width + height, width**2),
            f"مساحة المستطيل الطول في العرض: {width} × {height} = {area}.", declared=f"{width}*{height}",
        )  # fmt: skip
    return asking(
        scene, drawn | {"ask": ["perimeter"]}, "ما محيط المستطيل؟", around, (area, width + height, around + 2),
        f"محيط المستطيل ضعف مجموع بعديه: 2 × ({width} + {height}) = {around}.", declared=f"2*({width}+{height})",
    )  # fmt: skip


@figure("diagram", "rhombus", difficulty="easy")
def rhombus(scene: Scene) -> Draft:
    side = scene.number(4, 30)
    drawn = {"pattern": "rhombus", "side": side, "ask": ["perimeter"], **unit_of(scene), **points(scene, 4)}
    return asking(
        scene, drawn, "ما محيط المعين؟", 4 * side, (side**2, 2 * side, 3 * side),
        f"أضلاع المعين الأربعة متساوية، فمحيطه 4 × {side} = {4 * side}.", declared=f"4*{side}",
    )  # fmt: skip


@figure("diagram", "parallelogram", difficulty="easy")
def parallelogram(scene: Scene) -> Draft:
    base, side, angle = scene.number(10, 18), scene.number(7, 9), scene.step(10, 16, 5)
    drawn = {"pattern": "parallelogram", **points(scene, 4)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"angle_1": angle, "ask": ["angle_2"]}, "ما قياس الزاوية المجاورة في متوازي الأضلاع؟",
            180 - angle, (angle, abs(90 - angle) or 45, 180 + angle),
            f"الزاويتان المتجاورتان متكاملتان: 180 − {angle} = {180 - angle}.", unit=DEGREES, declared=f"180-{angle}",
        )  # fmt: skip
    around = 2 * (base + side)
    return asking(
        scene, drawn | {"base": base, "side": side, "ask": ["perimeter"]} | unit_of(scene), "ما محيط متوازي الأضلاع؟",
        around, (base * side, base + side, around + 4), f"المحيط ضعف مجموع ضلعين متجاورين: 2 × ({base} + {side}) = {around}.",
        declared=f"2*({base}+{side})",
    )  # fmt: skip


@figure("diagram", "trapezoid")
def trapezoid(scene: Scene) -> Draft:
    a, _, leg = legs(scene)
    top = a + scene.number(4, 9)
    bottom = top + 2 * a
    around = bottom + top + 2 * leg
    drawn = {"pattern": "trapezoid", "form": "isosceles", "bottom": bottom, "top": top, "left": leg}
    return asking(
        scene, drawn | {"ask": ["perimeter"]} | unit_of(scene) | points(scene, 4), "ما محيط شبه المنحرف المتساوي الساقين؟",
        around, (bottom + top + leg, bottom + top, around + leg), f"الساقان متساويتان: {bottom} + {top} + 2 × {leg} = {around}.",
        declared=f"{bottom}+{top}+2*{leg}",
    )  # fmt: skip


def _regular(scene: Scene, pattern: str, corners: int, name: str) -> Draft:
    side = scene.number(3, 25)
    drawn = {
        "pattern": pattern,
        "side": side,
        "ask": ["perimeter"],
        **unit_of(scene),
        **points(scene, corners),
    }
    return asking(
        scene, drawn, f"ما محيط {name}؟", corners * side, ((corners - 1) * side, side**2, 2 * corners * side),
        f"أضلاعه متساوية وعددها {corners}، فمحيطه {corners} × {side} = {corners * side}.", declared=f"{corners}*{side}",
    )  # fmt: skip


@figure("diagram", "pentagon", difficulty="easy")
def pentagon(scene: Scene) -> Draft:
    return _regular(scene, "pentagon", 5, "الخماسي المنتظم")


@figure("diagram", "hexagon", difficulty="easy")
def hexagon(scene: Scene) -> Draft:
    return _regular(scene, "hexagon", 6, "السداسي المنتظم")


@figure("diagram", "coordinate-plane")
def coordinates(scene: Scene) -> Draft:
    a, b, c = scene.choose((3, 4, 5), (4, 3, 5), (6, 8, 10), (8, 6, 10))
    x, y = scene.number(0, 2), scene.number(0, 2)
    first, second = scene.rng.sample(LETTERS, 2)
    drawn = {
        "pattern": "coordinate-plane",
        "at": {first: [x, y], second: [x + a, y + b]},
        "paths": [first + second],
    }
    return asking(
        scene, drawn | {"ask": ["distance"]}, f"ما طول القطعة {first} {second} بوحدات التدريج؟", c, (a + b, c + 2, a * b),
        f"فرق السينات {a} وفرق الصادات {b}، والطول جذر {a**2 + b**2} وهو {c}.",
        declared=f"√(({x + a}-{x})**2+({y + b}-{y})**2)",
    )  # fmt: skip


@figure("diagram", "similar-triangles")
def similar(scene: Scene) -> Draft:
    upper, lower, times = scene.number(2, 4), scene.number(2, 4), scene.number(1, 2)
    drawn = {
        "pattern": "similar-triangles",
        "left_upper": upper,
        "left_lower": lower,
        "right_upper": upper * times,
    }
    return asking(
        scene, drawn | {"ask": ["right_lower"]} | unit_of(scene) | points(scene, 5), "ما طول الجزء المجهول من الضلع؟",
        lower * times, (upper + lower, upper * lower, lower * times + 2),
        f"القطعة الموازية تقسم الضلعين بنسبة واحدة: {upper * times} × {lower} ÷ {upper} = {lower * times}.", declared=f"{upper * times}*{lower}/{upper}",
    )  # fmt: skip


@figure("diagram", "cube", difficulty="easy")
def cube(scene: Scene) -> Draft:
    edge = scene.number(2, 9)
    drawn = {"pattern": "cube", "edge": edge, **unit_of(scene)}
    if scene.choose(True, False):
        return asking(
            scene, drawn | {"ask": ["volume"]}, "ما حجم المكعب؟", edge**3, (edge**2, 6 * edge**2, 3 * edge),
            f"حجم المكعب {edge} × {edge} × {edge} = {edge**3}.", declared=f"{edge}**3",
        )  # fmt: skip
    return asking(
        scene, drawn | {"ask": ["surface"]}, "ما مساحة سطح المكعب؟", 6 * edge**2, (4 * edge**2, edge**3, edge**2),
        f"للمكعب ستة أوجه مساحة كل منها {edge**2}، فالسطح 6 × {edge**2} = {6 * edge**2}.", declared=f"6*{edge}**2",
    )  # fmt: skip


@figure("diagram", "cuboid", difficulty="easy")
def cuboid(scene: Scene) -> Draft:
    a, b, c = scene.number(6, 12), scene.number(4, 8), scene.number(3, 7)
    drawn = {"pattern": "cuboid", "length": a, "width": b, "height": c, "ask": ["volume"], **unit_of(scene)}
    return asking(
        scene, drawn, "ما حجم متوازي المستطيلات؟", a * b * c, (a + b + c, 2 * (a * b + b * c + a * c), a * b),
        f"الحجم حاصل ضرب الأبعاد الثلاثة: {a} × {b} × {c} = {a * b * c}.", declared=f"{a}*{b}*{c}",
    )  # fmt: skip


@figure("diagram", "cylinder", difficulty="easy")
def cylinder(scene: Scene) -> Draft:
    height = scene.number(8, 15)
    drawn = {"pattern": "cylinder", "radius": 7, "height": height, "ask": ["volume"], **unit_of(scene)}
    return asking(
        scene, drawn, f"ما حجم الأسطوانة؟ {SEVENTHS}", 154 * height, (44 * height, 22 * height, 308 * height),
        f"مساحة القاعدة 22/7 × 49 = 154، والحجم 154 × {height} = {154 * height}.", declared=f"22/7*7**2*{height}",
    )  # fmt: skip


@figure("diagram", "cone", difficulty="easy")
def cone(scene: Scene) -> Draft:
    (a, b, c), times = scene.choose((3, 4, 5), (5, 12, 13), (8, 15, 17)), scene.number(1, 4)
    radius, height, slant = a * times, b * times, c * times
    drawn = {"pattern": "cone", "radius": radius, "height": height, "ask": ["slant"], **unit_of(scene)}
    return asking(
        scene, drawn, "ما طول راسم المخروط؟", slant, (radius + height, slant + 2, height - radius),
        f"الراسم وتر مثلث قائم: جذر {radius**2} + {height**2} وهو {slant}.", declared=f"√({radius}**2+{height}**2)",
    )  # fmt: skip


@figure("diagram", "sphere", difficulty="easy")
def sphere(scene: Scene) -> Draft:
    radius = scene.number(2, 12)
    drawn = {"pattern": "sphere", "radius": radius, "ask": ["surface"], **unit_of(scene), **points(scene, 1)}
    return asking(
        scene, drawn, "ما مساحة سطح الكرة بدلالة π؟", 4 * radius**2, (radius**2, 2 * radius**2, 4 * radius),
        f"مساحة السطح 4 π في مربع {radius}، أي {4 * radius**2} π.", unit=IN_PI, declared=f"4*π*{radius}**2",
    )  # fmt: skip
