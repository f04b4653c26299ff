"""Geometry with a figure: each figure describes what is drawn and carries its measures."""

from __future__ import annotations

from typing import Any

from tools.simulator.content.draft import Draft, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene

TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25))


def _figure(scene: Scene, kind: str, description: str, **measures: int) -> dict[str, Any]:
    """Says what is drawn, and where it hangs, so that two figures of one template read differently."""
    background = scene.by_slot(
        (
            f"على ورق مربعات في دفتر {scene.item}",
            f"بخط أزرق على جدار {scene.place}",
            f"مرسوم بالطباشير في ساحة {scene.city}",
            f"منقوش على غطاء صندوق لحفظ {scene.item}",
            f"مطبوع في كتيب وزعه {scene.second} على الزوار",
            f"مظلل بلون فاتح في مخطط مدينة {scene.other_city}",
            f"معروض على شاشة كبيرة {scene.day}",
            f"محفور في لوح خشب صنعه {scene.second}",
            f"منسوج على سجادة تزينها صور {scene.item}",
            f"مرسوم بالحاسوب لمعرض أقيم {scene.day} في {scene.city}",
            f"مصغر عن رسم قديم وُجد بين {scene.other_item}",
        )
    )
    return {"kind": kind, "description": f"{description}، {background}", "measures": measures}


def _look(scene: Scene) -> str:
    """An opening sentence for a question with a figure."""
    return scene.by_slot(
        (
            "تأمل الشكل المرفق ثم أجب.",
            f"عُرض هذا الشكل في مسابقة {scene.city} للرياضيات.",
            f"وصل إلى {scene.second} رسم يسأل عنه أصدقاؤه.",
            f"انظر إلى الرسم الذي أُعد {scene.day}.",
            f"بين {scene.item} المعروضة رسم هندسي لافت.",
            "القياسات المطلوبة مكتوبة على الشكل، والرسم ليس دقيقًا.",
            f"طلبت بلدية {scene.other_city} مراجعة هذا الرسم قبل التنفيذ.",
            f"نشرت صحيفة {scene.city} الرسم التالي ضمن زاوية الألغاز.",
            f"في ورشة عن {scene.other_item} استُعمل هذا الشكل مثالًا.",
            f"ناقش {scene.second} وزملاؤه الشكل المرسوم أمامهم.",
            f"من أوراق رحلة مدرسية إلى {scene.other_city} أُخذ هذا الشكل.",
            f"تحت الشكل عبارة كتبها {scene.second} تذكر بمعطياته.",
            f"أرسل {scene.second} صورة هذا المخطط من {scene.other_city}.",
        )
    )


@template("geometry", "diagram", "المثلث القائم", "تشابه المثلثات")
def right_triangle(scene: Scene) -> Draft:
    (a, b, c), k = scene.choose(*TRIPLES), scene.number(1, 4)
    return numeric(
        scene,
        f"{_look(scene)} يمثل الشكل سلمًا أسنده {scene.name} إلى جدار {scene.place}، فبعدت قاعدته {a * k} عن الجدار وبلغ طرفه ارتفاع {b * k}. ما طول السلم؟",
        c * k,
        ((a + b) * k, (b - a) * k, c * k + 1, c * k + k),
        f"السلم وتر مثلث قائم: {(a * k) ** 2} + {(b * k) ** 2} = {(c * k) ** 2}، وجذره {c * k}.",
    ).drawn(
        _figure(scene, "triangle", "مثلث قائم ضلعا القائمة فيه معلومان ووتره مجهول", base=a * k, height=b * k)
    )


@template("geometry", "diagram", "زوايا المثلث", "مجموع زوايا الشكل الرباعي", "المثلث 30 و60 و90")
def triangle_angles(scene: Scene) -> Draft:
    a, b = scene.step(7, 14, 5), scene.step(5, 13, 5)
    return numeric(
        scene,
        f"{_look(scene)} في الشكل لوحة مثلثة علقها {scene.name} في {scene.place}، قياس زاويتين من زواياها {a} و{b}. ما قياس الزاوية الثالثة؟",
        180 - a - b,
        (a + b, 180 - a, 180 - b, 360 - a - b),
        f"مجموع زوايا المثلث 180، فالثالثة 180 − {a} − {b} = {180 - a - b}.",
        unit="درجة",
    ).drawn(_figure(scene, "triangle", "مثلث كُتب على زاويتين منه قياساهما وعلى الثالثة س", A=a, B=b))


@template("geometry", "diagram", "المثلث المتساوي الساقين", "المماس ونصف القطر")
def isosceles(scene: Scene) -> Draft:
    base_angle = scene.step(8, 16, 5)
    return numeric(
        scene,
        f"{_look(scene)} يبين الشكل واجهة خيمة نصبها {scene.name} {scene.day} عند {scene.place}، وهي مثلث متساوي الساقين قياس زاوية قاعدته {base_angle}. ما قياس زاوية رأسه؟",
        180 - 2 * base_angle,
        (180 - base_angle, base_angle, 2 * base_angle, 90 - base_angle // 2),
        f"زاويتا القاعدة متساويتان، فزاوية الرأس 180 − 2 × {base_angle} = {180 - 2 * base_angle}.",
        unit="درجة",
    ).drawn(
        _figure(scene, "triangle", "مثلث متساوي الساقين كُتب قياس إحدى زاويتي قاعدته", base_angle=base_angle)
    )


@template("geometry", "diagram", "الزاوية الخارجية للمثلث")
def exterior(scene: Scene) -> Draft:
    a, b = scene.step(8, 14, 5), scene.step(6, 13, 5)
    return numeric(
        scene,
        f"{_look(scene)} في مخطط طريق قرب {scene.place} رسمه {scene.name} مُدّ ضلع المثلث على استقامته، وقياسا الزاويتين الداخليتين البعيدتين {a} و{b}. ما قياس الزاوية الخارجية؟",
        a + b,
        (180 - a - b, 180 - a, 180 - b, a),
        f"الزاوية الخارجية مجموع الداخليتين البعيدتين: {a} + {b} = {a + b}.",
        unit="درجة",
    ).drawn(_figure(scene, "triangle", "مثلث مُدّ أحد أضلاعه فتكونت زاوية خارجية مجهولة", A=a, B=b))


@template("geometry", "diagram", "المتوازيان والقاطع", "الزوايا المتجاورة على مستقيم")
def straight_line(scene: Scene) -> Draft:
    a = scene.step(7, 28, 5)
    return numeric(
        scene,
        f"{_look(scene)} يوضح الشكل تقاطع سكتين عند {scene.place} كما خططه {scene.name}، وقياس إحدى الزاويتين المتجاورتين على المستقيم {a}. ما قياس الأخرى؟",
        180 - a,
        (a, abs(90 - a) or 45, 360 - a, 180 + a),
        f"الزاويتان المتجاورتان على مستقيم متكاملتان: 180 − {a} = {180 - a}.",
        unit="درجة",
    ).drawn(_figure(scene, "angle", "مستقيم يخرج من نقطة عليه شعاع يصنع زاويتين إحداهما معلومة", given=a))


@template("geometry", "diagram", "محيط المستطيل ومساحته", "المساحة بالتجزئة إلى مستطيلات")
def rectangle(scene: Scene) -> Draft:
    a, b = scene.number(4, 12), scene.number(13, 25)
    return numeric(
        scene,
        f"{_look(scene)} الشكل مخطط لساحة {scene.place} المستطيلة، وقد فرشها {scene.name} لعرض {scene.item}، وبعداها مكتوبان عليه: {a} و{b}. ما مساحتها؟",
        a * b,
        (2 * (a + b), a + b, a * b // 2 + 1, a * a),
        f"مساحة المستطيل الطول في العرض: {b} × {a} = {a * b}.",
    ).drawn(_figure(scene, "rectangle", "مستطيل كُتب على ضلعيه المتجاورين طولاهما", width=a, length=b))


@template("geometry", "diagram", "قطر المربع")
def square(scene: Scene) -> Draft:
    diagonal = scene.step(3, 12, 2)
    return numeric(
        scene,
        f"{_look(scene)} في الشكل سجادة مربعة ل{scene.name} في {scene.place} طول قطرها {diagonal}. ما مساحتها؟",
        diagonal * diagonal // 2,
        (diagonal * diagonal, diagonal * 4, diagonal * 2, diagonal * diagonal // 4),
        f"مساحة المربع نصف مربع قطره: {diagonal}² ÷ 2 = {diagonal * diagonal // 2}.",
    ).drawn(_figure(scene, "square", "مربع رُسم أحد قطريه وكُتب طوله", diagonal=diagonal))


@template("geometry", "diagram", "متوازي الأضلاع", "ارتفاع المثلث ومساحته")
def parallelogram(scene: Scene) -> Draft:
    base, height, side = scene.number(8, 18), scene.number(4, 7), scene.number(8, 11)
    return numeric(
        scene,
        f"{_look(scene)} ساحة عرض {scene.item} في {scene.place} على شكل متوازي أضلاع كما في الشكل، قاعدتها {base} وارتفاعها {height} وضلعها المائل {side}. ما مساحتها في حساب {scene.name}؟",
        base * height,
        (base * side, 2 * (base + side), base * height // 2, side * height),
        f"المساحة القاعدة في الارتفاع: {base} × {height} = {base * height}، والضلع المائل زائد.",
    ).drawn(
        _figure(
            scene,
            "parallelogram",
            "متوازي أضلاع رُسم ارتفاعه عموديًا على القاعدة",
            base=base,
            height=height,
            side=side,
        )
    )


@template("geometry", "diagram", "شبه المنحرف")
def trapezoid(scene: Scene) -> Draft:
    a, b, h = scene.step(3, 6, 2), scene.step(7, 11, 2), scene.number(4, 9)
    return numeric(
        scene,
        f"{_look(scene)} واجهة {scene.place} في الشكل شبه منحرف طلاها {scene.name} {scene.day}، قاعدتاه {a} و{b} وارتفاعه {h}. ما مساحتها؟",
        (a + b) * h // 2,
        ((a + b) * h, a * b, a * h, b * h),
        f"المساحة نصف مجموع القاعدتين في الارتفاع: ({a} + {b}) × {h} ÷ 2 = {(a + b) * h // 2}.",
    ).drawn(
        _figure(scene, "trapezoid", "شبه منحرف كُتب على قاعدتيه وارتفاعه أطوالها", top=a, bottom=b, height=h)
    )


@template("geometry", "diagram", "نصف القطر والوتر", "محيط الدائرة ومساحتها")
def chord(scene: Scene) -> Draft:
    (a, b, c), k = scene.choose(*TRIPLES), scene.number(1, 3)
    return numeric(
        scene,
        f"{_look(scene)} الشكل دائرة تمثل مسبح {scene.place}، ومد {scene.name} حبل {scene.item} وترًا يبعد عن المركز {a * k}، ونصف القطر {c * k}. ما طول الوتر؟",
        2 * b * k,
        (b * k, 2 * c * k, (a + c) * k, 2 * a * k),
        f"نصف الوتر جذر {(c * k) ** 2} − {(a * k) ** 2} وهو {b * k}، فالوتر {2 * b * k}.",
    ).drawn(
        _figure(scene, "circle", "دائرة رُسم فيها وتر والعمود من المركز عليه", radius=c * k, distance=a * k)
    )


@template("geometry", "diagram", "الزاوية المركزية والقوس", "الزاوية المحيطية", "القطاع الدائري")
def central(scene: Scene) -> Draft:
    inscribed = scene.step(5, 16, 5)
    return numeric(
        scene,
        f"{_look(scene)} في الشكل دائرة نافورة {scene.place}، وحدد {scene.name} عليها زاوية محيطية قياسها {inscribed} تقابل القوس نفسه الذي تقابله زاوية مركزية. ما قياس المركزية؟",
        2 * inscribed,
        (inscribed, 180 - inscribed, 180 - 2 * inscribed or 45, 3 * inscribed),
        f"الزاوية المركزية ضعف المحيطية المشتركة معها في القوس: 2 × {inscribed} = {2 * inscribed}.",
        unit="درجة",
    ).drawn(
        _figure(scene, "circle", "دائرة فيها زاوية محيطية وزاوية مركزية على قوس واحد", inscribed=inscribed)
    )


@template("geometry", "diagram", "المستوى الإحداثي", "النقاط في الربع الأول", "ميل المستقيم")
def coordinates(scene: Scene) -> Draft:
    (a, b, c), k, x, y = (
        scene.choose(*TRIPLES[:2]),
        scene.number(1, 2),
        scene.number(1, 5),
        scene.number(1, 6),
    )
    return numeric(
        scene,
        f"{_look(scene)} على المستوى الإحداثي في الشكل تمثل النقطة ({x}، {y}) بيت {scene.name}، والنقطة ({x + a * k}، {y + b * k}) موقع {scene.place}. ما المسافة بينهما؟",
        c * k,
        ((a + b) * k, (b - a) * k, c * k + 2, a * k + 1),
        f"فرق السينات {a * k} وفرق الصادات {b * k}، والمسافة جذر {(a * k) ** 2 + (b * k) ** 2} وهو {c * k}.",
    ).drawn(
        _figure(
            scene,
            "coordinate-plane",
            "نقطتان في الربع الأول تصل بينهما قطعة مستقيمة",
            x1=x,
            y1=y,
            x2=x + a * k,
            y2=y + b * k,
        )
    )


@template("geometry", "diagram", "شكل متداخل: مثلث في مستطيل", "شكل متداخل: دائرة في مربع")
def triangle_in_rectangle(scene: Scene) -> Draft:
    a, b = scene.step(3, 9, 2), scene.number(11, 20)
    return numeric(
        scene,
        f"{_look(scene)} في الشكل لافتة {scene.place} مستطيل بعداه {a} و{b}، ظلل {scene.name} داخله مثلثًا قاعدته الطول كله ورأسه على الضلع المقابل. ما مساحة غير المظلل؟",
        a * b // 2,
        (a * b, a * b // 4, 2 * (a + b), a + b),
        f"مساحة المثلث نصف مساحة المستطيل {a * b}، فغير المظلل {a * b // 2}.",
    ).drawn(
        _figure(
            scene,
            "composite",
            "مستطيل بداخله مثلث مظلل يشاركه الطول ورأسه على الضلع المقابل",
            width=a,
            length=b,
        )
    )


@template("geometry", "diagram", "شكل متداخل: ممر حول حديقة", "شكل متداخل: مربع في دائرة")
def path_around(scene: Scene) -> Draft:
    a, b, w = scene.number(8, 14), scene.number(15, 24), scene.number(1, 2)
    path = (a + 2 * w) * (b + 2 * w) - a * b
    return numeric(
        scene,
        f"{_look(scene)} يحيط بحديقة {scene.place} المستطيلة ممر منتظم عرضه {w} كما في الشكل، وبعدا الحديقة {a} و{b}. ما مساحة الممر الذي رصفه {scene.name}؟",
        path,
        ((a + w) * (b + w) - a * b, 2 * (a + b) * w, (a + 2 * w) * (b + 2 * w), a * b),
        f"المساحة الكلية {(a + 2 * w) * (b + 2 * w)} ونطرح الحديقة {a * b} فيبقى {path}.",
    ).drawn(
        _figure(
            scene, "composite", "مستطيل داخل مستطيل أكبر والفرق بينهما ممر منتظم", width=a, length=b, path=w
        )
    )


@template(
    "geometry",
    "diagram",
    "شكل متداخل: نصف دائرة على مستطيل",
    "شكل متداخل: أرباع دوائر عند أركان مربع",
    "شكل متداخل: دائرتان لهما مركز واحد",
    "شكل متداخل: دائرتان تمر كل منهما بمركز الأخرى",
)
def two_circles(scene: Scene) -> Draft:
    small, gap = scene.number(3, 9), scene.number(2, 6)
    large = small + gap
    value = large * large - small * small
    return numeric(
        scene,
        f"{_look(scene)} حلقة زينة صنعها {scene.name} ل{scene.place} كما في الشكل دائرتان لهما مركز واحد، نصف قطر الكبرى {large} ونصف قطر الصغرى {small}. كم ط مساحة ما بينهما؟",
        value,
        (gap * gap, large * large, small * small, 2 * gap),
        f"الفرق بين المساحتين ({large}² − {small}²)ط = {value}ط.",
        unit="ط",
    ).drawn(_figure(scene, "composite", "دائرتان لهما مركز واحد وما بينهما مظلل", outer=large, inner=small))
