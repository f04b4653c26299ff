"""Plots as SVG without a view box: widths are in percent and heights in pixels, so text keeps its size on a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, log10

_TOP_PX = 16
_BOTTOM_PX = 116
_HEIGHT_PX = 134
_GAP_PERCENT = 0.25  #: between two bars
_LEAST = 1e-6  #: smaller values are drawn as nothing

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    values: Values
    style: str = "one"  #: a class of page.css: `one` or `two`


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure: a title, its present value in large, a picture, and the same numbers as a table."""

    anchor: str
    title: str
    headline: str
    about: str
    curves: tuple[Curve, ...]
    times: tuple[str, ...]  #: when each bucket begins
    written: Callable[[float], str]  #: a value with its unit
    lines: bool = False  #: lines, not bars
    bound: float | None = None  #: drawn across
    top: float | None = None  #: of the scale; unset: as the values need


def figure(plot: Plot) -> str:
    """The plot as HTML."""
    return (
        f"<figure id='{plot.anchor}' data-live>"
        f"<figcaption><h3>{escape(plot.title)}</h3><p class='headline'>{escape(plot.headline)}</p>"
        f"<p class='about'>{escape(plot.about)}</p>{_legend(plot)}</figcaption>"
        f"{_picture(plot)}{_numbers(plot)}</figure>"
    )


def nice_top(largest: float) -> float:
    """A round number that is not below the largest value: 1, 2 or 5 times a power of ten."""
    if largest < _LEAST:
        return 1.0
    power = 10.0 ** ceil(log10(largest) - 1)
    return next(power * step for step in (1, 2, 5, 10) if power * step >= largest * (1 - 1e-9))


def _legend(plot: Plot) -> str:
    if len(plot.curves) == 1:
        return ""
    entries = "".join(f"<li class='{curve.style}'>{escape(curve.name)}</li>" for curve in plot.curves)
    return f"<ul class='legend'>{entries}</ul>"


def _picture(plot: Plot) -> str:
    values = [value for curve in plot.curves for value in curve.values if value is not None]
    top = plot.top or nice_top(max([*values, plot.bound or 0.0], default=0.0))
    draw = _lines if plot.lines else _bars
    marks = "".join(draw(curve, plot, top) for curve in plot.curves)
    summary = f"{plot.title}: {plot.headline}. The largest value is {plot.written(max(values, default=0.0))}."
    return (
        f"<svg class='plot' role='img' aria-label='{escape(summary, quote=True)}' height='{_HEIGHT_PX}'>"
        f"{_grid(plot, top)}{marks}{_bound(plot, top)}{_time_labels(plot.times)}</svg>"
    )


def _grid(plot: Plot, top: float) -> str:
    lines = "".join(
        f"<line class='grid' x1='0' x2='100%' y1='{_y(share):.1f}' y2='{_y(share):.1f}'/>"
        for share in (0.0, 0.5, 1.0)
    )
    return f"{lines}<text class='tick' x='0' y='{_TOP_PX - 4}'>{escape(plot.written(top))}</text>"


def _bound(plot: Plot, top: float) -> str:
    if plot.bound is None:
        return ""
    y = _y(plot.bound / top)
    return f"<line class='bound' x1='0' x2='100%' y1='{y:.1f}' y2='{y:.1f}'/>"


def _time_labels(times: Sequence[str]) -> str:
    if not times:
        return ""
    places = (("0", "start", times[0]), ("50%", "middle", times[len(times) // 2]), ("100%", "end", "now"))
    return "".join(
        f"<text class='tick' x='{x}' y='{_HEIGHT_PX - 3}' text-anchor='{anchor}'>{escape(label)}</text>"
        for x, anchor, label in places
    )


def _bars(curve: Curve, plot: Plot, top: float) -> str:
    width = 100 / max(len(curve.values), 1)
    return "".join(
        f"<rect class='{curve.style}' x='{number * width:.3f}%' width='{width - _GAP_PERCENT:.3f}%' "
        f"y='{_y(value / top):.1f}' height='{_BOTTOM_PX - _y(value / top):.1f}'>{_hint(curve, plot, number)}</rect>"
        for number, value in enumerate(curve.values)
        if value
    )


def _lines(curve: Curve, plot: Plot, top: float) -> str:
    """A dot for each measured bucket, and lines between them, also across buckets without a value."""
    width = 100 / max(len(curve.values), 1)
    points = [
        (number, (number + 0.5) * width, _y(value / top))
        for number, value in enumerate(curve.values)
        if value is not None
    ]
    strokes = "".join(
        f"<line class='{curve.style}' x1='{x1:.3f}%' y1='{y1:.1f}' x2='{x2:.3f}%' y2='{y2:.1f}'/>"
        for (_, x1, y1), (_, x2, y2) in pairwise(points)
    )
    dots = "".join(
        f"<circle class='{curve.style}' cx='{x:.3f}%' cy='{y:.1f}' r='3'>{_hint(curve, plot, number)}</circle>"
        for number, x, y in points
    )
    return strokes + dots


def _hint(curve: Curve, plot: Plot, number: int) -> str:
    value = curve.values[number]
    assert value is not None  # noqa: S101 -- only measured values are drawn
    name = f"{curve.name}, " if len(plot.curves) > 1 else ""
    return f"<title>{escape(f'{plot.times[number]}: {name}{plot.written(value)}')}</title>"


def _numbers(plot: Plot) -> str:
    heads = "".join(f"<th scope='col'>{escape(curve.name)}</th>" for curve in plot.curves)
    rows = "".join(
        f"<tr><th scope='row'>{escape(time)}</th>{''.join(_cell(curve, plot, number) for curve in plot.curves)}</tr>"
        for number, time in enumerate(plot.times)
        if any(curve.values[number] for curve in plot.curves)
    )
    if not rows:
        return "<p class='none'>Nothing in this time.</p>"
    table = f"<table><tr><th scope='col'>from (UTC)</th>{heads}</tr>{rows}</table>"
    return f"<details><summary>Numbers</summary><div class='scroll' tabindex='0' role='region' aria-label='{escape(plot.title)}'>{table}</div></details>"


def _cell(curve: Curve, plot: Plot, number: int) -> str:
    value = curve.values[number]
    return f"<td>{'' if value is None else escape(plot.written(value))}</td>"


def _y(share: float) -> float:
    return _BOTTOM_PX - share * (_BOTTOM_PX - _TOP_PX)
