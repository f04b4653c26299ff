"""Ratio and proportion: percentages of prices, of incomes and of mixtures."""

from __future__ import annotations

from fractions import Fraction

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


@template("ratio-proportion", "mcq", "النسبة المئوية من عدد", "ميزانية الأسرة", difficulty="easy")
def percent(scene: Scene) -> Draft:
    rate, total = scene.step(2, 9, 5), scene.step(4, 20, 100)
    part = total * rate // 100
    return numeric(
        scene,
        f"أنفق {scene.name} {rate}% من راتبه البالغ {counted(total, 'ريال')} على {scene.item} من {scene.place}. كم أنفق؟",
        part,
        (total - part, total // rate, part * 2, part + total // 10),
        f"النسبة من العدد: {total} × {rate} ÷ 100 = {part}.",
        unit="ريال",
        declared=f"{total}*{rate}%",
    )


@template("ratio-proportion", "mcq", "النسبة المئوية من عدد", "ميزانية الأسرة")
def percent_of_rest(scene: Scene) -> Draft:
    rate, total = scene.step(2, 9, 5), scene.step(8, 20, 200)
    rest = total - total * rate // 100
    return numeric(
        scene, f"أنفق {scene.name} {rate}% من راتبه البالغ {counted(total, 'ريال')} على {scene.item}، ثم ادخر نصف ما بقي ليزور {scene.place}. كم ادخر؟", rest // 2,
        (rest, total * rate // 100, total // 2, (total - rest) // 2), f"المنفق {total} × {rate}% = {total - rest}، والباقي {rest}، ونصفه {rest // 2}.",
        unit="ريال", declared=f"{total}*(1-{rate}%)/2",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "الخصم وسعر البيع", "الزيادة والنقصان المئويان")
def two_discounts(scene: Scene) -> Draft:
    rate, price = scene.choose(20, 30, 40, 50), scene.step(2, 12, 100)
    first = price - price * rate // 100
    last = first - first // 10
    return numeric(
        scene, f"خفض {scene.name} صاحب {scene.place} ثمن {scene.item} وكان {counted(price, 'ريال')} بنسبة {rate}%، ثم خفض الثمن الجديد {scene.day} بنسبة 10%. كم صار الثمن؟", last,
        (first, price - price * (rate + 10) // 100, price - last), f"الثمن بعد الخفض الأول {first}، وعُشره {first // 10}، والثمن الأخير {first} − {first // 10} = {last}.",
        unit="ريال", declared=f"{price}*(1-{rate}%)*(1-10%)",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "الخصم وسعر البيع", "الزيادة والنقصان المئويان", difficulty="easy")
def discount(scene: Scene) -> Draft:
    rate, price = scene.choose(10, 15, 20, 25, 30, 40), scene.step(4, 25, 20)
    off = price * rate // 100
    return numeric(
        scene,
        f"أعلن {scene.name} صاحب {scene.place} {scene.day} خصمًا قدره {rate}% على {scene.item} التي كان ثمن الواحد منها {counted(price, 'ريال')}. ما الثمن بعد الخصم؟",
        price - off,
        (off, price + off, price - rate, price - off // 2),
        f"مقدار الخصم {price} × {rate}% = {off}، والثمن الجديد {price} − {off} = {price - off}.",
        unit="ريال",
        declared=f"{price}*(1-{rate}%)",
    )


@template("ratio-proportion", "mcq", "الربح والخسارة")
def profit(scene: Scene) -> Draft:
    rate, cost = scene.choose(5, 10, 20, 25, 30, 50), scene.step(5, 20, 20)
    sold = cost + cost * rate // 100
    return numeric(
        scene,
        f"اشترى {scene.name} بضاعة من {scene.item} بمبلغ {counted(cost, 'ريال')} ثم باعها في {scene.place} بمبلغ {counted(sold, 'ريال')}. ما النسبة المئوية لربحه من ثمن الشراء؟",
        rate,
        (sold - cost, rate + 5, rate * 2, 100 - rate),
        f"الربح {sold} − {cost} = {sold - cost}، ونسبته {sold - cost} ÷ {cost} × 100 = {rate}%.",
        unit="%",
        declared=f"({sold}-{cost})/{cost}",
    )


@template("ratio-proportion", "mcq", "الزكاة والضريبة", "التوفير والأقساط")
def tax_after_discount(scene: Scene) -> Draft:
    rate, price = scene.choose(10, 20), scene.step(2, 12, 200)
    lower = price - price * rate // 100
    paid = lower + lower * 15 // 100
    return numeric(
        scene, f"ثمن {scene.item} في {scene.place} {counted(price, 'ريال')}، خُصم منه {rate}% ثم أضيفت ضريبة 15% إلى الثمن الجديد. كم دفع {scene.name}؟", paid,
        (lower, price + price * (15 - rate) // 100, lower * 15 // 100), f"الثمن بعد الخصم {lower}، وضريبته {lower * 15 // 100}، فدفع {paid}.",
        unit="ريال", declared=f"{price}*(1-{rate}%)*(1+15%)",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "الزكاة والضريبة", "التوفير والأقساط", difficulty="easy")
def tax(scene: Scene) -> Draft:
    price = scene.step(4, 30, 100)
    duty = price * 15 // 100
    return numeric(
        scene,
        f"ثمن مجموعة من {scene.item} في {scene.place} {counted(price, 'ريال')} قبل الضريبة، ونسبة الضريبة 15%. كم يدفع {scene.name} شاملًا الضريبة؟",
        price + duty,
        (price - duty, duty, price + 15, price + 2 * duty),
        f"الضريبة {price} × 15% = {duty}، والمجموع {price + duty}.",
        unit="ريال",
        declared=f"{price}*(1+15%)",
    )


@template("ratio-proportion", "mcq", "الخلط والتركيز", "النسبة بعد تغير الطرفين", difficulty="hard")
def mixing(scene: Scene) -> Draft:
    juice, water, more = scene.choose(
        (6, 14, 5), (10, 30, 10), (12, 28, 10), (8, 32, 10), (9, 31, 10), (13, 27, 10)
    )
    total = juice + water
    answer = Fraction(100 * (juice + more), total + more)
    return numeric(
        scene,
        f"خلط {scene.name} في {scene.place} {counted(juice, 'لتر')} من عصير مركز مع {counted(water, 'لتر')} من الماء، ثم زاد {counted(more, 'لتر')} من العصير المركز. ما النسبة المئوية للعصير المركز في الخليط؟",
        answer,
        (Fraction(100 * juice, total), answer + 5, Fraction(100 * (juice + more), total)),
        f"العصير {juice + more} من خليط حجمه {total + more}، فالنسبة {juice + more} ÷ {total + more} × 100.",
        unit="%",
        declared=f"({juice}+{more})/({total}+{more})",
    )


@template("ratio-proportion", "mcq", "الخلط والتركيز", "النسبة بعد تغير الطرفين")
def juice_after_adding(scene: Scene) -> Draft:
    rate, total, more = scene.step(2, 9, 5), scene.step(2, 9, 20), scene.number(3, 9)
    juice = total * rate // 100
    return numeric(
        scene, f"عند {scene.name} في {scene.place} {counted(total, 'لتر')} من خليط نسبة العصير فيه {rate}%، فأضاف {counted(more, 'لتر')} من العصير وحده. كم لترًا من العصير صار في الخليط؟", juice + more,
        (juice, total + more, total - juice, juice + 2 * more), f"كان فيه {total} × {rate}% = {juice}، فصار {juice} + {more} = {juice + more}.",
        declared=f"{total}*{rate}%+{more}",
    )  # fmt: skip


@template(
    "ratio-proportion", "comparison", "النسبة المئوية من عدد", "الزيادة والنقصان المئويان", difficulty="easy"
)
def compare_percent(scene: Scene) -> Draft:
    rate, total = scene.step(2, 9, 5), scene.step(3, 19, 20)
    other_total = scene.choose(total, total + 20, total - 20)
    first, second = Fraction(rate * total, 100), Fraction(other_total * rate, 100)
    return compared(
        (f"{rate}% من {total}", first),
        (f"{other_total}% من {rate}", second),
        f"اختلف {scene.name} و{scene.second} {scene.day} في حساب نصيب {scene.place} من ثمن {scene.item}.",
        f"الأولى {rate} × {total} ÷ 100، والثانية {other_total} × {rate} ÷ 100، ثم نوازن بين حاصلي الضرب.",
        declared=f"{rate}%*{total} | {other_total}%*{rate}",
    )


@template("ratio-proportion", "comparison", "النسبة المئوية من عدد", "الزيادة والنقصان المئويان")
def compare_changed_prices(scene: Scene) -> Draft:
    unit, rate = scene.step(2, 9, 100), scene.choose(10, 20, 30)
    price = unit * (100 + rate) // 100
    other = unit * (100 - rate) // 100 + scene.choose(0, 10, -10)
    first, second = Fraction(price * (100 - rate), 100), Fraction(other * (100 + rate), 100)
    return compared(
        (f"ثمن {scene.item} بعد الخفض", first), (f"ثمن {scene.other_item} بعد الرفع", second),
        f"خفض {scene.name} في {scene.place} ثمن {scene.item} وكان {price} ريالًا بنسبة {rate}%، ورفع ثمن {scene.other_item} وكان {other} ريالًا بالنسبة نفسها.",
        f"نضرب {price} في {100 - rate}%، و{other} في {100 + rate}%، ثم نوازن بين الناتجين.", declared=f"{price}*(1-{rate}%) | {other}*(1+{rate}%)",
    )  # fmt: skip


@template("ratio-proportion", "comparison", "الخصم وسعر البيع", "الربح والخسارة", difficulty="hard")
def compare_missing(scene: Scene) -> Draft:
    a, b = scene.step(2, 6, 5), scene.step(7, 11, 5)
    return compared(
        (f"مقدار الخصم عند {scene.first}", 0),
        (f"مقدار الخصم عند {scene.second}", None),
        f"خفض {scene.name} ثمن {scene.item} في {scene.place} بنسبة {a}%، وخفض {scene.second} ثمن {scene.other_item} بنسبة {b}%.",
        "النسبة وحدها لا تكفي: لا نعرف الثمن الأصلي عند أي منهما.",
        declared=f"{a}%*1000 | {b}%*100 || {a}%*100 | {b}%*100",
    )
