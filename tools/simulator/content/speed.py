"""Speed, time and distance."""

from __future__ import annotations

from fractions import Fraction

from tools.simulator.content.draft import Draft, compared, counted, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene


@template("speed-time-distance", "mcq", "المسافة من السرعة والزمن", "المسافة الباقية", difficulty="easy")
def distance(scene: Scene) -> Draft:
    speed, hours = scene.step(8, 12, 10), scene.number(3, 6)
    return numeric(
        scene,
        f"قاد {scene.name} شاحنة محملة ب{scene.item} من {scene.city} إلى {scene.other_city} بسرعة ثابتة قدرها {speed} كم في الساعة، فوصل بعد {counted(hours, 'ساعة')}. ما طول الطريق؟",
        speed * hours,
        (speed + hours, speed * (hours + 1), speed * (hours - 1), speed * hours // 2),
        f"المسافة = السرعة × الزمن = {speed} × {hours} = {speed * hours}.",
        unit="كم",
        declared=f"{speed}*{hours}",
    )


@template("speed-time-distance", "mcq", "المسافة من السرعة والزمن", "المسافة الباقية")
def distance_left(scene: Scene) -> Draft:
    speed, hours, rest = scene.step(8, 12, 10), scene.number(2, 4), scene.step(5, 12, 10)
    whole = speed * hours + rest
    return numeric(
        scene, f"الطريق من {scene.city} إلى {scene.other_city} طوله {whole} كم. سار فيه {scene.name} {counted(hours, 'ساعة')} بسرعة {speed} كم في الساعة ثم توقف في {scene.place}. كم بقي له؟", rest,
        (speed * hours, whole - speed, rest + speed), f"قطع {speed} × {hours} = {speed * hours}، وبقي {whole} − {speed * hours} = {rest}.",
        unit="كم", declared=f"{whole}-{speed}*{hours}",
    )  # fmt: skip


@template("speed-time-distance", "mcq", "متوسط السرعة")
def mean_speed(scene: Scene) -> Draft:
    a, b, t = (
        scene.step(6, 9, 10),
        scene.step(10, 12, 10),
        scene.choose((3, 5), (5, 3), (4, 6), (6, 4), (3, 7), (4, 4)),
    )
    total, hours = a * t[0] + b * t[1], sum(t)
    return numeric(
        scene,
        f"سار {scene.name} من {scene.city} بسرعة {a} كم في الساعة مدة {counted(t[0], 'ساعة')}، ثم بسرعة {b} كم في الساعة مدة {counted(t[1], 'ساعة')} حتى بلغ {scene.place}. ما متوسط سرعته في الرحلة كلها؟",
        Fraction(total, hours),
        (Fraction(a + b, 2), Fraction(total, hours + 1), Fraction(b), Fraction(a)),
        f"المسافة الكلية {total} كم، والزمن الكلي {hours}، والمتوسط {total} ÷ {hours}.",
        unit="كم/س",
        declared=f"({a}*{t[0]}+{b}*{t[1]})/({t[0]}+{t[1]})",
    )


@template("speed-time-distance", "mcq", "التقابل")
def meeting(scene: Scene) -> Draft:
    a, b, hours = scene.step(6, 9, 10), scene.step(7, 11, 10), scene.number(3, 6)
    gap = (a + b) * hours
    return numeric(
        scene,
        f"انطلق {scene.name} من {scene.city} بسرعة {a} كم في الساعة، وانطلق {scene.second} في اللحظة نفسها من {scene.other_city} نحوه بسرعة {b} كم في الساعة، والمسافة بينهما {gap} كم. بعد كم ساعة يلتقيان؟",
        hours,
        (hours + 1, hours * 2, hours + 3, hours + 4),
        f"سرعة التقارب {a} + {b} = {a + b}، والزمن {gap} ÷ {a + b} = {hours}.",
        unit="ساعة",
        declared=f"{gap}/({a}+{b})",
    )


@template("speed-time-distance", "mcq", "فرق زمن الوصول", "مواعيد الرحلات", difficulty="hard")
def difference(scene: Scene) -> Draft:
    slow, fast, length = scene.choose(
        (40, 60, 240), (50, 75, 300), (60, 80, 480), (60, 90, 360), (45, 90, 270), (80, 100, 400)
    )
    minutes = (Fraction(length, slow) - Fraction(length, fast)) * 60
    return numeric(
        scene,
        f"الطريق بين {scene.city} و{scene.place} طوله {length} كم. قطعه {scene.name} بسرعة {fast} كم في الساعة، وقطعه {scene.second} بسرعة {slow} كم في الساعة. كم دقيقة سبق {scene.first} صاحبه؟",
        minutes,
        (minutes + 30, minutes * 2, minutes - 30, Fraction(fast - slow)),
        f"زمن الأول {length} ÷ {fast}، وزمن الثاني {length} ÷ {slow}، والفرق بالدقائق {int(minutes)}.",
        unit="دقيقة",
        declared=f"({length}/{slow}-{length}/{fast})*60",
    )


@template("speed-time-distance", "mcq", "تحويل وحدات السرعة", "سرعة المشي", difficulty="easy")
def conversion(scene: Scene) -> Draft:
    metres = scene.step(1, 8, 5)
    return numeric(
        scene,
        f"تحركت رافعة {scene.item} التي يشغلها {scene.name} في {scene.place} بسرعة {counted(metres, 'متر')} في الثانية. كم تبلغ سرعتها بالكيلومتر في الساعة؟",
        metres * 18 // 5,
        (metres * 5, metres * 36, metres * 6, metres * 3),
        f"نضرب في 3.6: {metres} × 3.6 = {metres * 18 // 5}.",
        unit="كم/س",
        declared=f"{metres}*3600/1000",
    )


@template("speed-time-distance", "mcq", "تحويل وحدات السرعة", "سرعة المشي")
def metres_in_seconds(scene: Scene) -> Draft:
    part, seconds = scene.number(1, 6), scene.step(2, 8, 5)
    return numeric(
        scene, f"تسير مركبة {scene.name} قرب {scene.place} بسرعة {18 * part} كم في الساعة. كم مترًا تقطع في {seconds} ثانية؟", 5 * part * seconds,
        (18 * part * seconds, 5 * part, 3 * part * seconds), f"السرعة {18 * part} × 1000 ÷ 3600 = {5 * part} م في الثانية، والمسافة {5 * part} × {seconds} = {5 * part * seconds}.",
        declared=f"{18 * part}*1000/3600*{seconds}",
    )  # fmt: skip


@template("speed-time-distance", "mcq", "الزمن مع التوقف")
def with_rest(scene: Scene) -> Draft:
    speed, hours, rest = scene.step(6, 11, 10), scene.number(3, 6), scene.step(2, 9, 5)
    minutes = hours * 60 + rest
    return numeric(
        scene,
        f"سافر {scene.name} {scene.day} إلى {scene.other_city} مسافة {speed * hours} كم بسرعة {speed} كم في الساعة، وتوقف في {scene.place} {counted(rest, 'دقيقة')}. كم دقيقة استغرقت رحلته كلها؟",
        minutes,
        (hours * 60, minutes + rest, hours * 60 - rest, minutes + 60),
        f"زمن السير {speed * hours} ÷ {speed} = {hours} من الساعات أي {hours * 60} دقيقة، ومع التوقف {minutes}.",
        unit="دقيقة",
        declared=f"{speed * hours}/{speed}*60+{rest}",
    )


@template("speed-time-distance", "mcq", "سرعة الإنجاز", difficulty="easy")
def output(scene: Scene) -> Draft:
    per, hours = scene.number(12, 35), scene.number(4, 9)
    return numeric(
        scene,
        f"يغلف {scene.name} في {scene.place} {per * 2} من {scene.item} كل ساعتين. كم يغلف في {counted(hours, 'ساعة')} من {scene.day} إذا حافظ على سرعته؟",
        per * hours,
        (per * 2 * hours, per * (hours + 1), per * hours + hours, per * (hours - 1)),
        f"معدله {per} في الساعة، وفي {hours} من الساعات {per} × {hours} = {per * hours}.",
        declared=f"{per * 2}/2*{hours}",
    )


@template("speed-time-distance", "mcq", "سرعة الإنجاز")
def output_together(scene: Scene) -> Draft:
    one, other, hours = scene.number(12, 20), scene.number(21, 35), scene.number(3, 8)
    total = (one + other) * hours
    return numeric(
        scene, f"يغلف {scene.name} في {scene.place} {one} من {scene.item} في الساعة، ويغلف {scene.second} {other}. في كم ساعة يغلفان معًا {total}؟", hours,
        (total // one, total // other, hours + 2), f"يغلفان في الساعة {one} + {other} = {one + other}، والزمن {total} ÷ {one + other} = {hours}.",
        declared=f"{total}/({one}+{other})",
    )  # fmt: skip


@template("speed-time-distance", "mcq", "اللحاق")
def chase(scene: Scene) -> Draft:
    slow, gain, head = scene.step(5, 8, 10), scene.choose(10, 20, 30), scene.number(3, 5)
    gap = gain * head
    return numeric(
        scene,
        f"يسبق {scene.second} صديقه {scene.name} بمسافة {gap} كم على طريق {scene.city}، وسرعة {scene.second} {slow} كم في الساعة، وسرعة {scene.first} {slow + gain} كم في الساعة. بعد كم ساعة يلحق به عند {scene.place}؟",
        head,
        (head + 1, head * 2, head + 2, head + 3),
        f"فرق السرعتين {gain}، وزمن اللحاق {gap} ÷ {gain} = {head}.",
        unit="ساعة",
        declared=f"{gap}/({slow + gain}-{slow})",
    )


@template("speed-time-distance", "mcq", "مع التيار وضده")
def current(scene: Scene) -> Draft:
    boat, stream, hours = scene.number(14, 24), scene.number(3, 6), scene.number(3, 5)
    return numeric(
        scene,
        f"قارب {scene.name} سرعته في الماء الساكن {boat} كم في الساعة، وسرعة التيار قرب {scene.place} {stream} كم في الساعة. كم يقطع عكس التيار وهو ينقل {scene.item} في {counted(hours, 'ساعة')}؟",
        (boat - stream) * hours,
        ((boat + stream) * hours, boat * hours, (boat - stream) * (hours + 1)),
        f"سرعته عكس التيار {boat} − {stream} = {boat - stream}، والمسافة {(boat - stream) * hours}.",
        unit="كم",
        declared=f"({boat}-{stream})*{hours}",
    )


@template("speed-time-distance", "mcq", "طول القطار وعبور الجسر")
def train(scene: Scene) -> Draft:
    speed, seconds, length = scene.step(4, 8, 5), scene.number(12, 30), scene.step(5, 15, 10)
    bridge = speed * seconds - length
    return numeric(
        scene,
        f"قطار يقوده {scene.name} طوله {length} م وسرعته {speed} مترًا في الثانية، عبر جسرًا قرب {scene.place} عبورًا كاملًا في {seconds} ثانية {scene.day}. ما طول الجسر؟",
        bridge,
        (speed * seconds, bridge + 2 * length, bridge - speed, bridge + speed),
        f"ما يقطعه القطار {speed} × {seconds} = {speed * seconds}، وهو طول الجسر مع طول القطار، فالجسر {bridge}.",
        unit="م",
        declared=f"{speed}*{seconds}-{length}",
    )


@template("speed-time-distance", "mcq", "السرعة ذهابًا وإيابًا", "الحركة على مضمار دائري")
def laps(scene: Scene) -> Draft:
    lap, rounds, minutes = scene.step(4, 9, 100), scene.rng.randint(3, 9), scene.choose(10, 12, 15, 20)
    return numeric(
        scene,
        f"ركض {scene.name} {rounds} دورات كاملة حول مضمار {scene.place} الذي محيطه {lap} م، فأتمها في {counted(minutes, 'دقيقة')} من {scene.day}. كم مترًا قطع في الدقيقة الواحدة في المتوسط؟",
        Fraction(lap * rounds, minutes),
        (Fraction(lap, minutes), Fraction(lap * (rounds + 1), minutes), Fraction(lap * rounds, minutes * 2)),
        f"المسافة {lap} × {rounds} = {lap * rounds} م، ونقسمها على {minutes}.",
        unit="م",
        declared=f"{lap}*{rounds}/{minutes}",
    )


@template(
    "speed-time-distance",
    "comparison",
    "المسافة من السرعة والزمن",
    "متوسط السرعة",
    "التقابل",
    difficulty="easy",
)
def compare_distance(scene: Scene) -> Draft:
    a, t, b, u = scene.step(6, 9, 10), scene.number(3, 6), scene.step(6, 9, 10), scene.number(3, 6)
    return compared(
        (f"ما قطعه {scene.first}", a * t),
        (f"ما قطعه {scene.second}", b * u),
        f"خرج {scene.name} من {scene.place} بسرعة {a} كم في الساعة مدة {counted(t, 'ساعة')}، وخرج {scene.second} منه بسرعة {b} كم في الساعة مدة {counted(u, 'ساعة')}.",
        f"قطع الأول {a} × {t} = {a * t}، وقطع الثاني {b} × {u} = {b * u}.",
        declared=f"{a}*{t} | {b}*{u}",
    )


@template("speed-time-distance", "comparison", "المسافة من السرعة والزمن", "متوسط السرعة")
def compare_two_parts(scene: Scene) -> Draft:
    a, gain, t = scene.step(6, 9, 10), scene.choose(10, 20), scene.number(2, 4)
    steady = a + gain // 2 + scene.choose(0, 5, -5)
    return compared(
        (f"ما قطعه {scene.first}", a * t + (a + gain) * t), (f"ما قطعه {scene.second}", steady * 2 * t),
        f"سار {scene.name} من {scene.place} {counted(t, 'ساعة')} بسرعة {a} كم في الساعة، ثم مثلها بسرعة {a + gain} كم في الساعة، وسار {scene.second} {counted(2 * t, 'ساعة')} بسرعة {steady} كم في الساعة.",
        f"قطع الأول {a * t} + {(a + gain) * t} = {a * t + (a + gain) * t}، وقطع الثاني {steady} × {2 * t} = {steady * 2 * t}.",
        declared=f"{a}*{t}+{a + gain}*{t} | {steady}*2*{t}",
    )  # fmt: skip


@template("speed-time-distance", "comparison", "تحويل وحدات السرعة", "سرعة المشي", "سرعة الإنجاز")
def compare_units(scene: Scene) -> Draft:
    metres = scene.step(1, 7, 5)
    other = metres * 18 // 5 + scene.choose(-9, 0, 9)
    return compared(
        (f"سرعة عربة {scene.first}", Fraction(metres * 18, 5)),
        (f"سرعة عربة {scene.second}", Fraction(other)),
        f"تسير عربة {scene.name} المحملة ب{scene.item} بسرعة {counted(metres, 'متر')} في الثانية، وتسير عربة {scene.second} في {scene.place} بسرعة {other} كم في الساعة.",
        f"{counted(metres, 'متر')} في الثانية هي {metres * 18 // 5} كم في الساعة، ونوازنها بالسرعة {other}.",
        declared=f"{metres}*3600/1000 | {other}",
    )


@template(
    "speed-time-distance",
    "comparison",
    "الزمن مع التوقف",
    "فرق زمن الوصول",
    "مواعيد الرحلات",
    difficulty="hard",
)
def compare_open(scene: Scene) -> Draft:
    a, b = scene.step(6, 9, 10), scene.step(10, 12, 10)
    return compared(
        (f"زمن رحلة {scene.first}", 0),
        (f"زمن رحلة {scene.second}", None),
        f"سافر {scene.name} من {scene.city} إلى {scene.place} بسرعة {a} كم في الساعة، وسافر {scene.second} من {scene.other_city} إلى المكان نفسه بسرعة {b} كم في الساعة.",
        "الزمن يحتاج إلى طول الطريق، ولم يُذكر طول أي من الطريقين.",
        declared=f"100/{a} | 100/{b} || 100/{a} | 200/{b}",
    )
