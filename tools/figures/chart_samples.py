"""Random valid parameters for each chart, as a writer could give them."""

from __future__ import annotations

from random import Random
from typing import Any, Final

Sample = dict[str, Any]

_DAYS: Final = ("الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت")
_CITIES: Final = ("الرياض", "جدة", "أبها", "الدمام", "حائل", "تبوك", "نجران", "الطائف")
_YEARS: Final = ("2019", "2020", "2021", "2022", "2023", "2024", "2025")
_MONTHS: Final = ("محرم", "صفر", "رجب", "شعبان", "رمضان", "شوال")
_PARTS: Final = ("السكن", "الطعام", "النقل", "الادخار", "التعليم", "الصحة")
_HEADINGS: Final = (
    "عدد زوار المكتبة",
    "مبيعات المتجر بالآلاف",
    "عدد الكتب المعارة من مكتبة المدرسة في أسبوع",
    "كمية الأمطار",
    "عدد المشاركين في الرحلات",
)
_NAMES: Final = ("بنون", "بنات", "المعلمون")
_OF: Final = ("زائر", "كتاب", "طالب", "")


def _labels(rng: Random, most: int) -> list[str]:
    words = rng.choice((_DAYS, _CITIES, _YEARS, _MONTHS))
    return list(words[: rng.randint(3, min(most, len(words)))])


def _values(rng: Random, count: int) -> list[int]:
    step, most = rng.choice(((1, 30), (5, 40), (10, 90), (50, 30)))
    return [step * rng.randint(1, most) for _ in range(count)]


def _plain(rng: Random, most: int = 7) -> Sample:
    labels = _labels(rng, most)
    values = _values(rng, len(labels))
    ask: list[str] = rng.choice(([], ["total"], ["mean"], ["range"], ["median"]))
    return {"heading": rng.choice(_HEADINGS), "labels": labels, "values": values, "ask": ask,
            "of": rng.choice(_OF)}  # fmt: skip


def _grouped(rng: Random) -> Sample:
    labels = _labels(rng, 4)
    series = {name: [rng.randint(1, 99) for _ in labels] for name in _NAMES[: rng.randint(2, 3)]}
    return {"heading": rng.choice(_HEADINGS), "labels": labels, "series": series}


def _several(rng: Random) -> Sample:
    labels, step = _labels(rng, 6), rng.choice((5, 10, 50))
    series = {name: [step * rng.randint(1, 5) for _ in labels] for name in _NAMES[: rng.randint(2, 3)]}
    series[_NAMES[0]][0] = 5 * step
    return {"heading": rng.choice(_HEADINGS), "labels": labels, "series": series}


def _histogram(rng: Random) -> Sample:
    count, width, first = rng.randint(3, 6), rng.choice((5, 10, 20)), rng.choice((0, 10, 40))
    edges = [first + width * index for index in range(count + 1)]
    return {"heading": "أعمار الزوار", "labels": edges, "values": _values(rng, count), "by": "العمر",
            "of": rng.choice(_OF)}  # fmt: skip


def _pie(rng: Random) -> Sample:
    count = rng.randint(3, 6)
    cuts = sorted(rng.sample(range(1, 10), count - 1))
    values = [10 * (after - before) for before, after in zip((0, *cuts), (*cuts, 10), strict=True)]
    whole = {"whole": rng.choice((200, 3600, 6000)), "of": "ريال", "ask": ["amount_1"]}
    return {"heading": "توزيع الدخل الشهري", "labels": list(_PARTS[:count]), "values": values,
            **rng.choice((whole, {"ask": ["value_2"]}, {"ask": ["angle_1"]}, {}))}  # fmt: skip


def _table(rng: Random) -> Sample:
    count = rng.randint(3, 7)
    values = [rng.randint(1, 30) for _ in range(count)]
    asked = {"total": sum(values), "ask": ["value_2"]}
    return {"heading": "درجات الطلاب في اختبار", "labels": [str(4 + index) for index in range(count)],
            "values": values, "by": "الدرجة", "of": "عدد الطلاب",
            **rng.choice((asked, {"ask": ["total"]}, {"ask": ["median"]}))}  # fmt: skip


CHART_SAMPLES: Final = {
    "bar-chart": _plain,
    "horizontal-bar-chart": _plain,
    "grouped-bar-chart": _grouped,
    "histogram": _histogram,
    "line-chart": _plain,
    "area-chart": _plain,
    "multi-line-chart": _several,
    "pie-chart": _pie,
    "frequency-table": _table,
}
