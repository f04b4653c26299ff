"""The frequency table: labels and numbers in two columns, read from the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from generation.figures.canvas import SHADE, WIDTH, Canvas
from generation.figures.charts.chart import (
    LABEL_SIZE,
    Amount,
    OneSeriesChart,
    draw_heading,
    head_height,
    need_room,
)
from generation.figures.geometry import Line, polygon, rectangle
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Quantity
from generation.figures.reasons import Reason
from generation.figures.text import Box
from generation.value import rational

_ROW_PX: Final = 28
_LEFT, _RIGHT, _BETWEEN = 60.0, WIDTH - 60.0, WIDTH / 2


class FrequencyTable(OneSeriesChart):
    """`by` and `of`: the heads of the columns. `total`: a last row, needed when a value is asked for."""

    title: ClassVar = "جدول تكراري"

    pattern: Literal["frequency-table"] = "frequency-table"
    total: Amount | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        need(self.by and self.of, Reason.WRONG_LABELS, "a table has two heads")
        found = super().quantities()
        stated = self.total is None or rational(self.total) == found["total"].value.rational
        need(stated, Reason.WRONG_TOTAL)
        return found

    def may_ask_values(self) -> bool:
        return True

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(self.by, self.of)]
        rows += [
            (label, self.value_text(place, value))
            for place, (label, value) in enumerate(zip(self.labels, self.values, strict=True))
        ]
        total = self.label("total")
        return rows if self.total is None or total is None else [*rows, ("المجموع", total)]

    def lay_out(self) -> Canvas:
        top, rows = head_height(self) + 8, self._rows()
        canvas = Canvas(top + _ROW_PX * len(rows) + 16)
        draw_heading(self, canvas)
        canvas.box(Box(_LEFT, top, _RIGHT, top + _ROW_PX), fill=SHADE)
        for row, (label, value) in enumerate(rows):
            y = top + _ROW_PX * (row + 0.5)
            bold = row == 0
            canvas.text(label, complex((_BETWEEN + _RIGHT) / 2, y), size=LABEL_SIZE + 1, bold=bold)
            canvas.text(value, complex((_LEFT + _BETWEEN) / 2, y), size=LABEL_SIZE + 1, bold=bold)
        _draw_rules(canvas, top, len(rows))
        need_room(canvas)
        return canvas

    def measure_texts(self) -> list[str]:
        return [f"{label}: {value}" for label, value in self._rows()]


def _draw_rules(canvas: Canvas, top: float, rows: int) -> None:
    height = _ROW_PX * rows
    canvas.outline(polygon(*rectangle(complex(_LEFT, top), _RIGHT - _LEFT, height)), thickness=1.5)
    canvas.outline([Line(complex(_BETWEEN, top), complex(_BETWEEN, top + height))], thickness=1.5)
    for row in range(1, rows):
        y = top + _ROW_PX * row
        canvas.outline([Line(complex(_LEFT, y), complex(_RIGHT, y))], thickness=1)


PATTERNS: Final[tuple[type[Pattern], ...]] = (FrequencyTable,)
