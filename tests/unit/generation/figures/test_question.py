"""A question's text and key agree with its figure, or a fault is named."""

from __future__ import annotations

import pytest

from generation.figures.catalogue import check
from generation.figures.reasons import Reason

TRIANGLE = {
    "pattern": "right-triangle",
    "base": 12,
    "height": 9,
    "unit": "م",
    "points": "بجأ",
    "ask": ["hypotenuse"],
}
CIRCLE = {"pattern": "circle", "radius": 7, "unit": "سم", "ask": ["area"]}
ANGLES = {"pattern": "triangle", "points": "بجأ", "angle_1": 50, "angle_2": 60, "ask": ["angle_3"]}


@pytest.mark.parametrize(
    ("figure", "stem"),
    [
        (TRIANGLE, "مثلث قائم وتره 16 م."),
        (TRIANGLE, "مثلث قاعدته ١٣ مترًا."),
        (TRIANGLE, "في الشكل أ ب = 10 م."),
        (TRIANGLE, "إذا كان ج ب يساوي 11"),
        (CIRCLE, "دائرة قطرها 10 سم"),
        (CIRCLE, "دائرة نصف القطر = 8"),
        (CIRCLE, "نصف قطر الدائرة 8 سم"),
        (ANGLES, "إذا كان قياس الزاوية ب يساوي 55°"),
        ({"pattern": "circle-in-square", "side": 14, "ask": ["shaded_area"]}, "بلاطة طول ضلع المربع 20 سم"),
        (
            {"pattern": "path-around-rectangle", "width": 20, "height": 10, "path": 2},
            "حديقة حولها ممر، عرض الممر 3",
        ),
    ],
)
def test_a_stem_that_states_another_number_contradicts_the_figure(
    figure: dict[str, object], stem: str
) -> None:
    assert check(figure, stem=stem) == (Reason.CONTRADICTS_STEM,)


@pytest.mark.parametrize(
    ("figure", "stem"),
    [
        (TRIANGLE, "في الشكل مثلث قائم الزاوية في ب. ما طول وتره بالأمتار؟"),
        (TRIANGLE, "قاعدة المثلث 12 م، وأ ب = 9 م"),
        (TRIANGLE, "المثلث أ ب ج 3 أضلاع"),
        (TRIANGLE, "مثلث قاعدته 1200 سم"),
        (CIRCLE, "دائرة قطرها 14 سم (π = 22/7)"),
        (CIRCLE, "إذا زاد نصف قطرها 50% فكم تصير المساحة؟"),
        (CIRCLE, "رُسمت داخل مربع دائرة، وقطر المربع 20 سم"),
        (CIRCLE, "سياج طوله 100 م حول نافورة دائرية"),
        (CIRCLE, "نصف القطر 7 سم ثم صار نصف القطر 14 سم"),
        (ANGLES, "قياس الزاوية ب يساوي 50 درجة، والزاوية أ ب د قائمة"),
        ({"pattern": "rectangle", "width": 12, "height": 8}, "سور حديقة طوله 40 م وعرضه 8"),
    ],
)
def test_a_stem_that_agrees_or_speaks_of_something_else_is_no_fault(
    figure: dict[str, object], stem: str
) -> None:
    assert check(figure, stem=stem) == ()


@pytest.mark.parametrize(
    ("figure", "answer", "reasons"),
    [
        (TRIANGLE, "15 م", ()),
        (TRIANGLE, "١٥", ()),
        (TRIANGLE, "21", (Reason.WRONG_ANSWER,)),
        (CIRCLE, "49π سم²", ()),
        (CIRCLE, "154 سم²", ()),
        (CIRCLE, "153.86", ()),
        ({"pattern": "square", "side": 15, "ask": ["area"]}, "226", (Reason.WRONG_ANSWER,)),
        ({"pattern": "square", "side": 6, "ask": ["diagonal"]}, "8.49", ()),
        ({"pattern": "square", "side": 6, "ask": ["diagonal"]}, "8.6", (Reason.WRONG_ANSWER,)),
        (CIRCLE, "49ط", ()),
        ({"pattern": "circle", "diameter": 7, "ask": ["area"]}, "49/4 π", ()),
        ({"pattern": "circle", "diameter": 2, "ask": ["area"]}, "π", ()),
        (
            {
                "pattern": "coordinate-plane",
                "at": {"أ": [0, 0], "ب": [3, 5]},
                "paths": ["أب"],
                "ask": ["distance"],
            },
            "√34",
            (),
        ),
        (
            {
                "pattern": "coordinate-plane",
                "at": {"أ": [0, 6], "ب": [2, 0]},
                "paths": ["أب"],
                "ask": ["slope"],
            },
            "−3",
            (),
        ),
        (
            {
                "pattern": "coordinate-plane",
                "at": {"أ": [0, 6], "ب": [2, 0]},
                "paths": ["أب"],
                "ask": ["slope"],
            },
            "3",
            (Reason.WRONG_ANSWER,),
        ),
        ({"pattern": "circle-in-square", "side": 14, "ask": ["shaded_area"]}, "196 − 49π", ()),
        (CIRCLE, "14π", (Reason.WRONG_ANSWER,)),
        (CIRCLE, "لا يمكن تحديده", ()),
        (ANGLES, "70°", ()),
        ({"pattern": "equilateral-triangle", "side": 8, "ask": ["area"]}, "16√3", ()),
        ({"pattern": "circle", "radius": 7}, "7", (Reason.SHOWS_THE_ANSWER,)),
        ({"pattern": "circle", "radius": 7}, "49π", ()),
    ],
)
def test_the_key_is_the_value_of_what_the_figure_asks_for(
    figure: dict[str, object], answer: str, reasons: tuple[Reason, ...]
) -> None:
    assert check(figure, answer=answer) == reasons
