"""The pie chart: percentages of a whole, each with its label beside its slice."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar, Final, Literal

from generation.figures.canvas import WIDTH, Canvas
from generation.figures.charts.chart import (
    LABEL_SIZE,
    Amount,
    OneSeriesChart,
    draw_heading,
    head_height,
    need_room,
)
from generation.figures.geometry import Arc, Line, Piece, turned
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Quantity, angle, number
from generation.figures.reasons import Reason
from generation.value import exact, number_text, rational

_RADIUS: Final = 84.0
_LABEL_PX: Final = 11  #: from the rim to the label
_SMALLEST_PERCENT: Final = 4  #: a smaller slice has no room for its number
_FROM_TOP: Final = -90.0
_LIGHT: Final = ("#bfdbfe", "#fed7aa", "#bbf7d0", "#e9d5ff", "#fecaca", "#a5f3fc", "#fef08a", "#cbd5e1")


class PieChart(OneSeriesChart):
    """`values`: percentages, 100 in all. `whole`: what the whole circle stands for, if the stem needs it."""

    title: ClassVar = "مخطط دائري"

    pattern: Literal["pie-chart"] = "pie-chart"
    whole: Amount | None = None

    def quantities(self) -> Mapping[str, Quantity]:
        percents = [rational(value) for value in self.values]
        need(sum(percents) == 100, Reason.WRONG_TOTAL, "the percentages are not 100 in all")
        need(min(percents) >= _SMALLEST_PERCENT, Reason.UNREADABLE, "a slice is too thin")
        found = {**super().quantities()}
        for place, percent in enumerate(percents, start=1):
            found[f"angle_{place}"] = angle(exact(percent * Fraction(18, 5)))
            if self.whole is not None:
                found[f"amount_{place}"] = number(exact(percent * rational(self.whole) / 100))
        return found

    def may_ask_values(self) -> bool:
        return len(self.asked_places()) == 1

    def lay_out(self) -> Canvas:
        top = head_height(self) + 26
        canvas = Canvas(top + 2 * _RADIUS + (62 if self._note() else 38))
        draw_heading(self, canvas)
        center = complex(WIDTH / 2, top + _RADIUS)
        begin = _FROM_TOP
        for place, value in enumerate(self.values):
            stop = begin + float(value) * 3.6
            _draw_slice(canvas, center, begin, stop, _LIGHT[place])
            self._draw_texts(canvas, center, (begin + stop) / 2, place)
            begin = stop
        if self._note():
            canvas.text(self._note(), complex(WIDTH / 2, canvas.height - 20), size=LABEL_SIZE)
        need_room(canvas)
        return canvas

    def _draw_texts(self, canvas: Canvas, center: complex, middle: float, place: int) -> None:
        outward = turned(middle)
        percent = self.value_text(place, self.values[place])
        percent = percent if place in self.asked_places() else f"{percent}%"
        canvas.text(percent, center + outward * _RADIUS * 0.68, size=LABEL_SIZE)
        align: Any = "left" if outward.real > 0.25 else "right" if outward.real < -0.25 else "middle"
        out_px = _RADIUS + (_LABEL_PX if align != "middle" else _LABEL_PX + 3)
        canvas.text(self.labels[place], center + outward * out_px, size=LABEL_SIZE, align=align)

    def _note(self) -> str:
        """What the whole circle stands for."""
        if self.whole is None:
            return self.of
        return " ".join(("الكل", number_text(rational(self.whole)), self.of)).strip()

    def measure_texts(self) -> list[str]:
        texts = [
            f"{label} {self.value_text(place, value)}{'' if place in self.asked_places() else '%'}"
            for place, (label, value) in enumerate(zip(self.labels, self.values, strict=True))
        ]
        return [*texts, *([self._note()] if self._note() else [])]

    def shown_data(self) -> dict[str, Any]:
        return super().shown_data() | ({} if self.whole is None else {"whole": self.whole})

    def web_app(self) -> dict[str, Any] | None:
        if self.whole is not None:
            return None
        labels = [
            f"{label} {number_text(rational(value))}%"
            for label, value in zip(self.labels, self.values, strict=True)
        ]
        return self.chart_js("pie-chart", labels)


def _draw_slice(canvas: Canvas, center: complex, begin: float, stop: float, fill: str) -> None:
    arc = Arc(center, _RADIUS, begin, stop)
    around: list[Piece] = [Line(center, arc.start), arc, Line(arc.end, center)]
    canvas.region(around, fill=fill)
    canvas.outline(around, thickness=1.5)


PATTERNS: Final[tuple[type[Pattern], ...]] = (PieChart,)
