"""Lines over a row of labels: one with its numbers, several on a grid, and a filled area."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal

from generation.figures.canvas import PALETTE, SHADE, Canvas
from generation.figures.charts.axes import Axes, draw_labels, open_axes
from generation.figures.charts.bars import LINES, draw_legend
from generation.figures.charts.chart import (
    LABEL_SIZE,
    Chart,
    OneSeriesChart,
    SeriesChart,
    head_height,
    need_room,
)
from generation.figures.geometry import Line, Piece
from generation.figures.pattern import Pattern, need
from generation.figures.reasons import Reason
from generation.value import number_text, rational

_NUMBER_PX: Final = 14


class LineChart(OneSeriesChart):
    """One line; each point carries its number."""

    title: ClassVar = "مخطط بالخطوط"

    pattern: Literal["line-chart"] = "line-chart"

    def lay_out(self) -> Canvas:
        return _single(self, self.values, is_filled=False)

    def web_app(self) -> dict[str, Any] | None:
        return self.chart_js("line-graph", self.numbered_labels())


class AreaChart(OneSeriesChart):
    """One line with the area below it filled."""

    title: ClassVar = "مخطط مساحي"

    pattern: Literal["area-chart"] = "area-chart"

    def lay_out(self) -> Canvas:
        return _single(self, self.values, is_filled=True)


class MultiLineChart(SeriesChart):
    """Two or three lines without numbers: every value lies on the grid or halfway between two of its lines."""

    title: ClassVar = "مخطط بعدة خطوط"

    pattern: Literal["multi-line-chart"] = "multi-line-chart"

    def lay_out(self) -> Canvas:
        canvas, axes = open_axes(self, max(map(max, self.columns())), legend_rows=1)
        xs = axes.centers(len(self.labels))
        for place, values in enumerate(self.columns()):
            need(
                all(map(axes.scale.is_readable, values)), Reason.UNREADABLE, "a value lies between the lines"
            )
            color, dashed = LINES[place]
            _draw_line(canvas, axes, xs, values, color=color, dashed=dashed)
        draw_labels(self, canvas, axes, self.labels, xs)
        draw_legend(canvas, [*self.series], head_height(self) + 6, bars=False)
        need_room(canvas)
        return canvas


def _single(chart: Chart, values: Sequence[float], *, is_filled: bool) -> Canvas:
    canvas, axes = open_axes(chart, max(values))
    xs = axes.centers(len(values))
    if is_filled:
        around = [axes.at(x, value) for x, value in zip(xs, values, strict=True)]
        around += [complex(xs[-1], axes.bottom), complex(xs[0], axes.bottom)]
        canvas.region([Line(a, b) for a, b in pairwise(around)], fill=SHADE)
    _draw_line(canvas, axes, xs, values, color=PALETTE[0], dashed=False)
    for x, value in zip(xs, values, strict=True):
        canvas.text(number_text(rational(value)), axes.at(x, value) - _NUMBER_PX * 1j, size=LABEL_SIZE)
    draw_labels(chart, canvas, axes, chart.labels, xs)
    need_room(canvas)
    return canvas


def _draw_line(
    canvas: Canvas, axes: Axes, xs: Sequence[float], values: Sequence[float], *, color: str, dashed: bool
) -> None:
    points = [axes.at(x, value) for x, value in zip(xs, values, strict=True)]
    pieces: list[Piece] = [Line(a, b) for a, b in pairwise(points)]
    canvas.outline(pieces, color=color, dashed=dashed)
    for point in points:
        canvas.dot(point, color=color)


PATTERNS: Final[tuple[type[Pattern], ...]] = (LineChart, AreaChart, MultiLineChart)
