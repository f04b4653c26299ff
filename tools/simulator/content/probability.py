"""Probability and counting."""

from __future__ import annotations

from fractions import Fraction
from math import comb, perm

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


def _colours(scene: Scene) -> tuple[int, int, int]:
    return scene.number(3, 6), scene.number(7, 10), scene.number(11, 15)


def ways(n: int, k: int) -> str:
    """To choose k of n, as a declared expression."""
    above = "*".join(str(n - i) for i in range(k))
    return f"{above}/({'*'.join(str(i + 1) for i in range(k))})"


@template("probability", "mcq", "احتمال حدث بسيط", "السحب من مجموعة ملونة", difficulty="easy")
def simple(scene: Scene) -> Draft:
    red, green, blue = _colours(scene)
    total = red + green + blue
    return numeric(
        scene,
        f"في صندوق {scene.name} في {scene.place} {red} من {scene.item} الحمراء و{green} الخضراء و{blue} الزرقاء. إذا سحب {scene.second} واحدة عشوائيًا، فما احتمال أن تكون حمراء؟",
        Fraction(red, total),
        (Fraction(green, total), Fraction(blue, total), Fraction(red, green + blue), Fraction(1, red)),
        f"عدد الحمراء {red} من {total}، فالاحتمال {red}/{total}.",
        declared=f"{red}/({red}+{green}+{blue})",
    )


@template("probability", "mcq", "احتمال حدث بسيط", "السحب من مجموعة ملونة")
def twice_as_many(scene: Scene) -> Draft:
    red, green, _ = _colours(scene)
    total = 3 * red + green
    return numeric(
        scene, f"في صندوق {scene.name} في {scene.place} {red} من {scene.item} الحمراء و{green} الخضراء، والزرقاء ضعف الحمراء. إذا سحب {scene.second} واحدة عشوائيًا، فما احتمال أن تكون زرقاء؟", Fraction(2 * red, total),
        (Fraction(red, total), Fraction(green, total), Fraction(2 * red, red + green), Fraction(1, 3)),
        f"الزرقاء 2 × {red} = {2 * red} من {total}، فالاحتمال {2 * red}/{total}.", declared=f"2*{red}/({red}+{green}+2*{red})",
    )  # fmt: skip


@template("probability", "mcq", "الحدث المتمم", difficulty="easy")
def complement(scene: Scene) -> Draft:
    bad, total = scene.number(2, 6), scene.step(2, 6, 10)
    return numeric(
        scene,
        f"فحص {scene.name} {total} من {scene.item} في {scene.place} فوجد {bad} منها تالفة. إذا اختيرت واحدة {scene.day} دون نظر، فما احتمال أن تكون سليمة؟",
        Fraction(total - bad, total),
        (
            Fraction(bad, total),
            Fraction(bad, total - bad),
            Fraction(total - bad - 1, total),
            Fraction(1, total),
        ),
        f"السليمة {total} − {bad} = {total - bad}، والاحتمال {total - bad}/{total}.",
        declared=f"({total}-{bad})/{total}",
    )


@template("probability", "mcq", "مبدأ العد", "عدد الاختيارات الممكنة", difficulty="easy")
def counting(scene: Scene) -> Draft:
    a, b, c = scene.number(2, 4), scene.number(5, 7), scene.number(8, 10)
    return numeric(
        scene,
        f"يختار {scene.name} من {scene.place} واحدة من {a} من {scene.item} وواحدة من {b} من {scene.other_item} وغلافًا من {c} أغلفة هدية لصديقه {scene.second}. كم هدية مختلفة يمكنه تكوينها؟",
        a * b * c,
        (a + b + c, a * b + c, a * b * (c - 1), b * c),
        f"بمبدأ العد {a} × {b} × {c} = {a * b * c}.",
        declared=f"{a}*{b}*{c}",
    )


@template("probability", "mcq", "مبدأ العد", "عدد الاختيارات الممكنة")
def two_offices(scene: Scene) -> Draft:
    people = scene.number(5, 12)
    return numeric(
        scene, f"يختار {scene.name} من بين {people} متطوعين في {scene.place} مشرفًا على {scene.item}، ثم نائبًا له من بقيتهم. بكم طريقة يختارهما؟", people * (people - 1),
        (people**2, people * (people - 1) // 2, 2 * people - 1), f"للمشرف {people} خيارات، ولنائبه {people - 1}، فالعدد {people} × {people - 1} = {people * (people - 1)}.",
        declared=f"{people}*({people}-1)",
    )  # fmt: skip


@template("probability", "mcq", "العدد من الاحتمال", difficulty="easy")
def from_probability(scene: Scene) -> Draft:
    part = scene.choose(Fraction(1, 4), Fraction(2, 5), Fraction(3, 8), Fraction(1, 6), Fraction(3, 10))
    total = part.denominator * scene.number(4, 12)
    answer = int(total * part)
    return numeric(
        scene,
        f"احتمال أن يسحب {scene.name} بطاقة رابحة من صندوق {scene.place} هو {part.numerator}/{part.denominator}، وفي الصندوق {counted(total, 'بطاقة')} {scene.for_item}. كم بطاقة رابحة فيه؟",
        answer,
        (total - answer, total // part.denominator + 1, answer * 2, answer + 2),
        f"{total} × {part.numerator}/{part.denominator} = {answer}.",
        declared=f"{total}*{part.numerator}/{part.denominator}",
    )


@template("probability", "mcq", "السحب دون إرجاع", difficulty="hard")
def without_return(scene: Scene) -> Draft:
    good, rest = scene.number(3, 6), scene.number(4, 8)
    total = good + rest
    return numeric(
        scene,
        f"في سلة {scene.name} {good} من {scene.item} الجديدة و{rest} قديمة. سحب {scene.second} في {scene.place} اثنتين متتابعتين دون إرجاع، فما احتمال أن تكونا جديدتين؟",
        Fraction(good * (good - 1), total * (total - 1)),
        (Fraction(good * good, total * total), Fraction(good, total), Fraction(good - 1, total - 1)),
        f"الأولى {good}/{total} والثانية {good - 1}/{total - 1}، ونضربهما.",
        declared=f"{good}/{total}*({good}-1)/({total}-1)",
    )


@template("probability", "mcq", "السحب مع الإرجاع", "حدثان مستقلان")
def with_return(scene: Scene) -> Draft:
    good, rest = scene.number(2, 5), scene.number(6, 9)
    total = good + rest
    return numeric(
        scene,
        f"سحب {scene.name} من كيس {scene.place} قطعة من {scene.item} ثم أعادها وسحب أخرى، وفي الكيس {good} ذهبية و{rest} فضية. ما احتمال أن تكون القطعتان ذهبيتين؟",
        Fraction(good * good, total * total),
        (Fraction(2 * good, total), Fraction(good, total), Fraction(good * rest, total * total)),
        f"الحدثان مستقلان: {good}/{total} × {good}/{total}.",
        declared=f"({good}/{total})**2",
    )


@template("probability", "mcq", "توافيق صغيرة", "تباديل صغيرة")
def choosing(scene: Scene) -> Draft:
    n, k = scene.number(5, 8), scene.choose(2, 3)
    return numeric(
        scene,
        f"يختار {scene.name} مدير {scene.place} {k} من {n} متطوعين لترتيب {scene.item} {scene.day}، ولا أثر لترتيب الاختيار. بكم طريقة يختارهم؟",
        comb(n, k),
        (perm(n, k), n * k, comb(n, k) + n, comb(n - 1, k)),
        f"عدد التوافيق {n} فوق {k} يساوي {comb(n, k)}.",
        declared=f"{ways(n, k)}",
    )


@template(
    "probability",
    "comparison",
    "احتمال حدث بسيط",
    "الحدث المتمم",
    "السحب من مجموعة ملونة",
    "العدد من الاحتمال",
    difficulty="easy",
)
def compare_chances(scene: Scene) -> Draft:
    a, n, b, m = scene.number(2, 6), scene.number(10, 20), scene.number(2, 6), scene.number(10, 20)
    return compared(
        (f"احتمال فوز {scene.first}", Fraction(a, n)),
        (f"احتمال فوز {scene.second}", Fraction(b, m)),
        f"يملك {scene.name} {a} من {counted(n, 'بطاقة')} في قرعة {scene.place}، ويملك {scene.second} {b} من {counted(m, 'بطاقة')} في قرعة {scene.item}.",
        f"الأول {a}/{n} والثاني {b}/{m}، ونوحد المقامات ثم نوازن.",
        declared=f"{a}/{n} | {b}/{m}",
    )


@template("probability", "comparison", "مبدأ العد", "توافيق صغيرة", "تباديل صغيرة", "عدد الاختيارات الممكنة")
def compare_counts(scene: Scene) -> Draft:
    n = scene.number(5, 8)
    k, j = scene.choose((2, n - 2), (2, 3), (3, 2))
    return compared(
        (f"طرق اختيار {k} من {n}", comb(n, k)),
        (f"طرق اختيار {j} من {n}", comb(n, j)),
        f"يوازن {scene.name} في {scene.place} بين طريقتين لاختيار فريق {scene.day} من بين {n} يعرفون {scene.item}.",
        f"الأولى {comb(n, k)} والثانية {comb(n, j)}.",
        declared=f"{ways(n, k)} | {ways(n, j)}",
    )
