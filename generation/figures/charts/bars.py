"""Bars: upright, lying, in groups, and the histogram. Each bar carries its number."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from generation.figures.canvas import CARD, HATCHED, INK, PALETTE, WIDTH, Canvas
from generation.figures.charts.axes import Axes, Scale, draw_labels, open_axes
from generation.figures.charts.chart import (
    LABEL_SIZE,
    OneSeriesChart,
    SeriesChart,
    draw_heading,
    head_height,
    need_room,
    quiet_text,
)
from generation.figures.geometry import Line
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Quantity
from generation.figures.reasons import Reason
from generation.figures.text import Box, text_size
from generation.value import number_text, rational

_FILLED: Final = 0.62  #: of a column
_NUMBER_PX: Final = 11  #: from a bar's end to the middle of its number
_GROUPED_SIZE: Final = 11
_ROW_PX: Final = 30
_KEY_PX: Final = 12
#: How the series of a chart look: they differ without colour, too.
_FILLS: Final = ((PALETTE[0], PALETTE[0]), (HATCHED, PALETTE[0]), (CARD, INK))


class BarChart(OneSeriesChart):
    """One upright bar for each label."""

    title: ClassVar = "مخطط بالأعمدة"

    pattern: Literal["bar-chart"] = "bar-chart"

    def lay_out(self) -> Canvas:
        canvas, axes = open_axes(self, max(self.values))
        xs = axes.centers(len(self.values))
        for x, value in zip(xs, self.values, strict=True):
            _upright(canvas, axes, x, axes.column(len(xs)) * _FILLED, value)
        draw_labels(self, canvas, axes, self.labels, xs)
        need_room(canvas)
        return canvas

    def web_app(self) -> dict[str, Any] | None:
        return self.chart_js("bar-chart", self.numbered_labels())


class HorizontalBarChart(OneSeriesChart):
    """One lying bar for each label, from the right as an Arabic page is read."""

    title: ClassVar = "مخطط بالأعمدة الأفقية"

    pattern: Literal["horizontal-bar-chart"] = "horizontal-bar-chart"

    def lay_out(self) -> Canvas:
        top = head_height(self) + 8
        canvas = Canvas(top + _ROW_PX * len(self.labels) + 34)
        draw_heading(self, canvas)
        start = WIDTH - 20 - max(text_size(label, LABEL_SIZE)[0] for label in self.labels)
        longest_px = start - 24 - max(text_size(_text(value), LABEL_SIZE)[0] for value in self.values)
        scale = Scale.up_to(max(self.values))
        for row, (label, value) in enumerate(zip(self.labels, self.values, strict=True)):
            middle = top + _ROW_PX * (row + 0.5)
            end = start - longest_px * scale.part(value)
            canvas.box(Box(end, middle - 9, start, middle + 9), fill=PALETTE[0])
            canvas.text(label, complex(start + 8, middle), size=LABEL_SIZE, align="left")
            canvas.text(_text(value), complex(end - 6, middle), size=LABEL_SIZE, align="right")
        bottom = top + _ROW_PX * len(self.labels)
        canvas.outline([Line(complex(start, top - 4), complex(start, bottom + 4))], thickness=1.5)
        if self.of:
            quiet_text(canvas, self.of, complex(start / 2 + 10, bottom + 16))
        need_room(canvas)
        return canvas


class GroupedBarChart(SeriesChart):
    """Two or three bars side by side for each label; `series`: the name and the values of each."""

    title: ClassVar = "مخطط بأعمدة مزدوجة"

    pattern: Literal["grouped-bar-chart"] = "grouped-bar-chart"

    def lay_out(self) -> Canvas:
        canvas, axes = open_axes(self, max(map(max, self.columns())), legend_rows=1)
        xs = axes.centers(len(self.labels))
        width = axes.column(len(xs)) * 0.84 / len(self.series)
        for place, values in enumerate(self.columns()):
            shift = width * (place - (len(self.series) - 1) / 2)
            for x, value in zip(xs, values, strict=True):
                _upright(canvas, axes, x + shift, width * 0.9, value, place=place, size=_GROUPED_SIZE)
        draw_labels(self, canvas, axes, self.labels, xs)
        draw_legend(canvas, [*self.series], head_height(self) + 6, bars=True)
        need_room(canvas)
        return canvas


class Histogram(OneSeriesChart):
    """Adjacent bars over classes of equal width. `labels`: the edges of the classes, one more than `values`."""

    title: ClassVar = "مدرج تكراري"

    pattern: Literal["histogram"] = "histogram"
    labels: Annotated[tuple[Annotated[int | float, Field(ge=0, le=100_000)], ...],
                      Field(min_length=3, max_length=9, strict=False)]  # type: ignore[assignment]  # fmt: skip

    def quantities(self) -> Mapping[str, Quantity]:
        edges = [rational(edge) for edge in self.labels]
        need(len(edges) == len(self.values) + 1, Reason.WRONG_LABELS, "one edge more than values")
        widths = {after - before for before, after in pairwise(edges)}
        need(len(widths) == 1 and min(widths) > 0, Reason.WRONG_LABELS, "classes of one width")
        found = dict(_of_values(self))
        for name in ("mean", "median", "range", "maximum", "minimum"):
            del found[name]  # they would be those of the frequencies, which no question means
        return found

    def lay_out(self) -> Canvas:
        canvas, axes = open_axes(self, max(self.values))
        width = axes.column(len(self.values))
        for x, value in zip(axes.centers(len(self.values)), self.values, strict=True):
            _upright(canvas, axes, x, width, value, edge=CARD)
        xs = [axes.left + width * index for index in range(len(self.labels))]
        draw_labels(self, canvas, axes, [_text(edge) for edge in self.labels], xs)
        need_room(canvas)
        return canvas

    def measure_texts(self) -> list[str]:
        edges = [_text(edge) for edge in self.labels]
        return [
            f"من {low} إلى {high}: {_text(value)}"
            for (low, high), value in zip(pairwise(edges), self.values, strict=True)
        ]


def _of_values(chart: Histogram) -> Mapping[str, Quantity]:
    plain = BarChart(
        heading=chart.heading, labels=tuple(map(str, range(len(chart.values)))), values=chart.values
    )
    return plain.quantities()


def _upright(
    canvas: Canvas,
    axes: Axes,
    x: float,
    width: float,
    value: float,
    *,
    place: int = 0,
    size: float = LABEL_SIZE,
    edge: str | None = None,
) -> None:
    top = axes.at(x, value)
    fill, line = _FILLS[place]
    if value > 0:
        canvas.box(Box(x - width / 2, top.imag, x + width / 2, axes.bottom), fill=fill, edge=edge or line)
    canvas.text(_text(value), top - _NUMBER_PX * 1j, size=size)


def draw_legend(canvas: Canvas, names: list[str], y: float, *, bars: bool) -> None:
    """The names of the series in one row, from the right, each before its key."""
    need(all(names), Reason.WRONG_LABELS, "a series has no name")
    right = WIDTH - 24.0
    for place, name in enumerate(names):
        key = Box(right - _KEY_PX * 2, y - _KEY_PX / 2, right, y + _KEY_PX / 2)
        draw_key(canvas, key, place, bars=bars)
        width, _ = text_size(name, LABEL_SIZE)
        canvas.text(name, complex(key.left - 6, y), size=LABEL_SIZE, align="right")
        right = key.left - 6 - width - 16


def draw_key(canvas: Canvas, key: Box, place: int, *, bars: bool) -> None:
    """How a series looks."""
    if bars:
        fill, edge = _FILLS[place]
        canvas.box(Box(key.left + _KEY_PX, key.top, key.right, key.bottom), fill=fill, edge=edge)
        return
    middle = (key.top + key.bottom) / 2
    canvas.outline(
        [Line(complex(key.left, middle), complex(key.right, middle))],
        color=LINES[place][0],
        dashed=LINES[place][1],
    )
    canvas.dot(complex((key.left + key.right) / 2, middle), color=LINES[place][0])


#: Colour of each line, and whether it is dashed.
LINES: Final = ((PALETTE[0], False), (PALETTE[1], True), (INK, False))


def _text(value: float) -> str:
    return number_text(rational(value))


PATTERNS: Final[tuple[type[Pattern], ...]] = (BarChart, HorizontalBarChart, GroupedBarChart, Histogram)
