"""The axes of a chart: a grid with round numbers from 0, and the labels below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from generation.figures.canvas import QUIET, WIDTH, Canvas
from generation.figures.charts.chart import LABEL_SIZE, Chart, draw_heading, head_height, quiet_text
from generation.figures.geometry import Line
from generation.figures.pattern import need
from generation.figures.reasons import Reason
from generation.figures.text import text_size
from generation.value import number_text, rational

_GRID: Final = "#cbd5e1"
_MOST_STEPS: Final = 6
_PLOT_PX: Final = 190
_RIGHT_PX: Final = 20
_ROW_PX: Final = 19
_GAP_PX: Final = 4  #: between a text and what stands beside it


@dataclass(frozen=True, slots=True)
class Scale:
    """Round numbers from 0 to beyond the highest value, a step apart."""

    step: Fraction
    steps: int

    @classmethod
    def up_to(cls, highest: float) -> Scale:
        """The finest scale with at most six steps."""
        top = rational(highest)
        power = Fraction(1, 100)
        while True:
            for factor in (1, 2, 5):
                step = power * factor
                steps = -(-top // step)
                if steps <= _MOST_STEPS:
                    return cls(step, max(1, int(steps)))
            power *= 10

    @property
    def top(self) -> Fraction:
        return self.step * self.steps

    def part(self, value: float) -> float:
        """How far up the axis the value stands: 0 to 1."""
        return float(rational(value) / self.top)

    def is_readable(self, value: float) -> bool:
        """Whether the value lies on a line of the grid or halfway between two."""
        return (rational(value) / self.step * 2).denominator == 1


@dataclass(frozen=True, slots=True)
class Axes:
    """The plot's rectangle in px, y downwards."""

    left: float
    right: float
    top: float
    bottom: float
    scale: Scale

    def at(self, x: float, value: float) -> complex:
        return complex(x, self.bottom - (self.bottom - self.top) * self.scale.part(value))

    def centers(self, count: int) -> list[float]:
        """The middles of `count` equal columns."""
        width = self.column(count)
        return [self.left + width * (index + 0.5) for index in range(count)]

    def column(self, count: int) -> float:
        return (self.right - self.left) / count


def open_axes(chart: Chart, highest: float, *, legend_rows: int = 0) -> tuple[Canvas, Axes]:
    """A canvas with heading and grid, high enough for the labels."""
    scale = Scale.up_to(highest)
    widest = max(text_size(text, LABEL_SIZE)[0] for text in _ticks(scale))
    top = head_height(chart) + _ROW_PX * legend_rows + (_ROW_PX + 14 if chart.of else 6) + 12
    axes = Axes(widest + 18, WIDTH - _RIGHT_PX, top, top + _PLOT_PX, scale)
    below = 2 * _ROW_PX + (_ROW_PX if chart.by else 0) + 20
    canvas = Canvas(axes.bottom + below)
    draw_heading(chart, canvas)
    _draw_grid(chart, canvas, axes)
    return canvas, axes


def _ticks(scale: Scale) -> list[str]:
    return [number_text(scale.step * count) for count in range(scale.steps + 1)]


def _draw_grid(chart: Chart, canvas: Canvas, axes: Axes) -> None:
    for count, text in enumerate(_ticks(axes.scale)):
        y = axes.at(0, float(axes.scale.step * count)).imag
        canvas.outline([Line(complex(axes.left, y), complex(axes.right, y))], color=_GRID, thickness=1)
        quiet_text(canvas, text, complex(axes.left - _GAP_PX - 2, y), align="right")
    corner = complex(axes.left, axes.bottom)
    canvas.outline([Line(complex(axes.left, axes.top - 6), corner)], thickness=1.5)
    canvas.outline([Line(corner, complex(axes.right, axes.bottom))], thickness=1.5)
    if chart.of:
        width, _ = text_size(chart.of, LABEL_SIZE)
        at = complex(max(axes.left, 10 + width / 2), axes.top - _ROW_PX - 12)
        canvas.text(chart.of, at, size=LABEL_SIZE, color=QUIET, bold=True)


def draw_labels(chart: Chart, canvas: Canvas, axes: Axes, texts: Sequence[str], xs: Sequence[float]) -> None:
    """The texts below the axis: in one row, or in two by turns where they are long."""
    room = xs[1] - xs[0] - _GAP_PX
    widths = [text_size(text, LABEL_SIZE)[0] for text in texts]
    rows = 1 if max(widths) <= room else 2
    need(max(widths) <= room * rows, Reason.WRONG_LABELS, "the labels are too long for their number")
    for index, (text, x) in enumerate(zip(texts, xs, strict=True)):
        half = widths[index] / 2
        middle = min(max(x, half + 8), WIDTH - half - 8)
        canvas.text(text, complex(middle, axes.bottom + 19 + _ROW_PX * (index % rows)), size=LABEL_SIZE)
    if chart.by:
        at = complex((axes.left + axes.right) / 2, axes.bottom + 21 + _ROW_PX * 2)
        canvas.text(chart.by, at, size=LABEL_SIZE, color=QUIET, bold=True)
