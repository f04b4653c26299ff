"""What every question with a figure has: an opening that names its scene, a figure pattern, what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from tools.simulator.content.draft import Draft, Number, numeric
from tools.simulator.content.scene import Scene

UNITS = ("سم", "م", "كم", "مم")
LETTERS = "أبجدهوزحطكلمنسعفصقر"
TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (20, 21, 29))
SEVENTHS = "(π = 22/7)"  #: so that areas of circles are whole numbers
IN_PI = "π"
DEGREES = "درجة"


def look(scene: Scene) -> str:
    """An opening sentence that no other slot of an exam has."""
    return scene.by_slot(
        (
            f"تأمل الشكل المرفق الذي رسمه {scene.name} في {scene.place}.",
            f"عُرض هذا الشكل في مسابقة {scene.city} للرياضيات وفاز به {scene.name}.",
            f"وصل إلى {scene.second} من {scene.place} رسم يسأل عنه أصدقاؤه.",
            f"انظر إلى الرسم الذي أعده {scene.name} {scene.day} في {scene.city}.",
            f"بين {scene.item} المعروضة في {scene.place} رسم هندسي لافت.",
            f"طبع {scene.name} هذا الرسم على غطاء صندوق لحفظ {scene.item}.",
            f"طلبت بلدية {scene.other_city} مراجعة هذا الرسم قبل تنفيذه في {scene.place}.",
            f"نشرت صحيفة {scene.city} الرسم التالي في زاوية يحررها {scene.name}.",
            f"في ورشة عن {scene.other_item} استعمل {scene.name} هذا الشكل مثالًا.",
            f"ناقش {scene.second} وزملاؤه {scene.day} الشكل المرسوم أمامهم.",
            f"من أوراق رحلة {scene.name} إلى {scene.other_city} أُخذ هذا الشكل.",
            f"نُقش هذا الشكل على لوح خشب بجوار {scene.place} قرب {scene.city}.",
            f"أرسل {scene.second} صورة هذا المخطط من {scene.other_city} إلى {scene.name}.",
        )
    )


def unit_of(scene: Scene) -> dict[str, str]:
    return {"unit": scene.choose(*UNITS)}


def points(scene: Scene, count: int) -> dict[str, str]:
    """Letters for the points of a figure, or none."""
    return scene.choose(
        {}, {"points": LETTERS[:count]}, {"points": "".join(scene.rng.sample(LETTERS, count))}
    )


def legs(scene: Scene) -> tuple[int, int, int]:
    """The sides of a right triangle, the hypotenuse last."""
    (a, b, c), times = scene.choose(*TRIPLES), scene.number(1, 3)
    a, b = scene.choose((a, b), (b, a))
    return a * times, b * times, c * times


def impossible(figure: dict[str, Any], rng: Random) -> dict[str, Any]:
    """The figure as a careless model writes it: one that does not exist, lacks what it needs, or contradicts its key."""
    flaws: list[dict[str, Any]] = [
        {**figure, "pattern": "heptagon"},
        {**figure, "ask": ["weight"]},
        {**figure, "points": "أأ"},
        {"pattern": figure["pattern"], "ask": figure.get("ask", [])},
    ]
    if figure.get("ask"):
        flaws.append(_enlarged(figure))
    return rng.choice(flaws)


def _enlarged(part: Any) -> Any:
    """Every number thrice as large, so that the key is not what the figure gives."""
    if isinstance(part, dict):
        return {name: _enlarged(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_enlarged(value) for value in part]
    return 3 * part if isinstance(part, int | float) and not isinstance(part, bool) else part


def asking(  # noqa: PLR0917 - a question from its figure to its solution, in the order that templates are read
    scene: Scene,
    figure: dict[str, Any],
    question: str,
    answer: Number,
    likely: Iterable[Number],
    working: str,
    *,
    unit: str = "",
    declared: str | None = None,
) -> Draft:
    """A question whose numbers stand in its figure only; `unit` follows each choice, `declared` arrives at the key."""
    stem = f"{look(scene)} {question}"
    return numeric(scene, stem, answer, likely, working, unit=unit, declared=declared).drawn(figure)
