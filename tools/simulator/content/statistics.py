"""Statistics without a chart: mean, median, mode, range."""

from __future__ import annotations

from fractions import Fraction

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


def _listed(values: list[int]) -> str:
    return " و".join(str(value) for value in values)


def added_up(values: list[int]) -> str:
    return "+".join(str(value) for value in values)


@template("statistics", "mcq", "المتوسط الحسابي", difficulty="easy")
def mean(scene: Scene) -> Draft:
    center = scene.number(20, 60)
    values = [center - 6, center + 2, center + 7, center - 3]
    scene.rng.shuffle(values)
    return numeric(
        scene,
        f"باع {scene.name} في أربعة أيام من {scene.place} أعدادًا من {scene.item} هي {_listed(values)}. ما متوسط ما باعه في اليوم؟",
        center,
        (sum(values), center + 2, center - 3, center + 7),
        f"المجموع {sum(values)} ونقسمه على 4 فنجد {center}.",
        declared=f"({added_up(values)})/4",
    )


@template("statistics", "mcq", "المتوسط الحسابي")
def value_of_mean(scene: Scene) -> Draft:
    center = scene.number(20, 60)
    values = [center - 6, center + 2, center + 9]
    scene.rng.shuffle(values)
    total = 4 * center
    return numeric(
        scene, f"متوسط ما باعه {scene.name} في أربعة أيام من {scene.place} هو {center} من {scene.item}، وباع في ثلاثة منها {_listed(values)}. كم باع في اليوم الرابع؟", total - sum(values),
        (sum(values), center, center + 5), f"المجموع 4 × {center} = {total}، والرابع {total} − {sum(values)} = {total - sum(values)}.",
        declared=f"4*{center}-({added_up(values)})",
    )  # fmt: skip


@template("statistics", "mcq", "الوسيط", "المنوال والمدى")
def median_and_range(scene: Scene) -> Draft:
    middle = scene.number(15, 50)
    values = [middle - 9, middle - 4, middle, middle + 3, middle + 11]
    scene.rng.shuffle(values)
    return numeric(
        scene, f"سجل {scene.name} عدد زوار {scene.place} في خمسة أيام متتابعة من {scene.day}: {_listed(values)}. ما مجموع الوسيط والمدى؟", middle + 20,
        (middle, 20, middle + 11, sum(values) // 5 + 20), f"الوسيط {middle} والمدى {middle + 11} − {middle - 9} = 20، ومجموعهما {middle + 20}.",
        declared=f"{middle}+({middle + 11}-{middle - 9})",
    )  # fmt: skip


@template("statistics", "mcq", "الوسيط", "الوسيط مع قيمة مجهولة", difficulty="easy")
def median(scene: Scene) -> Draft:
    middle = scene.number(15, 50)
    values = [middle - 9, middle - 4, middle, middle + 3, middle + 11]
    scene.rng.shuffle(values)
    return numeric(
        scene,
        f"سجل {scene.name} عدد زوار {scene.place} في خمسة أيام متتابعة من {scene.day}: {_listed(values)}. ما الوسيط؟",
        middle,
        (values[2], middle + 3, middle - 4, sum(values) // 5 + 1),
        f"نرتب القيم تصاعديًا {_listed(sorted(values))} فالوسطى {middle}.",
    )


@template("statistics", "mcq", "المنوال والمدى", difficulty="easy")
def spread(scene: Scene) -> Draft:
    low, width, often = scene.number(8, 25), scene.number(14, 30), scene.number(3, 9)
    values = [low, low + width, low + often, low + often, low + often + 2]
    scene.rng.shuffle(values)
    return numeric(
        scene,
        f"أعداد {scene.item} التي أحصاها {scene.name} في {scene.place} على مدى خمسة أيام: {_listed(values)}. ما مدى هذه القيم؟",
        width,
        (low + often, width + low, width - often, low),
        f"المدى أكبر القيم ناقص أصغرها: {low + width} − {low} = {width}.",
        declared=f"max({values[0]}, {values[1]}, {values[2]}, {values[3]}, {values[4]})-{low}",
    )


@template("statistics", "mcq", "مجموع القيم من المتوسط", "أثر إضافة قيمة في المتوسط")
def added(scene: Scene) -> Draft:
    count, average, rise = scene.number(4, 9), scene.number(20, 60), scene.number(1, 4)
    new = (average + rise) * (count + 1) - average * count
    return numeric(
        scene,
        f"متوسط مبيعات {scene.name} من {scene.item} في {counted(count, 'يوم')} هو {average}، وبعد يوم آخر في {scene.place} صار المتوسط {average + rise}. كم باع في اليوم الأخير؟",
        new,
        (average + rise, average * count, new - rise, average + count),
        f"المجموع الجديد {(average + rise) * (count + 1)} والقديم {average * count}، والفرق {new}.",
        declared=f"({average + rise})*({count}+1)-{average}*{count}",
    )


@template("statistics", "mcq", "متوسط مجموعتين مختلفتين", difficulty="hard")
def two_groups(scene: Scene) -> Draft:
    n, m, a, b = scene.choose(
        (10, 30, 60, 80), (20, 30, 70, 90), (15, 5, 80, 60), (12, 8, 75, 85), (10, 15, 60, 70)
    )
    total = n * a + m * b
    return numeric(
        scene,
        f"متوسط درجات فصل {scene.name} وعدده {n} هو {a}، ومتوسط درجات فصل {scene.second} وعدده {m} هو {b} في مسابقة {scene.place}. ما متوسط الفصلين معًا؟",
        Fraction(total, n + m),
        (Fraction(a + b, 2), Fraction(a), Fraction(b), Fraction(total, n + m) + 2),
        f"المجموع {n} × {a} + {m} × {b} = {total}، ونقسمه على {n + m}.",
        declared=f"({n}*{a}+{m}*{b})/({n}+{m})",
    )


@template("statistics", "comparison", "المتوسط الحسابي", "الوسيط", "المنوال والمدى")
def mean_and_median(scene: Scene) -> Draft:
    base, shift = scene.number(10, 40), scene.choose(-10, 0, 15)
    values = [base - 5, base, base + 5 + shift if shift >= 0 else base + 5]
    if shift < 0:
        values[0] += shift
    return compared(
        (f"متوسط ما جمعه {scene.first}", Fraction(sum(values), 3)),
        (f"وسيط ما جمعه {scene.first}", Fraction(sorted(values)[1])),
        f"جمع {scene.name} في {scene.place} من {scene.item} ثلاث دفعات أعدادها {_listed(values)}.",
        f"المتوسط {sum(values)} ÷ 3، والوسيط {sorted(values)[1]}.",
        declared=f"({added_up(values)})/3 | {sorted(values)[1]}",
    )


@template(
    "statistics", "comparison", "مجموع القيم من المتوسط", "أثر إضافة قيمة في المتوسط", difficulty="easy"
)
def totals(scene: Scene) -> Draft:
    n, a, m = scene.number(4, 9), scene.number(20, 60), scene.number(4, 9)
    b = scene.choose(a, a + 3, a - 3)
    return compared(
        (f"مجموع ما باعه {scene.first}", n * a),
        (f"مجموع ما باعه {scene.second}", m * b),
        f"متوسط ما باعه {scene.name} من {scene.item} في {counted(n, 'يوم')} هو {a}، ومتوسط ما باعه {scene.second} في {scene.place} في {counted(m, 'يوم')} هو {b}.",
        f"الأول {n} × {a} = {n * a}، والثاني {m} × {b} = {m * b}.",
        declared=f"{n}*{a} | {m}*{b}",
    )
