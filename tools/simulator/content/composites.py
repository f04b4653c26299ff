"""Geometry with a figure of several shapes: one in, around or over another, with a part shaded."""

from __future__ import annotations

from tools.simulator.content.draft import Draft
from tools.simulator.content.figures import IN_PI, SEVENTHS, asking, points, unit_of
from tools.simulator.content.registry import figure
from tools.simulator.content.scene import Scene

SHADED = "ما مساحة الجزء المظلل؟"
SHADED_IN_PI = "ما مساحة الجزء المظلل بدلالة π؟"


@figure("diagram", "circle-in-square")
def circle_in_square(scene: Scene) -> Draft:
    k = scene.number(1, 6)
    side, whole, circle = 14 * k, 196 * k * k, 154 * k * k
    drawn = {"pattern": "circle-in-square", "side": side, "shaded": "outside", "ask": ["shaded_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), f"{SHADED} {SEVENTHS}", whole - circle, (circle, whole, 44 * k),
        f"مساحة المربع {whole} ومساحة الدائرة {circle}، والفرق {whole - circle}.", declared=f"{side}**2-22/7*({side}/2)**2",
    )  # fmt: skip


@figure("diagram", "square-in-circle")
def square_in_circle(scene: Scene) -> Draft:
    k = scene.number(1, 6)
    radius, circle, square = 7 * k, 154 * k * k, 98 * k * k
    drawn = {"pattern": "square-in-circle", "radius": radius, "shaded": "outside", "ask": ["shaded_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), f"{SHADED} {SEVENTHS}", circle - square, (circle, square, 44 * k),
        f"مساحة الدائرة {circle} ومساحة المربع نصف مربع القطر {square}، والفرق {circle - square}.",
        declared=f"22/7*{radius}**2-2*{radius}**2",
    )  # fmt: skip


@figure("diagram", "corner-quarter-circles")
def corner_quarters(scene: Scene) -> Draft:
    k = scene.number(1, 6)
    side, whole, quarters = 14 * k, 196 * k * k, 154 * k * k
    drawn = {"pattern": "corner-quarter-circles", "side": side, "shaded": "outside", "ask": ["shaded_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), f"{SHADED} {SEVENTHS}", whole - quarters,
        (quarters, whole, 44 * k), f"الأرباع الأربعة دائرة كاملة مساحتها {quarters}، فالباقي من المربع {whole - quarters}.",
        declared=f"{side}**2-4*22/7*({side}/2)**2/4",
    )  # fmt: skip


@figure("diagram", "square-vertex-at-center")
def vertex_at_center(scene: Scene) -> Draft:
    half = scene.number(2, 6)
    radius, side = 2 * half, 2 * half + scene.number(0, 4)
    drawn = {"pattern": "square-vertex-at-center", "side": side, "radius": radius, "shaded": "overlap"}
    return asking(
        scene, drawn | {"ask": ["shaded_area"]} | unit_of(scene) | points(scene, 4), SHADED_IN_PI, half**2,
        (4 * half**2, 2 * half**2, half), f"الجزء المشترك ربع دائرة مساحتها {4 * half**2} π، فمساحته {half**2} π.", unit=IN_PI,
        declared=f"π*{radius}**2/4",
    )  # fmt: skip


@figure("diagram", "rose-in-square")
def rose(scene: Scene) -> Draft:
    k = scene.number(1, 6)
    drawn = {"pattern": "rose-in-square", "side": 14 * k, "shaded": "inside", "ask": ["shaded_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), f"{SHADED} {SEVENTHS}", 112 * k * k, (84 * k * k, 154 * k * k, 196 * k * k),
        f"أربعة أنصاف دوائر مساحتها {308 * k * k}، ونطرح المربع {196 * k * k} فتبقى الأوراق {112 * k * k}.",
        declared=f"4*22/7*{7 * k}**2/2-{14 * k}**2",
    )  # fmt: skip


@figure("diagram", "three-tangent-circles")
def three_circles(scene: Scene) -> Draft:
    radius = scene.number(2, 12)
    drawn = {"pattern": "three-tangent-circles", "radius": radius, "ask": ["triangle_perimeter"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 3), "ما محيط المثلث الواصل بين المراكز؟", 6 * radius,
        (3 * radius, 2 * radius, 9 * radius), f"كل ضلع مجموع نصفي قطرين، أي {2 * radius}، والمحيط {6 * radius}.", declared=f"3*2*{radius}",
    )  # fmt: skip


@figure("diagram", "sector-minus-triangle")
def segment(scene: Scene) -> Draft:
    k = scene.number(1, 6)
    drawn = {"pattern": "sector-minus-triangle", "radius": 14 * k, "angle": 90, "ask": ["shaded_area"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 3), f"{SHADED} {SEVENTHS}", 56 * k * k, (154 * k * k, 98 * k * k, 44 * k),
        f"مساحة القطاع {154 * k * k} ومساحة المثلث {98 * k * k}، والفرق {56 * k * k}.",
        declared=f"22/7*{14 * k}**2/4-{14 * k}**2/2",
    )  # fmt: skip


@figure("diagram", "circles-in-rectangle")
def circles_in_rectangle(scene: Scene) -> Draft:
    count, radius = scene.choose(2, 3, 4), scene.number(2, 9)
    area = count * radius**2
    drawn = {"pattern": "circles-in-rectangle", "count": count, "radius": radius, "shaded": "inside"}
    return asking(
        scene, drawn | {"ask": ["shaded_area"]} | unit_of(scene) | points(scene, 4), SHADED_IN_PI, area,
        (radius**2, 2 * count * radius, 4 * area), f"مساحة كل دائرة {radius**2} π، وعددها {count}، فالمساحة {area} π.", unit=IN_PI,
        declared=f"{count}*π*{radius}**2",
    )  # fmt: skip


@figure("diagram", "half-circle-on-rectangle")
def half_circle(scene: Scene) -> Draft:
    k = scene.number(1, 2)
    width, height, half = 14 * k, scene.number(8, 12) * k, 77 * k * k
    drawn = {
        "pattern": "half-circle-on-rectangle",
        "width": width,
        "height": height,
        "side": "top",
        "shaded": True,
    }
    return asking(
        scene, drawn | {"ask": ["shaded_area"]} | unit_of(scene) | points(scene, 4), f"{SHADED} {SEVENTHS}",
        width * height + half, (width * height, width * height + 2 * half, width * height - half),
        f"مساحة المستطيل {width * height} ومساحة نصف الدائرة {half}، والمجموع {width * height + half}.",
        declared=f"{width}*{height}+22/7*({width}/2)**2/2",
    )  # fmt: skip


@figure("diagram", "triangle-in-rectangle")
def triangle_in_rectangle(scene: Scene) -> Draft:
    width, height = 2 * scene.number(6, 10), scene.number(6, 10)
    shaded = scene.choose("triangle", "rest")
    drawn = {"pattern": "triangle-in-rectangle", "width": width, "height": height, "shaded": shaded}
    return asking(
        scene, drawn | {"ask": ["shaded_area"]} | unit_of(scene) | points(scene, 5), SHADED, width * height // 2,
        (width * height, width + height, width * height // 4), f"مساحة المثلث نصف مساحة المستطيل {width * height}، فالمظلل {width * height // 2}.",
        declared=f"{width}*{height}/2",
    )  # fmt: skip


@figure("diagram", "path-around-rectangle")
def path_around(scene: Scene) -> Draft:
    width, height, path = scene.number(12, 18), scene.number(8, 11), scene.choose(2, 3)
    inner, outer = width * height, (width + 2 * path) * (height + 2 * path)
    drawn = {"pattern": "path-around-rectangle", "width": width, "height": height, "path": path}
    return asking(
        scene, drawn | {"ask": ["shaded_area"]} | unit_of(scene), "ما مساحة الممر المظلل؟", outer - inner,
        ((width + path) * (height + path) - inner, outer, inner), f"المساحة الكلية {outer} ونطرح الداخلية {inner} فيبقى {outer - inner}.",
        declared=f"({width}+2*{path})*({height}+2*{path})-{width}*{height}",
    )  # fmt: skip


@figure("diagram", "l-shape")
def l_shape(scene: Scene) -> Draft:
    width, height = scene.number(12, 16), scene.number(10, 12)
    cut_width, cut_height = scene.number(4, 6), scene.number(4, 5)
    whole, cut = width * height, cut_width * cut_height
    drawn = {
        "pattern": "l-shape",
        "width": width,
        "height": height,
        "cut_width": cut_width,
        "cut_height": cut_height,
    }
    return asking(
        scene, drawn | {"ask": ["area"]} | unit_of(scene), "ما مساحة الشكل؟", whole - cut, (whole, cut, whole + cut),
        f"مساحة المستطيل الكامل {whole} ونطرح المقتطع {cut} فيبقى {whole - cut}.",
        declared=f"{width}*{height}-{cut_width}*{cut_height}",
    )  # fmt: skip


@figure("diagram", "concentric-circles")
def rings(scene: Scene) -> Draft:
    inner = scene.number(3, 9)
    outer = inner + scene.number(2, 5)
    area = outer**2 - inner**2
    drawn = {
        "pattern": "concentric-circles",
        "inner": inner,
        "outer": outer,
        "shaded": "ring",
        "ask": ["shaded_area"],
    }
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 1), SHADED_IN_PI, area, ((outer - inner) ** 2, outer**2, inner**2),
        f"الفرق بين المساحتين {outer**2} π و{inner**2} π هو {area} π.", unit=IN_PI, declared=f"π*{outer}**2-π*{inner}**2",
    )  # fmt: skip


@figure("diagram", "circles-through-centers")
def through_centers(scene: Scene) -> Draft:
    radius = scene.number(3, 20)
    form, sides, name = scene.choose(("triangle", 3, "المثلث"), ("rhombus", 4, "المعين"))
    drawn = {"pattern": "circles-through-centers", "radius": radius, "form": form, "ask": ["perimeter"]}
    return asking(
        scene, drawn | unit_of(scene) | points(scene, 4), f"ما محيط {name} الناشئ؟", sides * radius,
        ((sides + 1) * radius, 2 * radius, (sides - 1) * radius), f"كل ضلع من أضلاعه نصف قطر، فالمحيط {sides} × {radius} = {sides * radius}.",
        declared=f"{sides}*{radius}",
    )  # fmt: skip
