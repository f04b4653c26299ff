"""Geometry without a figure: perimeters, areas, volumes, angles of polygons and clocks."""

from __future__ import annotations

from math import isqrt

from tools.simulator.content.draft import Draft, compared, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


@template("geometry", "mcq", "المحيط والمساحة")
def fence(scene: Scene) -> Draft:
    width, length = scene.number(6, 15), scene.number(16, 40)
    return numeric(
        scene,
        f"قطعة أرض مستطيلة يملكها {scene.name} بجوار {scene.place}، محيطها {2 * (width + length)} م وعرضها {width} م. ما مساحتها؟",
        width * length,
        (width * (length + width), 2 * (width + length), width * (2 * length + width)),
        f"نصف المحيط {width + length}، فالطول {length}، والمساحة {length} × {width} = {width * length}.",
        unit="م²",
        declared=f"({2 * (width + length)}/2-{width})*{width}",
    )


@template("geometry", "mcq", "أثر مضاعفة البعد في المساحة")
def doubled(scene: Scene) -> Draft:
    side, times = scene.number(4, 9), scene.choose(3, 4)
    return numeric(
        scene,
        f"لوحة مربعة في {scene.place} مساحتها {side * side} سم². كبّرها {scene.name} فصار طول ضلعها {times} أمثال ما كان. كم صارت مساحتها؟",
        side * side * times * times,
        (side * side * times, side * times, side * side * times**3, side * side + times),
        f"المساحة تتضاعف بمربع نسبة التكبير: {side * side} × {times * times} = {side * side * times * times}.",
        unit="سم²",
        declared=f"{side * side}*{times}**2",
    )


@template("geometry", "mcq", "حجم متوازي المستطيلات", "حجم الأسطوانة", difficulty="easy")
def box(scene: Scene) -> Draft:
    a, b, c = scene.number(3, 6), scene.number(7, 10), scene.number(11, 15)
    return numeric(
        scene,
        f"صنع {scene.name} في {scene.place} صندوقًا لحفظ {scene.item} أبعاده {a} و{b} و{c} من السنتيمترات. ما حجمه؟",
        a * b * c,
        (2 * (a * b + b * c + a * c), a + b + c, a * b * c // 2, a * b + c),
        f"الحجم حاصل ضرب الأبعاد الثلاثة: {a} × {b} × {c} = {a * b * c}.",
        unit="سم³",
        declared=f"{a}*{b}*{c}",
    )


@template("geometry", "mcq", "حجم متوازي المستطيلات", "حجم الأسطوانة")
def cubes_in_box(scene: Scene) -> Draft:
    edge, a, b, c = scene.choose(2, 3, 5), scene.number(2, 4), scene.number(5, 7), scene.number(8, 10)
    return numeric(
        scene, f"يملأ {scene.name} في {scene.place} صندوقًا أبعاده {a * edge} و{b * edge} و{c * edge} من السنتيمترات بمكعبات طول حرفها {edge} سم. كم مكعبًا يتسع له؟", a * b * c,
        (a * b * c * edge, a + b + c, a * b * c * edge**2), f"على الأحرف {a} و{b} و{c}، والعدد {a} × {b} × {c} = {a * b * c}.",
        declared=f"{a * edge}*{b * edge}*{c * edge}/{edge}**3",
    )  # fmt: skip


@template("geometry", "mcq", "مساحة سطح المكعب")
def surface_of_volume(scene: Scene) -> Draft:
    side = scene.rng.randint(3, 10)
    return numeric(
        scene, f"علبة مكعبة لعرض {scene.item} في {scene.place} حجمها {side**3} سم³، ويغلف {scene.name} أوجهها كلها. ما مساحة الورق اللازم بلا زيادة؟", 6 * side**2,
        (side**2, 4 * side**2, 6 * side, 12 * side), f"طول الحرف {side}، ومساحة الوجه {side**2}، والمجموع 6 × {side**2} = {6 * side**2}.",
        unit="سم²", declared=f"{side**3}/{side}*6",
    )  # fmt: skip


@template("geometry", "mcq", "مساحة سطح المكعب", difficulty="easy")
def cube(scene: Scene) -> Draft:
    side = scene.number(3, 12)
    return numeric(
        scene,
        f"علبة مكعبة لعرض {scene.item} في {scene.place} طول حرفها {side} سم، ويريد {scene.name} تغليف أوجهها كلها. ما مساحة الورق اللازم بلا زيادة؟",
        6 * side * side,
        (side**3, 4 * side * side, 12 * side, 5 * side * side),
        f"للمكعب ستة أوجه مساحة كل منها {side * side}، والمجموع {6 * side * side}.",
        unit="سم²",
        declared=f"6*{side}**2",
    )


@template("geometry", "mcq", "متباينة المثلث")
def triangle_rule(scene: Scene) -> Draft:
    a, b = scene.number(5, 9), scene.number(11, 17)
    return numeric(
        scene,
        f"يريد {scene.name} صنع إطار مثلث في {scene.place} من ثلاث قطع خشب، طول الأولى {a} سم وطول الثانية {b} سم. ما أكبر طول بالسنتيمترات الصحيحة للقطعة الثالثة؟",
        a + b - 1,
        (a + b, a + b + 1, b - a + 1, b - a),
        f"كل ضلع أصغر من مجموع الضلعين الآخرين، فالثالث أصغر من {a + b}، وأكبر عدد صحيح {a + b - 1}.",
        unit="سم",
        declared=f"{a}+{b}-1",
    )


@template("geometry", "mcq", "زوايا المضلع المنتظم", difficulty="easy")
def polygon(scene: Scene) -> Draft:
    sides = scene.choose(5, 6, 8, 9, 10, 12)
    angle = (sides - 2) * 180 // sides
    return numeric(
        scene,
        f"نافورة في {scene.place} على شكل مضلع منتظم عدد أضلاعه {sides}، صممها {scene.name} وزينها ب{scene.item}. ما قياس زاويتها الداخلية؟",
        angle,
        (360 // sides, angle - 12, 180 - angle // 2, angle + 6),
        f"الزاوية الداخلية ({sides} − 2) × 180 ÷ {sides} = {angle}.",
        unit="درجة",
        declared=f"({sides}-2)*180/{sides}",
    )


@template("geometry", "mcq", "زوايا المضلع المنتظم")
def sides_of_polygon(scene: Scene) -> Draft:
    sides = scene.choose(5, 6, 8, 9, 10, 12, 15, 18, 20)
    angle = 180 - 360 // sides
    return numeric(
        scene, f"صمم {scene.name} نافورة في {scene.place} على شكل مضلع منتظم قياس زاويته الداخلية {angle} درجة وزينها ب{scene.item}. كم عدد أضلاعها؟", sides,
        (sides - 2, sides + 2, sides + 1), f"الخارجية 180 − {angle} = {180 - angle}، وعدد الأضلاع 360 ÷ {180 - angle} = {sides}.",
        declared=f"360/(180-{angle})",
    )  # fmt: skip


@template("geometry", "mcq", "زاوية عقربي الساعة", difficulty="hard")
def clock(scene: Scene) -> Draft:
    hour, half = scene.rng.randint(1, 5), scene.choose(0, 30)
    angle = abs(30 * hour + half // 2 - 6 * half)
    return numeric(
        scene,
        f"نظر {scene.name} {scene.day} إلى ساعة الحائط في {scene.place} فكانت تشير إلى {hour}:{half:02d} تمامًا. ما قياس الزاوية الصغرى بين عقربيها؟",
        angle,
        (angle + 15, abs(30 * hour - 6 * half) + 30, angle + 30, angle * 2),
        f"عقرب الساعات عند {30 * hour + half // 2} درجة، وعقرب الدقائق عند {6 * half}، والفرق {angle}.",
        unit="درجة",
        declared=f"max(30*{hour}+{half}/2-6*{half}, 6*{half}-30*{hour}-{half}/2)",
    )


@template("geometry", "mcq", "تبليط السطوح")
def tiles(scene: Scene) -> Draft:
    tile, a, b = scene.choose(20, 25, 40, 50), scene.number(8, 15), scene.number(16, 24)
    return numeric(
        scene,
        f"أرضية {scene.place} مستطيلة بعداها {a * tile} سم و{b * tile} سم، ويبلطها {scene.name} بقطع مربعة طول ضلعها {tile} سم بلا فراغ. كم قطعة يحتاج؟",
        a * b,
        (2 * (a + b), a + b, a * b + a, a * b - b),
        f"على العرض {a} من القطع وعلى الطول {b}، والمجموع {a} × {b} = {a * b}.",
        declared=f"{a * tile}/{tile}*({b * tile}/{tile})",
    )


@template("geometry", "mcq", "طول قطر المستطيل", difficulty="easy")
def diagonal(scene: Scene) -> Draft:
    a, b, c = scene.choose((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25))
    k = scene.number(1, 4)
    return numeric(
        scene,
        f"مد {scene.name} حبلًا لتعليق {scene.item} بين ركنين متقابلين من ساحة {scene.place} المستطيلة التي بعداها {a * k} م و{b * k} م. ما طول الحبل؟",
        c * k,
        ((a + b) * k, (b - a) * k, c * k + k, b * k + 2),
        f"مربع القطر {(a * k) ** 2} + {(b * k) ** 2} = {(c * k) ** 2}، فالقطر {isqrt((c * k) ** 2)}.",
        unit="م",
        declared=f"√({a * k}**2+{b * k}**2)",
    )


@template("geometry", "mcq", "طول قطر المستطيل")
def diagonal_of_perimeter(scene: Scene) -> Draft:
    (a, b, c), k = scene.choose((3, 4, 5), (5, 12, 13), (8, 15, 17)), scene.number(1, 4)
    around = 2 * (a + b) * k
    return numeric(
        scene, f"ساحة {scene.place} مستطيلة محيطها {around} م وطولها {b * k} م، مد {scene.name} بين ركنين متقابلين منها حبلًا لتعليق {scene.item}. كم مترًا طول الحبل؟", c * k,
        ((a + b) * k, around - b * k, c * k + k, a * k), f"العرض {around} ÷ 2 − {b * k} = {a * k}، ومربع القطر {(a * k) ** 2} + {(b * k) ** 2} = {(c * k) ** 2}، فالقطر {c * k}.",
        declared=f"√(({around}/2-{b * k})**2+{b * k}**2)",
    )  # fmt: skip


@template(
    "geometry",
    "comparison",
    "المحيط والمساحة",
    "أثر مضاعفة البعد في المساحة",
    "طول قطر المستطيل",
    "تبليط السطوح",
    difficulty="easy",
)
def compare_areas(scene: Scene) -> Draft:
    a, b, side = scene.number(4, 9), scene.number(10, 20), scene.number(7, 14)
    return compared(
        (f"مساحة أرض {scene.first}", a * b),
        (f"مساحة أرض {scene.second}", side * side),
        f"أرض {scene.name} قرب {scene.place} مستطيلة بعداها {a} م و{b} م، وأرض {scene.second} مربعة طول ضلعها {side} م.",
        f"الأولى {a} × {b} = {a * b}، والثانية {side} × {side} = {side * side}.",
        declared=f"{a}*{b} | {side}**2",
    )


@template("geometry", "comparison", "المحيط والمساحة", "طول قطر المستطيل", "تبليط السطوح")
def compare_of_perimeters(scene: Scene) -> Draft:
    side, shift = scene.number(6, 14), scene.number(1, 4)
    grown = side + scene.choose(0, 1, -1)
    return compared(
        (f"مساحة أرض {scene.first}", side * side), (f"مساحة أرض {scene.second}", (grown + shift) * (grown - shift)),
        f"أرض {scene.name} قرب {scene.place} مربعة محيطها {4 * side} م، وأرض {scene.second} مستطيلة محيطها {4 * grown} م وطولها {grown + shift} م.",
        f"ضلع المربعة {side} ومساحتها {side * side}، وعرض المستطيلة {grown - shift} ومساحتها {(grown + shift) * (grown - shift)}.",
        declared=f"({4 * side}/4)**2 | {grown + shift}*({4 * grown}/2-{grown + shift})",
    )  # fmt: skip


@template(
    "geometry", "comparison", "حجم متوازي المستطيلات", "حجم الأسطوانة", "مساحة سطح المكعب", difficulty="easy"
)
def compare_volumes(scene: Scene) -> Draft:
    side, a, b = scene.number(3, 6), scene.number(2, 5), scene.number(5, 9)
    return compared(
        (f"حجم صندوق {scene.first}", side**3),
        (f"حجم صندوق {scene.second}", a * b * side),
        f"صندوق {scene.name} لحفظ {scene.item} مكعب حرفه {side} سم، وصندوق {scene.second} في {scene.place} أبعاده {a} و{b} و{side} من السنتيمترات.",
        f"الأول {side}³ = {side**3}، والثاني {a} × {b} × {side} = {a * b * side}.",
        declared=f"{side}**3 | {a}*{b}*{side}",
    )


@template(
    "geometry",
    "comparison",
    "متباينة المثلث",
    "زوايا المضلع المنتظم",
    "زاوية عقربي الساعة",
    difficulty="hard",
)
def compare_open_angles(scene: Scene) -> Draft:
    angle = scene.step(7, 11, 5)
    return compared(
        (f"قياس الزاوية س في لوحة {scene.first}", 0),
        (f"قياس الزاوية ص في لوحة {scene.first}", None),
        f"رسم {scene.name} في {scene.place} مثلثًا إحدى زواياه {angle} درجة، وسمى زاويتيه الأخريين س وص، ولونه بلون {scene.item}.",
        f"نعرف أن س + ص = {180 - angle} ولا نعرف أيهما أكبر.",
        declared=f"(180-{angle})/2+1 | (180-{angle})/2-1 || (180-{angle})/2-1 | (180-{angle})/2+1",
    )
