"""Ratio and proportion: percentages, sharing, work, mixing, divisibility."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


@template("ratio-proportion", "mcq", "النسبة المئوية من عدد", "ميزانية الأسرة")
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


@template("ratio-proportion", "mcq", "الخصم وسعر البيع", "الزيادة والنقصان المئويان")
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


@template("ratio-proportion", "mcq", "التقسيم التناسبي", "نسبتان متتاليتان")
def sharing(scene: Scene) -> Draft:
    a, b, unit = scene.number(2, 4), scene.number(5, 8), scene.step(3, 12, 5)
    total = (a + b) * unit
    return numeric(
        scene,
        f"اقتسم {scene.name} وشريكه {scene.second} مكسب {scene.place} وقدره {counted(total, 'ريال')} بنسبة {a} إلى {b}. كم نصيب {scene.second}؟",
        b * unit,
        (a * unit, total // b, unit, total - b),
        f"مجموع الأجزاء {a + b}، وقيمة الجزء {total} ÷ {a + b} = {unit}، ونصيب {scene.second} هو {b} × {unit} = {b * unit}.",
        unit="ريال",
        declared=f"{total}/({a}+{b})*{b}",
    )


@template("ratio-proportion", "mcq", "التناسب الطردي", "مقارنة الأسعار بالوحدة", "الاستهلاك والمعدل اليومي")
def direct(scene: Scene) -> Draft:
    few, each, many = scene.number(3, 8), scene.number(11, 24), scene.number(9, 20)
    return numeric(
        scene,
        f"دفع {scene.name} {counted(few * each, 'ريال')} ثمنًا لعدد {few} من {scene.item} في {scene.place}. كم يدفع {scene.second} ثمنًا لعدد {many} منها بالسعر نفسه؟",
        many * each,
        (few * each + many, many * (each + 1), (many - few) * each, many * few),
        f"ثمن الواحد {few * each} ÷ {few} = {each}، وثمن {many} هو {each} × {many} = {many * each}.",
        unit="ريال",
        declared=f"{few * each}/{few}*{many}",
    )


@template("ratio-proportion", "mcq", "التناسب العكسي", "العمل المشترك بالأعداد الصغيرة")
def inverse(scene: Scene) -> Draft:
    men, days, more = scene.choose(
        (6, 20, 8), (4, 15, 10), (12, 10, 8), (9, 16, 12), (8, 21, 14), (10, 18, 12), (5, 24, 8)
    )
    answer = men * days // more
    return numeric(
        scene,
        f"ينجز فريق {scene.name} وعدده {men} صيانة {scene.place} في {counted(days, 'يوم')}. إذا أصبح الفريق {more} بالكفاءة نفسها، ففي كم يومًا ينجزها؟",
        answer,
        (days * more // men, days - more + men, answer + 2, answer - 1),
        f"العمل الكلي {men} × {days} = {men * days}، وبعدد {more} يستغرق {men * days} ÷ {more} = {answer}.",
        unit="يوم",
        declared=f"{men}*{days}/{more}",
    )


@template("ratio-proportion", "mcq", "مقياس الرسم")
def scale(scene: Scene) -> Draft:
    scale_km, length = scene.number(3, 15), scene.number(6, 25)
    return numeric(
        scene,
        f"على خريطة رسمها {scene.name} للطريق بين {scene.city} و{scene.place} يمثل كل سنتيمتر {scale_km} كم. إذا كان طول الطريق على الخريطة {length} سم، فما طوله الحقيقي؟",
        scale_km * length,
        (scale_km + length, scale_km * length * 10, scale_km * (length - 1)),
        f"الطول الحقيقي {length} × {scale_km} = {scale_km * length}.",
        unit="كم",
        declared=f"{scale_km}*{length}",
    )


@template("ratio-proportion", "mcq", "الكسور من كمية", "الكسور العشرية والتقريب", "ترتيب العمليات")
def fraction_of(scene: Scene) -> Draft:
    part = scene.choose(
        Fraction(2, 3), Fraction(3, 4), Fraction(2, 5), Fraction(3, 5), Fraction(5, 6), Fraction(3, 8)
    )
    total = part.denominator * scene.number(8, 30)
    left = int(total * (1 - part))
    return numeric(
        scene,
        f"في {scene.place} {total} من {scene.item}، باع {scene.name} منها {scene.day} ما يعادل {part.numerator}/{part.denominator} من العدد. كم بقي؟",
        left,
        (int(total * part), total // part.denominator, left + part.denominator),
        f"المبيع {total} × {part.numerator}/{part.denominator} = {int(total * part)}، والباقي {left}.",
        declared=f"{total}*(1-{part.numerator}/{part.denominator})",
    )


@template("ratio-proportion", "mcq", "القاسم المشترك الأكبر")
def largest_divisor(scene: Scene) -> Draft:
    common, pair = scene.number(4, 12), scene.choose((3, 4), (5, 7), (4, 9), (5, 8), (7, 9), (3, 8))
    a, b = common * pair[0], common * pair[1]
    return numeric(
        scene,
        f"لدى {scene.name} {a} من {scene.item} و{b} من {scene.other_item}، ويريد ترتيبها في سلال متماثلة لزوار {scene.place} بلا باق. ما أكبر عدد من السلال؟",
        gcd(a, b),
        (common * 2, common + 1, pair[0] * pair[1], common - 1),
        f"المطلوب القاسم المشترك الأكبر للعددين {a} و{b}، وهو {gcd(a, b)}.",
    )


@template("ratio-proportion", "mcq", "المضاعف المشترك الأصغر")
def smallest_multiple(scene: Scene) -> Draft:
    a, b = scene.choose((6, 8), (9, 12), (10, 15), (8, 12), (12, 18), (14, 21), (15, 20), (6, 10))
    return numeric(
        scene,
        f"يزور {scene.name} {scene.place} كل {counted(a, 'يوم')}، ويزوره {scene.second} كل {counted(b, 'يوم')}. إذا التقيا {scene.day}، فبعد كم يوم يلتقيان مرة أخرى؟",
        lcm(a, b),
        (a * b, a + b, lcm(a, b) * 2, gcd(a, b)),
        f"يلتقيان بعد المضاعف المشترك الأصغر للعددين {a} و{b}، وهو {lcm(a, b)}.",
        unit="يوم",
    )


@template("ratio-proportion", "mcq", "تحويل الوحدات", "الملء والتفريغ")
def filling(scene: Scene) -> Draft:
    flow, minutes = scene.number(11, 30), scene.step(3, 9, 5)
    volume = flow * minutes
    return numeric(
        scene,
        f"خزان ماء عند {scene.name} في {scene.place} سعته {counted(volume, 'لتر')}، يملؤه صنبور معدله {counted(flow, 'لتر')} في الدقيقة. كم دقيقة يلزم لملئه وهو فارغ؟",
        minutes,
        (minutes + 5, flow, minutes * 2, minutes - 5),
        f"الزمن يساوي السعة على المعدل: {volume} ÷ {flow} = {minutes}.",
        unit="دقيقة",
        declared=f"{volume}/{flow}",
    )


@template("ratio-proportion", "mcq", "الزكاة والضريبة", "التوفير والأقساط")
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


@template("ratio-proportion", "mcq", "العمل المشترك")
def together(scene: Scene) -> Draft:
    a, b, both = scene.choose(
        (6, 3, 2), (12, 4, 3), (12, 6, 4), (20, 5, 4), (10, 15, 6), (20, 30, 12), (24, 8, 6), (18, 9, 6)
    )
    return numeric(
        scene,
        f"ينجز {scene.name} طلاء {scene.place} وحده في {counted(a, 'ساعة')}، وينجزه {scene.second} وحده في {counted(b, 'ساعة')}. في كم ساعة ينجزانه معًا؟",
        both,
        ((a + b) // 2, a + b, abs(a - b), both + 1),
        f"معدلهما معًا 1/{a} + 1/{b} = 1/{both}، فيلزمهما {both}.",
        unit="ساعة",
        declared=f"1/(1/{a}+1/{b})",
    )


@template("ratio-proportion", "mcq", "الخلط والتركيز", "النسبة بعد تغير الطرفين")
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


@template("ratio-proportion", "mcq", "باقي القسمة", "خصائص الأعداد الأولية", "منزلة الآحاد في القوى")
def division_rest(scene: Scene) -> Draft:
    divisor, quotient = scene.number(11, 19), scene.number(8, 30)
    rest = scene.rng.randint(4, divisor - 3)
    total = divisor * quotient + rest
    return numeric(
        scene,
        f"عبأ {scene.name} {total} من {scene.item} في علب تتسع كل منها {divisor}، ووضع ما لم يملأ علبة على رف في {scene.place}. كم على الرف؟",
        rest,
        (divisor - rest, rest + 1, quotient, rest - 1),
        f"{total} = {divisor} × {quotient} + {rest}، فالباقي {rest}.",
        declared=f"{total}%{divisor}",
    )


@template("ratio-proportion", "comparison", "النسبة المئوية من عدد", "الزيادة والنقصان المئويان")
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


@template("ratio-proportion", "comparison", "مقارنة الأسعار بالوحدة", "التناسب الطردي", "التقسيم التناسبي")
def compare_prices(scene: Scene) -> Draft:
    n, m, price = scene.number(3, 8), scene.number(9, 15), scene.number(5, 20)
    other = scene.choose(price, price + 1, price - 1)
    return compared(
        (f"ثمن الواحد من {scene.item} في {scene.place}", price),
        (f"ثمن الواحد منها عند {scene.second}", other),
        f"اشترى {scene.name} من {scene.place} {n} من {scene.item} بمبلغ {counted(n * price, 'ريال')}، واشترى من {scene.second} {m} منها بمبلغ {counted(m * other, 'ريال')}.",
        f"الأول {n * price} ÷ {n} = {price}، والثاني {m * other} ÷ {m} = {other}.",
        declared=f"{n * price}/{n} | {m * other}/{m}",
    )


@template("ratio-proportion", "comparison", "القاسم المشترك الأكبر", "المضاعف المشترك الأصغر", "باقي القسمة")
def compare_rest(scene: Scene) -> Draft:
    a, b, c, d = scene.number(40, 99), scene.number(6, 12), scene.number(40, 99), scene.number(6, 12)
    return compared(
        (f"باقي قسمة {a} على {b}", a % b),
        (f"باقي قسمة {c} على {d}", c % d),
        f"قسم {scene.name} {scene.item}، وقسم {scene.second} {scene.other_item}، وكلاهما يعمل في {scene.place}.",
        f"{a} = {b} × {a // b} + {a % b}، و{c} = {d} × {c // d} + {c % d}.",
        declared=f"{a}%{b} | {c}%{d}",
    )


@template("ratio-proportion", "comparison", "الخصم وسعر البيع", "الربح والخسارة")
def compare_missing(scene: Scene) -> Draft:
    a, b = scene.step(2, 6, 5), scene.step(7, 11, 5)
    return compared(
        (f"مقدار الخصم عند {scene.first}", 0),
        (f"مقدار الخصم عند {scene.second}", None),
        f"خفض {scene.name} ثمن {scene.item} في {scene.place} بنسبة {a}%، وخفض {scene.second} ثمن {scene.other_item} بنسبة {b}%.",
        "النسبة وحدها لا تكفي: لا نعرف الثمن الأصلي عند أي منهما.",
        declared=f"{a}%*1000 | {b}%*100 || {a}%*100 | {b}%*100",
    )
