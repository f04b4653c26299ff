"""Charts: what cannot be is rejected by its name, and what is asked for is not shown."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from generation.figures.catalogue import asked, caption, check, draw, parse, shown, web_app
from generation.figures.reasons import Reason
from tests.support.figure_rules import texts_of
from tools.figures.samples import sample

DAYS = ["الأحد", "الاثنين", "الثلاثاء"]
BARS = {"pattern": "bar-chart", "heading": "عدد الزوار", "labels": DAYS, "values": [120, 90, 150]}
PIE = {"pattern": "pie-chart", "heading": "توزيع الدخل", "labels": DAYS, "values": [40, 35, 25]}
TABLE = {"pattern": "frequency-table", "heading": "درجات الطلاب", "labels": ["5", "6", "7"],
         "values": [3, 4, 5], "by": "الدرجة", "of": "عدد الطلاب"}  # fmt: skip
LINES = {"pattern": "multi-line-chart", "heading": "حرارة", "labels": DAYS,
         "series": {"جدة": [10, 20, 30], "أبها": [5, 10, 15]}}  # fmt: skip
HISTOGRAM = {"pattern": "histogram", "heading": "أعمار", "labels": [0, 10, 20, 30], "values": [5, 8, 2]}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({**PIE, "values": [40, 35, 30]}, Reason.WRONG_TOTAL),
        ({**PIE, "values": [60, 38, 2]}, Reason.UNREADABLE),
        ({**TABLE, "total": 13}, Reason.WRONG_TOTAL),
        ({**TABLE, "by": ""}, Reason.WRONG_LABELS),
        ({**BARS, "values": [120, 90]}, Reason.WRONG_LABELS),
        ({**BARS, "labels": ["الأحد", "الأحد", "الثلاثاء"]}, Reason.WRONG_LABELS),
        ({**BARS, "labels": ["أ" * 15, "ب", "ج"]}, Reason.WRONG_PARAMETERS),
        ({**BARS, "values": [0, 0, 0]}, Reason.SHOWS_NOTHING),
        ({**BARS, "values": [120, -5, 1]}, Reason.WRONG_PARAMETERS),
        ({**BARS, "ask": ["value_2"]}, Reason.SHOWS_THE_ANSWER),
        ({**BARS, "ask": ["price"]}, Reason.UNKNOWN_QUANTITY),
        ({**BARS, "heading": "<b>عدد</b>"}, Reason.WRONG_PARAMETERS),
        ({**HISTOGRAM, "labels": [0, 10, 25, 30]}, Reason.WRONG_LABELS),
        ({**HISTOGRAM, "labels": [0, 10, 20]}, Reason.WRONG_LABELS),
        ({**LINES, "series": {"جدة": [10, 20, 30], "أبها": [5, 11, 15]}}, Reason.UNREADABLE),
        ({**LINES, "series": {"جدة": [10, 20, 30]}}, Reason.WRONG_PARAMETERS),
    ],
)
def test_a_chart_that_cannot_be_is_rejected_by_its_name(written: dict[str, Any], reason: Reason) -> None:
    assert check(written) == (reason,)


@pytest.mark.parametrize("written", [BARS, PIE, TABLE, LINES, HISTOGRAM])
def test_the_same_chart_without_the_fault_is_drawn(written: dict[str, Any]) -> None:
    assert check(written) == ()


def test_an_asked_value_is_a_question_mark_everywhere() -> None:
    figure = parse({**TABLE, "values": [13, 24, 35], "total": 72, "ask": ["value_2"]})

    assert "؟" in texts_of(draw(figure))
    assert "24" not in draw(figure) + caption(figure) + str(shown(figure))
    assert shown(figure)["values"] == [13, None, 35]
    assert str(asked(figure)["value_2"].value) == "24"


def test_the_key_must_be_what_the_chart_adds_up_to() -> None:
    written = {**BARS, "ask": ["total"]}

    assert check(written, answer="360 زائر") == ()
    assert check(written, answer="350 زائر") == (Reason.WRONG_ANSWER,)
    assert check({**PIE, "whole": 6000, "of": "ريال", "ask": ["amount_1"]}, answer="2400") == ()


def test_the_web_app_reads_the_numbers_in_the_labels() -> None:
    bars, pie = web_app(parse(BARS)), web_app(parse(PIE))

    assert bars is not None
    assert bars["data"]["labels"] == ["الأحد (120)", "الاثنين (90)", "الثلاثاء (150)"]
    assert pie is not None
    assert pie["data"]["labels"] == ["الأحد 40%", "الاثنين 35%", "الثلاثاء 25%"]
    assert web_app(parse({**PIE, "ask": ["value_1"]})) is None


@pytest.mark.parametrize("pattern", ["histogram", "grouped-bar-chart", "area-chart", "multi-line-chart"])
def test_what_the_web_app_would_draw_wrongly_has_no_data_for_it(pattern: str) -> None:
    assert web_app(parse(sample(pattern, Random(1)))) is None
