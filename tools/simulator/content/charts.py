"""Questions read from a chart or a table that comes with them."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from tools.simulator.content.draft import Draft
from tools.simulator.content.figures import asking
from tools.simulator.content.registry import figure
from tools.simulator.content.scene import Scene
from tools.simulator.content.statistics import added_up

MONTHS = ("محرم", "صفر", "رجب", "شعبان", "رمضان", "شوال")
DAYS = ("الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس")
PARTS = ("السكن", "الطعام", "النقل", "التعليم", "الصحة")


def _chart(scene: Scene, pattern: str, **changes: Any) -> dict[str, Any]:
    """Four or five labels with a value each, no two of them equal."""
    labels = list(scene.choose(MONTHS, DAYS)[: 4 + scene.level % 2])
    values = [5 * low for low in scene.rng.sample(range(3, 20), len(labels))]
    chart = {
        "pattern": pattern,
        "heading": f"مبيعات {scene.item} بالمئات",
        "labels": labels,
        "values": values,
    }
    return chart | changes


def _difference(scene: Scene, pattern: str) -> Draft:
    chart = _chart(scene, pattern)
    top, low = max(chart["values"]), min(chart["values"])
    return asking(
        scene, chart | {"ask": ["range"]}, "كم تزيد أعلى القيم في الرسم على أدناها؟", top - low, (top, low, top + low),
        f"أعلى قيمة {top} وأدناها {low}، والفرق {top - low}.", declared=f"{top}-{low}",
    )  # fmt: skip


def _mean(scene: Scene, pattern: str) -> Draft:
    chart = _chart(scene, pattern)
    count = len(chart["values"])
    chart["values"][-1] += -sum(chart["values"]) % count
    total = sum(chart["values"])
    return asking(
        scene, chart | {"ask": ["mean"]}, "ما متوسط القيم المبينة في الرسم؟", total // count,
        (max(chart["values"]), sorted(chart["values"])[1], total), f"المجموع {total} والعدد {count}، فالمتوسط {total // count}.",
        declared=f"({added_up(chart['values'])})/{count}",
    )  # fmt: skip


def _sum(scene: Scene, pattern: str) -> Draft:
    chart = _chart(scene, pattern)
    total = sum(chart["values"])
    return asking(
        scene, chart | {"ask": ["total"]}, "ما مجموع القيم المبينة في الرسم؟", total,
        (total - chart["values"][0], total + 10, total // 2), f"مجموع القيم كلها {total}.", declared=added_up(chart["values"]),
    )  # fmt: skip


def _above_mean(scene: Scene, pattern: str) -> Draft:
    chart = _chart(scene, pattern)
    values, count = chart["values"], len(chart["values"])
    values[values.index(max(values))] += -sum(values) % count
    top, mean = max(values), sum(values) // count
    return asking(
        scene, chart, "كم تزيد أعلى القيم في الرسم على متوسطها؟", top - mean, (mean, top - min(values), top - sorted(values)[1], top),
        f"المجموع {sum(values)} والمتوسط {mean}، وأعلى قيمة {top}، والفرق {top - mean}.",
        declared=f"{top}-({added_up(values)})/{count}",
    )  # fmt: skip


for _pattern in ("bar-chart", "horizontal-bar-chart", "line-chart", "area-chart"):
    figure("chart", _pattern, difficulty="easy")(partial(_difference, pattern=_pattern))
    figure("chart", _pattern, difficulty="easy")(partial(_sum, pattern=_pattern))
    figure("chart", _pattern, difficulty="medium")(partial(_mean, pattern=_pattern))
    figure("chart", _pattern, difficulty="hard")(partial(_above_mean, pattern=_pattern))


def _compared(scene: Scene, pattern: str) -> Draft:
    labels = list(scene.choose(MONTHS, DAYS)[:3])
    first, second = ([5 * low for low in scene.rng.sample(range(2, 11), 3)] for _ in range(2))
    first[0] = (
        60  # the grid then has a line at each ten, and every value stands on one or halfway between two
    )
    gap = first[0] - second[0]
    chart = {"pattern": pattern, "heading": f"زوار {scene.place}", "labels": labels,
             "series": {"رجال": first, "نساء": second}}  # fmt: skip
    return asking(
        scene, chart, f"كم يزيد الرجال على النساء عند {labels[0]}؟", gap, (first[0], second[0] + 2, first[0] + second[0]),
        f"الرجال {first[0]} والنساء {second[0]}، والفرق {gap}.", declared=f"{first[0]}-{second[0]}",
    )  # fmt: skip


@figure("chart", "grouped-bar-chart", difficulty="easy")
def grouped_bars(scene: Scene) -> Draft:
    return _compared(scene, "grouped-bar-chart")


@figure("chart", "multi-line-chart", difficulty="easy")
def several_lines(scene: Scene) -> Draft:
    return _compared(scene, "multi-line-chart")


@figure("chart", "histogram", difficulty="easy")
def histogram(scene: Scene) -> Draft:
    width, first = scene.choose(5, 10), scene.choose(0, 10, 20)
    values = [5 * low for low in scene.rng.sample(range(2, 12), 4)]
    total = sum(values)
    edges = [first + width * place for place in range(5)]
    chart = {"pattern": "histogram", "heading": f"أعمار زوار {scene.place}", "labels": edges, "values": values,
             "by": "العمر", "ask": ["total"]}  # fmt: skip
    return asking(
        scene, chart, "ما عدد الزوار كلهم في المدرج؟", total, (total - values[0], total + 10, max(values)),
        f"مجموع تكرارات الفئات {total}.", declared=added_up(values),
    )  # fmt: skip


@figure("chart", "pie-chart", difficulty="easy")
def pie(scene: Scene) -> Draft:
    values = list(scene.choose((10, 20, 30, 40), (15, 20, 25, 40), (10, 15, 25, 50), (5, 20, 35, 40)))
    scene.rng.shuffle(values)
    labels, total = list(PARTS[:4]), scene.step(2, 9, 1000)
    answer = total * values[0] // 100
    chart = {
        "pattern": "pie-chart",
        "heading": f"توزيع دخل أسرة {scene.surname}",
        "labels": labels,
        "values": values,
    }
    return asking(
        scene, chart, f"إذا كان الدخل في الشهر {total} ريال، فكم ريالًا يُنفق على {labels[0]}؟", answer,
        (total - answer, values[0], answer * 2), f"{total} × {values[0]} ÷ 100 = {answer} ريال.", declared=f"{total}*{values[0]}/100",
    )  # fmt: skip


@figure("chart", "frequency-table", difficulty="easy")
def table(scene: Scene) -> Draft:
    marks = [str(5 + place) for place in range(4)]
    values = scene.rng.sample(range(2, 15), 4)
    total = sum(values)
    chart = {"pattern": "frequency-table", "heading": f"درجات طلاب {scene.city}", "labels": marks, "values": values,
             "by": "الدرجة", "of": "عدد الطلاب", "total": total, "ask": ["value_2"]}  # fmt: skip
    return asking(
        scene, chart, "ما العدد المجهول في الجدول؟", values[1], (total - values[1], total, Fraction(values[1] + 1)),
        f"المجموع {total} وبقية الأعداد {total - values[1]}، فالمجهول {values[1]}.",
        declared=f"{total}-({added_up(values[:1] + values[2:])})",
    )  # fmt: skip
