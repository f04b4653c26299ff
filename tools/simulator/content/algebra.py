"""Algebra: equations, ages, consecutive numbers, powers, sequences, functions, inequalities."""

from __future__ import annotations

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


def _board(scene: Scene) -> str:
    """A lead-in for what would otherwise be bare symbols."""
    return scene.by_turn(
        (
            f"كتب المعلم {scene.name} على لوح {scene.place} ما يلي",
            f"حل الطالب {scene.name} في {scene.place} مسألة نصها",
            f"وجد {scene.name} في دفتر قديم من {scene.place} السطر الآتي",
            f"عرض {scene.name} {scene.day} على زملائه في {scene.place} هذه العلاقة",
            f"وردت في مسابقة نظمها {scene.name} في {scene.place} الصيغة الآتية",
            f"اختار {scene.name} {scene.day} من بطاقات {scene.place} بطاقة عليها",
        ),
        1,
    )


@template("algebra", "mcq", "معادلة من الدرجة الأولى", "إيجاد العدد المجهول", difficulty="easy")
def linear(scene: Scene) -> Draft:
    a, x, b = scene.number(3, 9), scene.number(4, 15), scene.number(5, 40)
    total = a * x + b
    return numeric(
        scene,
        f"{_board(scene)}: {a}س + {b} = {total}. فما قيمة س؟",
        x,
        (x + b // a, x + 1, total // a),
        f"نطرح {b} من الطرفين فيكون {a}س = {total - b}، ثم نقسم على {a} فنجد س = {x}.",
        declared=f"({total}-{b})/{a}",
    )


@template("algebra", "mcq", "معادلة من الدرجة الأولى", "إيجاد العدد المجهول")
def linear_then_value(scene: Scene) -> Draft:
    a, x, b = scene.number(3, 9), scene.number(4, 15), scene.number(5, 40)
    m, n = scene.number(2, 4), scene.number(2, 7)
    total, value = a * x + b, m * x + n
    return numeric(
        scene, f"{_board(scene)}: {a}س + {b} = {total}. فما قيمة {m}س + {n}؟", value,
        (x, m * x, x + n, m * (x + n)), f"س = ({total} − {b}) ÷ {a} = {x}، ومنها {m} × {x} + {n} = {value}.",
        declared=f"({total}-{b})/{a}*{m}+{n}",
    )  # fmt: skip


@template("algebra", "mcq", "معادلة من الدرجة الأولى", "إيجاد العدد المجهول", difficulty="hard")
def linear_on_both_sides(scene: Scene) -> Draft:
    less, b, x = scene.number(2, 4), scene.number(1, 2), scene.number(8, 20)
    a = less + 3
    rest = a * (x - b) - less * x
    return numeric(
        scene, f"{_board(scene)}: {a}(س − {b}) = {less}س + {rest}. فما قيمة س؟", x,
        (rest // 3, x + a * b, x + b, x - b), f"نفك القوس: {a}س − {a * b} = {less}س + {rest}، ثم نجمع الحدود: 3س = {rest + a * b}، فيكون س = {x}.",
        declared=f"({rest}+{a}*{b})/({a}-{less})",
    )  # fmt: skip


@template("algebra", "mcq", "مسائل الأعمار", "مسألة بمعادلة من الحياة", difficulty="easy")
def age_now(scene: Scene) -> Draft:
    son, times = scene.number(6, 14), scene.choose(3, 4)
    return numeric(
        scene, f"عمر والد {scene.name} الذي يعمل في {scene.place} {counted(son * times, 'سنة')}، وهو {times} أمثال عمر ابنه {scene.second}. كم سنة عمر الابن؟", son,
        (son * (times - 1), son * times - times, son + times), f"عمر الابن {son * times} ÷ {times} = {son}.", declared=f"{son * times}/{times}",
    )  # fmt: skip


@template("algebra", "mcq", "مسائل الأعمار", "مسألة بمعادلة من الحياة")
def age_later(scene: Scene) -> Draft:
    son, times, years = scene.number(6, 14), scene.choose(3, 4), scene.number(3, 9)
    later = son * times + years
    return numeric(
        scene, f"عمر {scene.second} الآن {counted(son, 'سنة')}، وعمر أبيه {scene.name} العامل في {scene.place} {times} أمثال عمره. كم سنة يصبح عمر الأب بعد {counted(years, 'سنة')}؟", later,
        (son * times, (son + years) * times, son + years), f"عمر الأب الآن {times} × {son} = {son * times}، ثم يصير {son * times} + {years} = {later}.",
        declared=f"{times}*{son}+{years}",
    )  # fmt: skip


@template("algebra", "mcq", "مسائل الأعمار", "مسألة بمعادلة من الحياة", difficulty="hard")
def ages(scene: Scene) -> Draft:
    son, times, years = scene.number(6, 14), scene.choose(3, 4), scene.number(3, 9)
    father = son * times
    return numeric(
        scene,
        f"عمر والد {scene.name} الآن {times} أمثال عمر ابنه {scene.second}، ومجموع عمريهما {father + son} سنة. كم يصبح عمر الوالد بعد {years} من السنوات؟",
        father + years,
        (father, father + 2 * years, son + years, father - years),
        f"ليكن عمر الابن س، فعمر الوالد {times}س، والمجموع {times + 1}س = {father + son}، أي س = {son}. عمر الوالد {father}، وبعد {years} من السنوات يصير {father + years}.",
        unit="سنة",
        declared=f"{father + son}/({times}+1)*{times}+{years}",
    )


@template("algebra", "mcq", "الأعداد المتتالية")
def consecutive(scene: Scene) -> Draft:
    middle, count = scene.number(8, 60), scene.choose(3, 5)
    total = middle * count
    largest = middle + count // 2
    return numeric(
        scene,
        f"رقّم {scene.name} {count} من {scene.item} في {scene.place} بأعداد صحيحة متتالية مجموعها {total}. ما أكبر هذه الأعداد؟",
        largest,
        (middle, largest + 1, middle - count // 2, largest + 2),
        f"العدد الأوسط هو المجموع مقسومًا على عددها: {total} ÷ {count} = {middle}، وأكبرها يزيد عليه {count // 2}، فهو {largest}.",
        declared=f"{total}/{count}+{count // 2}",
    )


@template("algebra", "mcq", "دالة وقيمها", "قيمة عبارة عند عدد")
def value_of_value(scene: Scene) -> Draft:
    a, b, x = scene.number(2, 4), scene.number(1, 6), scene.number(2, 6)
    once = a * x + b
    value = a * once + b
    return numeric(
        scene, f"{_board(scene)}: د(س) = {a}س + {b}. ما قيمة د(د({x}))؟", value,
        (once, once * once, a * once, 2 * once), f"د({x}) = {a} × {x} + {b} = {once}، ثم د({once}) = {a} × {once} + {b} = {value}.",
        declared=f"{a}*({a}*{x}+{b})+{b}",
    )  # fmt: skip


@template("algebra", "mcq", "قيمة عبارة عند عدد", "دالة وقيمها", difficulty="easy")
def value_of(scene: Scene) -> Draft:
    a, b, x = scene.number(2, 6), scene.number(3, 12), scene.number(3, 7)
    value = a * x * x - b
    return numeric(
        scene,
        f"{_board(scene)}: د(س) = {a}س² − {b}. ما قيمة د({x})؟",
        value,
        (a * x * 2 - b, a * x * x + b, (a * x) ** 2 - b),
        f"نعوض عن س بالعدد {x}: {a} × {x * x} − {b} = {a * x * x} − {b} = {value}.",
        declared=f"{a}*{x}**2-{b}",
    )


@template("algebra", "mcq", "نمط عددي", "أنماط الأشكال", "مجموع متتابعة حسابية")
def pattern(scene: Scene) -> Draft:
    first, step, n = scene.number(3, 20), scene.number(3, 9), scene.number(6, 12)
    terms = [first + step * i for i in range(4)]
    value = first + step * (n - 1)
    return numeric(
        scene,
        f"صف {scene.name} {scene.item} في {scene.place} صفوفًا أعدادها بالترتيب {terms[0]} ثم {terms[1]} ثم {terms[2]} ثم {terms[3]}، واستمر النمط نفسه. كم عدد ما في الصف رقم {n}؟",
        value,
        (value + step, first + step * n - 1, step * n, value - step),
        f"الفرق الثابت {step}، فالحد رقم {n} هو {first} + {step} × {n - 1} = {value}.",
        declared=f"{first}+{step}*({n}-1)",
    )


@template("algebra", "mcq", "نمط عددي", "أنماط الأشكال", difficulty="easy")
def next_term(scene: Scene) -> Draft:
    first, step = scene.number(3, 20), scene.number(3, 9)
    last, value = first + 2 * step, first + 3 * step
    return numeric(
        scene, f"رصف {scene.name} في {scene.place} {scene.item} صفوفًا يزيد كل صف على ما قبله بالمقدار نفسه، وكان فيها {first} ثم {first + step} ثم {last}. كم في الصف التالي؟", value,
        (last + 1, value + step, first + last), f"الفرق {step}، والصف التالي {last} + {step} = {value}.", declared=f"{last}+{last}-{first + step}",
    )  # fmt: skip


@template("algebra", "mcq", "مجموع متتابعة حسابية", "نمط عددي", difficulty="hard")
def sum_of_terms(scene: Scene) -> Draft:
    first, step, n = scene.number(3, 20), scene.number(3, 9), scene.choose(6, 8, 10)
    last = first + step * (n - 1)
    total = (first + last) * n // 2
    return numeric(
        scene, f"رتب {scene.name} {scene.item} في {scene.place} في {n} صفوف: في الأول {first} وفي الثاني {first + step}، ويستمر النمط نفسه. كم عددها في الصفوف كلها؟", total,
        (last, (first + last) * n, n * last, total - last), f"الفرق {step}، وفي الصف الأخير {last}، والمجموع ({first} + {last}) × {n} ÷ 2 = {total}.",
        declared=f"({first}+{first}+{step}*({n}-1))*{n}/2",
    )  # fmt: skip


@template("algebra", "mcq", "الأسس والجذور", "معادلة أسية", difficulty="easy")
def added_powers(scene: Scene) -> Draft:
    base, p, q = scene.choose(2, 3, 5, 7), scene.number(3, 7), scene.number(2, 5)
    return numeric(
        scene, f"{_board(scene)}: {base}^س = {base}^{p} × {base}^{q}. ما قيمة س؟", p + q,
        (p * q, p + q + 1, abs(p - q) + 1), f"نجمع الأسس: س = {p} + {q} = {p + q}.", declared=f"{p}+{q}",
    )  # fmt: skip


@template("algebra", "mcq", "الأسس والجذور", "معادلة أسية")
def powers(scene: Scene) -> Draft:
    base, p, q = scene.choose(2, 3, 5), scene.number(3, 7), scene.number(2, 5)
    shift = scene.number(1, 2)
    x = p + q - shift
    return numeric(
        scene,
        f"{_board(scene)}: {base}^(س + {shift}) = {base}^{p} × {base}^{q}. ما قيمة س التي تحقق المساواة؟",
        x,
        (p * q - shift, p + q, p + q + shift, abs(p - q) + 1),
        f"عند ضرب قوى الأساس الواحد نجمع الأسس: س + {shift} = {p} + {q} = {p + q}، ومنها س = {x}.",
        declared=f"{p}+{q}-{shift}",
    )


@template("algebra", "mcq", "ترجمة جملة إلى معادلة", "عبارة بدلالة أخرى", difficulty="easy")
def sentence(scene: Scene) -> Draft:
    x, times, less = scene.number(7, 25), scene.number(2, 5), scene.number(4, 16)
    result = x * times - less
    return numeric(
        scene,
        f"فكر {scene.name} {scene.day} في عدد، فضربه في {times} ثم طرح من الناتج {less}، فأخبر زميله {scene.second} في {scene.place} أن النتيجة {result}. ما العدد الذي فكر فيه؟",
        x,
        (x + less, result // times, x - 1, x + times),
        f"المعادلة {times}س − {less} = {result}، فيكون {times}س = {result + less}، وس = {x}.",
        declared=f"({result}+{less})/{times}",
    )


@template("algebra", "mcq", "ترجمة جملة إلى معادلة", "عبارة بدلالة أخرى")
def two_sentences(scene: Scene) -> Draft:
    x, times = scene.number(7, 25), scene.number(2, 5)
    total = x * (times + 1)
    return numeric(
        scene, f"كتب {scene.name} {scene.day} عددين في {scene.place}، وقال لزميله {scene.second}: مجموعهما {total} وأكبرهما {times} أمثال أصغرهما. ما العدد الأكبر؟", x * times,
        (x, total // 2, total - times, total // times), f"ليكن الأصغر س، فالمجموع {times + 1}س = {total}، وس = {x}، والأكبر {times} × {x} = {x * times}.",
        declared=f"{total}/({times}+1)*{times}",
    )  # fmt: skip


@template("algebra", "mcq", "معادلتان بمجهولين")
def two_unknowns(scene: Scene) -> Draft:
    x, y = scene.number(12, 40), scene.number(3, 11)
    return numeric(
        scene,
        f"في {scene.place} يزيد ما عند {scene.name} من {scene.item} على ما عند {scene.second} بمقدار {x - y}، ومجموع ما عندهما {x + y}. كم عند {scene.first}؟",
        x,
        (y, x + y, x - y, x + 2),
        f"نجمع المعادلتين: ضعف ما عند {scene.first} يساوي {x + y} + {x - y} = {2 * x}، إذن عنده {x}.",
        declared=f"({x + y}+{x - y})/2",
    )


@template("algebra", "mcq", "المتباينة البسيطة", "متباينة مركبة")
def inequality(scene: Scene) -> Draft:
    price, fee, most = scene.number(7, 18), scene.number(12, 35), scene.number(6, 14)
    budget = price * most + fee + scene.rng.randrange(price)
    return numeric(
        scene,
        f"مع {scene.name} مبلغ {budget} من الريالات، ورسم الدخول إلى {scene.place} هو {fee}، وثمن القطعة الواحدة من {scene.item} هو {price}. ما أكبر عدد من القطع يستطيع شراءه بعد الدخول؟",
        most,
        (budget // price, most + 1, most - 1),
        f"المتباينة {price}س + {fee} ≤ {budget}، أي {price}س ≤ {budget - fee}، فأكبر عدد صحيح هو {most}.",
        declared=f"ب={budget}-{fee}؛ (ب-ب%{price})/{price}",
    )


@template("algebra", "mcq", "الفرق بين مربعين", "تحليل العبارة التربيعية")
def squares(scene: Scene) -> Draft:
    a, b = scene.number(15, 60), scene.number(3, 12)
    value = a * a - b * b
    return numeric(
        scene,
        f"{_board(scene)}: س + ص = {a + b} وس − ص = {a - b}. ما قيمة س² − ص²؟",
        value,
        (a * a + b * b, value + 2 * b * b, (a - b) ** 2, a * b),
        f"الفرق بين مربعين يساوي حاصل ضرب المجموع في الفرق: {a + b} × {a - b} = {value}.",
        declared=f"{a + b}*{a - b}",
    )


@template("algebra", "mcq", "عملية معرفة برمز جديد", difficulty="easy")
def new_sign(scene: Scene) -> Draft:
    k, a, b = scene.number(2, 5), scene.number(4, 12), scene.number(3, 9)
    value = k * a + a * b
    return numeric(
        scene,
        f"{_board(scene)}: س ★ ص = {k}س + س × ص. ما قيمة {a} ★ {b}؟",
        value,
        (k * b + a * b, k * a + b, k * (a + b), k * a * b),
        f"نعوض: {k} × {a} + {a} × {b} = {k * a} + {a * b} = {value}.",
        declared=f"{k}*{a}+{a}*{b}",
    )


@template("algebra", "mcq", "القيمة المطلقة")
def absolute(scene: Scene) -> Draft:
    center, distance = scene.number(9, 30), scene.number(2, 8)
    return numeric(
        scene,
        f"{_board(scene)}: |س − {center}| = {distance}. ما مجموع قيمتي س اللتين تحققان المساواة؟",
        2 * center,
        (center + distance, 2 * distance, center, 2 * center + distance),
        f"القيمتان هما {center + distance} و{center - distance}، ومجموعهما {2 * center}.",
        declared=f"{center}+{distance}+{center}-{distance}",
    )


@template("algebra", "mcq", "متتابعة هندسية")
def geometric(scene: Scene) -> Draft:
    start, ratio, n = scene.number(2, 6), scene.choose(3, 4), scene.choose(4, 5)
    value = start * ratio ** (n - 1)
    return numeric(
        scene,
        f"وزع {scene.name} في {scene.place} عددًا من {scene.item} قدره {start} في الأسبوع الأول، وكان كل أسبوع {ratio} أمثال ما قبله. كم وزع في الأسبوع رقم {n}؟",
        value,
        (start * ratio**n, start * ratio * n, start * ratio ** (n - 2), start + ratio * (n - 1)),
        f"الحد رقم {n} هو {start} × {ratio}^{n - 1} = {value}.",
        declared=f"{start}*{ratio}**({n}-1)",
    )


@template("algebra", "mcq", "التوزيع بالتساوي مع باق", difficulty="easy")
def remainder(scene: Scene) -> Draft:
    people, each, left = scene.number(6, 12), scene.number(5, 14), scene.number(2, 4)
    total = people * each + left
    return numeric(
        scene,
        f"وزع {scene.name} {scene.day} {total} من {scene.item} بالتساوي على زوار {scene.place} فنال كل زائر {each} وبقي {left}. كم عدد الزوار؟",
        people,
        (people + 1, total // (each + 1) + 2, people - 1, people + left),
        f"ما وُزع فعلًا {total} − {left} = {total - left}، ونصيب الزائر {each}، فعدد الزوار {total - left} ÷ {each} = {people}.",
        declared=f"({total}-{left})/{each}",
    )


@template(
    "algebra",
    "comparison",
    "مقارنة كسرين",
    "قيمة عبارة عند عدد",
    "معادلة من الدرجة الأولى",
    difficulty="easy",
)
def compare_values(scene: Scene) -> Draft:
    x, a, b = scene.number(3, 9), scene.number(2, 6), scene.number(2, 12)
    y = scene.choose(x, x + 1, max(1, x - 1))
    first, second = a * x + b, a * y + b
    return compared(
        (f"{a}س + {b}", first),
        (f"{a}ص + {b}", second),
        f"{_board(scene)}: س = {x} وص = {y}.",
        f"الأولى {a} × {x} + {b} = {first}، والثانية {a} × {y} + {b} = {second}.",
        declared=f"{a}*{x}+{b} | {a}*{y}+{b}",
    )


@template("algebra", "comparison", "مقارنة كسرين", "قيمة عبارة عند عدد", "معادلة من الدرجة الأولى")
def compare_solved(scene: Scene) -> Draft:
    x, a, b, m = scene.number(4, 12), scene.number(2, 6), scene.number(2, 12), scene.number(2, 4)
    total, other = a * x + b, m * x + scene.choose(-2, 0, 3)
    return compared(
        (f"{m}س", m * x), ("ص", other), f"{_board(scene)}: {a}س + {b} = {total} وص = {other}.",
        f"س = ({total} − {b}) ÷ {a} = {x}، و{m}س = {m * x}، ثم نوازن بينها وبين {other}.", declared=f"{m}*({total}-{b})/{a} | {other}",
    )  # fmt: skip


@template("algebra", "comparison", "الأسس والجذور", "الفرق بين مربعين", "القيمة المطلقة", difficulty="easy")
def compare_powers(scene: Scene) -> Draft:
    a, b = (
        scene.choose((2, 6), (4, 3), (2, 5), (3, 4), (9, 2), (5, 3), (8, 2)),
        scene.choose((3, 4), (8, 2), (5, 2), (2, 7)),
    )
    return compared(
        (f"{a[0]}^{a[1]}", a[0] ** a[1]),
        (f"{b[0]}^{b[1]}", b[0] ** b[1]),
        f"سأل {scene.name} زميله {scene.second} في {scene.place} {scene.day} عن قوتين من قوى الأعداد.",
        f"نحسب القوتين: {a[0] ** a[1]} و{b[0] ** b[1]}، ثم نوازن بينهما.",
        declared=f"{a[0]}**{a[1]} | {b[0]}**{b[1]}",
    )


@template("algebra", "comparison", "المتباينة البسيطة", "متباينة مركبة", difficulty="hard")
def compare_unknown(scene: Scene) -> Draft:
    low = scene.number(3, 12)
    return compared(
        (f"ما مع {scene.first} من {scene.item}", 0),
        (f"ما مع {scene.second} من {scene.item}", None),
        f"مع كل من {scene.name} و{scene.second} في {scene.place} أكثر من {low} من {scene.item}.",
        f"كل ما نعرفه أن العددين أكبر من {low}، ولا شيء يرتب أحدهما بالنسبة إلى الآخر.",
        declared=f"{low}+1 | {low}+2 || {low}+2 | {low}+1",
    )
