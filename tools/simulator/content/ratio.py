"""Ratio and proportion: sharing, work, fractions, divisibility."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


@template("ratio-proportion", "mcq", "التقسيم التناسبي", "نسبتان متتاليتان", difficulty="easy")
def other_share(scene: Scene) -> Draft:
    a, b, unit = scene.number(2, 4), scene.number(5, 8), scene.step(3, 12, 5)
    return numeric(
        scene, f"نصيب {scene.name} إلى نصيب شريكه {scene.second} من مكسب {scene.place} {a} إلى {b}، ونال {scene.first} {counted(a * unit, 'ريال')}. كم نصيب {scene.second}؟", b * unit,
        ((a + b) * unit, a * unit + b - a, (b - a) * unit), f"قيمة الجزء {a * unit} ÷ {a} = {unit}، والنصيب {b} × {unit} = {b * unit}.",
        unit="ريال", declared=f"{a * unit}/{a}*{b}",
    )  # fmt: skip


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


@template(
    "ratio-proportion",
    "mcq",
    "التناسب الطردي",
    "مقارنة الأسعار بالوحدة",
    "الاستهلاك والمعدل اليومي",
    difficulty="easy",
)
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


@template("ratio-proportion", "mcq", "التناسب الطردي", "مقارنة الأسعار بالوحدة", "الاستهلاك والمعدل اليومي")
def change_of_purchase(scene: Scene) -> Draft:
    few, each, many = scene.number(3, 8), scene.number(11, 24), scene.number(9, 20)
    cost, left = many * each, scene.step(2, 9, 5)
    return numeric(
        scene, f"ثمن {few} من {scene.item} في {scene.place} {counted(few * each, 'ريال')}. اشترى {scene.name} {many} منها بالسعر نفسه ودفع {counted(cost + left, 'ريال')}. كم ريالًا بقي له؟", left,
        (cost, left + each, cost + left - few * each), f"ثمن الواحد {each}، وثمن {many} هو {cost}، والباقي {cost + left} − {cost} = {left}.",
        declared=f"{cost + left}-{few * each}/{few}*{many}",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "التناسب الطردي", "مقارنة الأسعار بالوحدة", difficulty="hard")
def cheaper_purchase(scene: Scene) -> Draft:
    few, each, many, rate = (
        scene.number(3, 8),
        scene.number(11, 24),
        scene.choose(10, 20, 30),
        scene.choose(10, 20, 30),
    )
    cost = many * each
    paid = cost - cost * rate // 100
    return numeric(
        scene, f"ثمن {few} من {scene.item} في {scene.place} {counted(few * each, 'ريال')}. اشترى {scene.name} {many} منها بالسعر نفسه، فخصم له البائع {rate}% من المجموع. كم دفع؟", paid,
        (cost, cost - rate, cost * rate // 100, few * each * many // 10), f"ثمن الواحد {each}، والمجموع {cost}، والخصم {cost * rate // 100}، فدفع {paid}.",
        unit="ريال", declared=f"{few * each}/{few}*{many}*(1-{rate}%)",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "التناسب العكسي", "العمل المشترك بالأعداد الصغيرة")
def more_workers(scene: Scene) -> Draft:
    men, days, fewer = scene.choose(
        (6, 20, 15), (4, 15, 10), (12, 10, 8), (9, 16, 12), (8, 21, 14), (10, 18, 12), (5, 24, 8)
    )
    needed = men * days // fewer
    return numeric(
        scene, f"ينجز {counted(men, 'عامل')} عند {scene.name} صيانة {scene.place} في {counted(days, 'يوم')}. كم عاملًا مثلهم يضاف إليهم لتنجز في {counted(fewer, 'يوم')}؟", needed - men,
        (needed, days - fewer, men), f"العمل {men} × {days} = {men * days}، ويلزم {men * days} ÷ {fewer} = {needed}، فيضاف {needed - men}.",
        declared=f"{men}*{days}/{fewer}-{men}",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "التناسب العكسي", "العمل المشترك بالأعداد الصغيرة", difficulty="easy")
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


@template("ratio-proportion", "mcq", "مقياس الرسم", difficulty="easy")
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


@template("ratio-proportion", "mcq", "مقياس الرسم")
def scale_then_time(scene: Scene) -> Draft:
    scale_km, hours, times = scene.number(5, 9), scene.number(2, 5), scene.choose(10, 12)
    return numeric(
        scene, f"على خريطة {scene.place} يمثل كل سنتيمتر {scale_km} كم، وطول الطريق عليها {times * hours} سم. في كم ساعة يقطعه {scene.name} بسرعة {scale_km * times} كم في الساعة؟", hours,
        (times, hours + 1, scale_km, 2 * hours), f"طول الطريق {times * hours} × {scale_km} = {scale_km * times * hours}، والزمن {scale_km * times * hours} ÷ {scale_km * times} = {hours}.",
        declared=f"{times * hours}*{scale_km}/{scale_km * times}",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "الكسور من كمية", "الكسور العشرية والتقريب", "ترتيب العمليات")
def fraction_of_rest(scene: Scene) -> Draft:
    part, count = (
        scene.choose(Fraction(2, 3), Fraction(3, 4), Fraction(2, 5), Fraction(3, 5)),
        scene.number(4, 15),
    )
    total = 2 * part.denominator * count
    rest = int(total * (1 - part))
    return numeric(
        scene, f"في {scene.place} {total} من {scene.item}، باع {scene.name} {part.numerator}/{part.denominator} منها {scene.day}، ثم باع نصف الباقي. كم بقي؟", rest // 2,
        (rest, total - rest, total // 2, abs(total // 2 - rest)), f"المبيع أولًا {total - rest}، والباقي {rest}، ونصفه {rest // 2}.",
        declared=f"{total}*(1-{part.numerator}/{part.denominator})/2",
    )  # fmt: skip


@template("ratio-proportion", "mcq", "الكسور من كمية", "ترتيب العمليات", difficulty="hard")
def whole_of_fractions(scene: Scene) -> Draft:
    part, count = (
        scene.choose(Fraction(2, 3), Fraction(3, 4), Fraction(2, 5), Fraction(3, 5)),
        scene.number(4, 12),
    )
    total = 3 * part.denominator * count
    rest = int(total * (1 - part))
    left = rest * 2 // 3
    return numeric(
        scene, f"باع {scene.name} {part.numerator}/{part.denominator} من {scene.item} في {scene.place}، ثم ثلث الباقي {scene.day}، فبقي {left}. كم كان العدد قبل البيع؟", total,
        (rest, 3 * left, left * part.denominator, total - left), f"{left} ثلثا الباقي، فالباقي {rest}، وهو {part.denominator - part.numerator}/{part.denominator} من العدد، فالعدد {total}.",
        declared=f"{left}/(1-1/3)/(1-{part.numerator}/{part.denominator})",
    )  # fmt: skip


@template(
    "ratio-proportion",
    "mcq",
    "الكسور من كمية",
    "الكسور العشرية والتقريب",
    "ترتيب العمليات",
    difficulty="easy",
)
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


@template("ratio-proportion", "mcq", "تحويل الوحدات", "الملء والتفريغ", difficulty="easy")
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


@template("ratio-proportion", "mcq", "الملء والتفريغ", "تحويل الوحدات")
def filling_with_leak(scene: Scene) -> Draft:
    net, leak, minutes = scene.number(8, 20), scene.number(3, 7), scene.step(3, 9, 5)
    return numeric(
        scene, f"خزان {scene.name} في {scene.place} سعته {counted(net * minutes, 'لتر')}، يملؤه صنبور معدله {counted(net + leak, 'لتر')} في الدقيقة، ويتسرب منه {counted(leak, 'لتر')} في الدقيقة. في كم دقيقة يمتلئ وهو فارغ؟", minutes,
        (net * minutes // (net + leak), minutes + leak, 2 * minutes), f"يزيد الماء {net + leak} − {leak} = {net} في الدقيقة، والزمن {net * minutes} ÷ {net} = {minutes}.",
        declared=f"{net * minutes}/({net + leak}-{leak})",
    )  # fmt: skip


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


@template("ratio-proportion", "mcq", "باقي القسمة", "منزلة الآحاد في القوى")
def rest_of_result(scene: Scene) -> Draft:
    divisor, times, more = scene.choose(7, 9, 11), scene.number(2, 4), scene.number(1, 4)
    rest = scene.rng.randint(3, divisor - 1)
    value = (times * rest + more) % divisor
    if value == 0:
        value, more = 1, more + 1
    return numeric(
        scene, f"وزع {scene.name} {scene.item} في {scene.place} على علب تتسع كل منها {divisor}، وكان عددها ن فبقي منها {rest}. كم يبقى لو كان العدد {times}ن + {more}؟", value,
        (times * rest + more, rest + more, rest, divisor - value), f"الباقي من {times} × {rest} + {more} بعد القسمة على {divisor} هو {value}.",
        declared=f"({times}*{rest}+{more})%{divisor}",
    )  # fmt: skip


@template(
    "ratio-proportion",
    "mcq",
    "باقي القسمة",
    "خصائص الأعداد الأولية",
    "منزلة الآحاد في القوى",
    difficulty="easy",
)
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


@template(
    "ratio-proportion",
    "comparison",
    "مقارنة الأسعار بالوحدة",
    "التناسب الطردي",
    "التقسيم التناسبي",
    difficulty="easy",
)
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


@template(
    "ratio-proportion",
    "comparison",
    "القاسم المشترك الأكبر",
    "المضاعف المشترك الأصغر",
    "باقي القسمة",
    difficulty="easy",
)
def compare_rest(scene: Scene) -> Draft:
    a, b, c, d = scene.number(40, 99), scene.number(6, 12), scene.number(40, 99), scene.number(6, 12)
    return compared(
        (f"باقي قسمة {a} على {b}", a % b),
        (f"باقي قسمة {c} على {d}", c % d),
        f"قسم {scene.name} {scene.item}، وقسم {scene.second} {scene.other_item}، وكلاهما يعمل في {scene.place}.",
        f"{a} = {b} × {a // b} + {a % b}، و{c} = {d} × {c // d} + {c % d}.",
        declared=f"{a}%{b} | {c}%{d}",
    )
