"""Questions read from a chart or a table that comes with them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tools.simulator.content.draft import Draft, Number, numeric
from tools.simulator.content.registry import template
from tools.simulator.content.scene import Scene

MONTHS = ("محرم", "صفر", "ربيع الأول", "ربيع الآخر", "رجب", "شعبان", "رمضان", "شوال")


class _Chart:
    """A title, four to six labelled values, and the figure made of them."""

    def __init__(self, scene: Scene, kind: str, *, step: int = 5) -> None:
        self.kind = kind
        count = 4 + scene.level
        start = scene.rng.randrange(len(MONTHS) - count + 1)
        self.labels = list(MONTHS[start : start + count])
        self.values = [low * step for low in scene.rng.sample(range(3, 20), count)]
        self.title = f"مبيعات {scene.item} في {scene.place}"

    def draft(
        self,
        scene: Scene,
        question: str,
        answer: Number,
        *,
        likely: tuple[Number, ...],
        working: str,
    ) -> Draft:
        figure: dict[str, Any] = {
            "kind": self.kind,
            "title": self.title,
            "labels": self.labels,
            "values": self.values,
        }
        named = {
            "bar-chart": "أعمدة بيانية",
            "line-chart": "خط بياني",
            "pie-chart": "قطاعات دائرية",
            "table": "جدول",
        }
        stem = f"أعد {scene.name} في تقريره عن {scene.place} عرضًا {scene.for_item} على صورة {named[self.kind]}. {question}"
        return numeric(scene, stem, answer, likely, working).drawn(figure)


@template("statistics", "chart", "قراءة الأعمدة", "مقدار التغير في رسم")
def bar_difference(scene: Scene) -> Draft:
    chart = _Chart(scene, "bar-chart")
    top, low = max(chart.values), min(chart.values)
    return chart.draft(
        scene,
        "كم يزيد أعلى الشهور على أدناها؟",
        top - low,
        likely=(top, low, top + low, top - sorted(chart.values)[1]),
        working=f"أعلى قيمة {top} وأدناها {low}، والفرق {top - low}.",
    )


@template("statistics", "chart", "قراءة القطاعات", "نسبة جزء من المجموع في رسم")
def pie_share(scene: Scene) -> Draft:
    chart = _Chart(scene, "pie-chart")
    parts = scene.choose((10, 20, 30, 40), (15, 20, 25, 40), (10, 15, 25, 50), (5, 20, 35, 40))
    chart.labels, total = chart.labels[:4], scene.step(2, 9, 100)
    chart.values = scene.rng.sample(parts, 4)
    i = scene.rng.randrange(4)
    answer = total * chart.values[i] // 100
    return chart.draft(
        scene,
        f"القيم في الرسم نسب مئوية، والمجموع كله {total}. كم مبيعات شهر {chart.labels[i]}؟",
        answer,
        likely=(total - answer, chart.values[i], answer + total // 20, answer * 2),
        working=f"{total} × {chart.values[i]} ÷ 100 = {answer}.",
    )


@template("statistics", "chart", "قراءة الخط البياني")
def line_rise(scene: Scene) -> Draft:
    chart = _Chart(scene, "line-chart")
    rises = [after - before for before, after in zip(chart.values, chart.values[1:], strict=False)]
    answer = max(abs(rise) for rise in rises)
    others = tuple(sorted({abs(rise) for rise in rises} - {answer}, reverse=True))
    return chart.draft(
        scene,
        "ما أكبر مقدار تغيرت به المبيعات بين شهرين متتابعين؟",
        answer,
        likely=(*others, answer + 5),
        working=f"مقادير التغير المتتابعة أكبرها {answer}.",
    )


@template("statistics", "chart", "قراءة الجدول")
def table_sum(scene: Scene) -> Draft:
    chart = _Chart(scene, "table")
    first, last = chart.values[0], chart.values[-1]
    return chart.draft(
        scene,
        f"ما مجموع مبيعات شهري {chart.labels[0]} و{chart.labels[-1]}؟",
        first + last,
        likely=(abs(first - last), first + chart.values[1], last + chart.values[1], first + last + 10),
        working=f"{first} + {last} = {first + last}.",
    )


@template("statistics", "chart", "متوسط القيم في رسم")
def bar_mean(scene: Scene) -> Draft:
    chart = _Chart(scene, "bar-chart")
    total, count = sum(chart.values), len(chart.values)
    chart.values[-1] += (-total) % count
    total = sum(chart.values)
    return chart.draft(
        scene,
        "ما متوسط المبيعات في الشهر الواحد؟",
        Fraction(total, count),
        likely=(Fraction(max(chart.values)), Fraction(sorted(chart.values)[1]), Fraction(total, count) + 5),
        working=f"المجموع {total} وعدد الشهور {count}، والمتوسط {total} ÷ {count}.",
    )
