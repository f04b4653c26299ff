"""The figures as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # there is no screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_OURS, _PEER, _LIMIT = "#2a6f97", "#bc6c25", "#8d99ae"
_SHADES = ("#2a6f97", "#61a5c2", "#a9d6e5", "#bc6c25", "#dda15e")
Rows = Sequence[Mapping[str, Any]]


def draw(results: Mapping[str, Rows], directory: Path) -> list[Path]:
    """One picture for each part that was measured."""
    drawn = []
    for part, (columns, picture) in _PICTURES.items():
        if results.get(part):
            figure, axes = plt.subplots(1, columns, figsize=(6 * columns, 5))
            picture(axes, results[part])
            figure.tight_layout(w_pad=3)
            path = directory / f"{part}.png"
            figure.savefig(path, dpi=110)
            plt.close(figure)
            drawn.append(path)
    return drawn


def _first(axes: Sequence[Axes], rows: Rows) -> None:
    for axis, title, unit in ((axes[0], "What one student waits for", "s"), (axes[1], "What we add", "ms")):
        shown = [row for row in rows if row["figure"].endswith(f", {unit}")]
        medians = [row["median"] for row in shown]
        _bars(axis, [row["figure"].rsplit(",", 1)[0] for row in shown], medians, label="median", within=True)
        ends = [[row["median"] - row["q1"] for row in shown], [row["p95"] - row["median"] for row in shown]]
        axis.errorbar(
            medians, range(len(shown)), xerr=ends, fmt="none", color="black", capsize=4, label="q1 to p95"
        )
        if unit == "s":
            _allow(axis, 5, upright=True)
        _name(axis, title, unit, below=True)


def _many_streams(axes: Sequence[Axes], rows: Rows) -> None:
    for name, colour in (("ours", _OURS), ("bare asyncio SDK", _LIMIT)):
        mine = [row for row in rows if row["contender"] == name]
        at = [row["batches"] for row in mine]
        for column, key, style, label in (
            (0, "all_over_bound", "o-", f"{name}: the last"),
            (0, "mean_over_bound", "o:", f"{name}: mean"),
            (2, "peak_mb", "o-", name),
        ):
            axes[column].plot(at, [row[key] for row in mine], style, color=colour, label=label)
        many = [row for row in mine if row["batches"] > 1]  # of one alone it is what idling costs
        axes[1].plot(
            [row["batches"] for row in many],
            [row["cpu_ms_a_batch"] for row in many],
            "o-",
            color=colour,
            label=name,
        )
    for row, mark in zip([row for row in rows if "slots" in row], "s^", strict=False):
        axes[1].plot(row["batches"], row["cpu_ms_a_batch"], mark, color=_PEER, label=row["contender"])
    for axis, most in zip(axes, (1.10, 60, 600), strict=True):
        _allow(axis, most)
    axes[1].set_ylim(0)
    axes[2].set_ylim(0)
    _name(axes[0], "Completion over the model's own time", "batches at once", "ratio")
    _name(axes[1], "CPU a batch of ten", "batches at once", "ms")
    _name(axes[2], "Memory of all workers, shared pages once", "batches at once", "MB")


def _parsing(axes: Sequence[Axes], rows: Rows) -> None:
    timed = [row for row in rows if "us_a_delta" in row and "parser" in row]
    colours = [_OURS if row["parser"] == "ours" else _PEER for row in timed]
    _bars(axes[0], [row["parser"] for row in timed], [row["us_a_delta"] for row in timed], colours)
    _allow(axes[0], 3, upright=True)
    growing = [row for row in rows if "reply_kb" in row]
    sizes = [row["reply_kb"] for row in growing]
    axes[1].plot(sizes, [row["us_a_delta"] for row in growing], "o-", color=_OURS, label="ours")
    axes[1].set_xscale("log", base=2)
    axes[1].set_xticks(sizes, [str(size) for size in sizes])
    _allow(axes[1], 3)
    axes[1].set_ylim(0, 1.15 * max(3, *(row["us_a_delta"] for row in growing)))
    _name(axes[0], "Parsing, CPU a delta", "µs")
    _name(axes[1], "It does not grow with the reply", "KB of reply", "µs a delta")


def _prefetch(axes: Sequence[Axes], rows: Rows) -> None:
    names = list(dict.fromkeys(row["students"] for row in rows))
    for number, (policy, colour) in enumerate((("fixed 70 %", _PEER), ("ours", _OURS))):
        mine = {row["students"]: row for row in rows if row["prefetch"] == policy}
        at = [place + 0.4 * (number - 0.5) for place in range(len(names))]
        waiting = [100 - mine[name]["ready_percent"] for name in names]
        wasted = [mine[name]["wasted_an_exam"] for name in names]
        for axis, widths in zip(axes, (waiting, wasted), strict=True):
            drawn = axis.barh(at, widths, height=0.36, color=colour, label=policy)
            axis.bar_label(drawn, fmt="%.1f", padding=3, fontsize=7)
    for axis in axes:
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.margins(x=0.12)
    _name(axes[0], "Advances that found no finished batch", "percent")
    _name(axes[1], "Questions written for nobody", "a student")


def _cost(axes: Sequence[Axes], rows: Rows) -> None:
    ways = [row for row in rows if "way" in row]
    names = [row["way"].replace(" (", "\n(") for row in ways]
    left = [0.0] * len(ways)
    for part, colour in zip(("output", "input", "read", "write", "solver"), _SHADES, strict=True):
        widths = [row.get(f"{part}_usd", 0.0) for row in ways]
        axes[0].barh(names, widths, 0.6, left=left, color=colour, label=part.replace("_", " "))
        left = [a + b for a, b in zip(left, widths, strict=True)]
    whole = [row["exam_usd"] if "output_usd" not in row else 0 for row in ways]
    axes[0].barh(names, whole, 0.6, color=_LIMIT)
    _allow(axes[0], 0.39 * 0.75, upright=True)
    axes[0].invert_yaxis()
    _name(axes[0], "An exam of 96 questions at list prices", "US dollars", below=True)
    busy = [row for row in rows if "exams_an_hour" in row]
    at = [str(row["exams_an_hour"]).removesuffix(".0") for row in busy]
    for kind, colour, style in (("5m", _PEER, "o-"), ("1h", _LIMIT, "o-"), ("chosen", _OURS, "o:")):
        axes[1].plot(at, [row[f"prefix_{kind}_usd"] for row in busy], style, color=colour, label=kind)
    axes[1].set_ylim(0)
    _name(axes[1], "The shared prefix, by the life of its cache entry", "exams an hour", "US dollars an exam")


def _morning(axes: Sequence[Axes], rows: Rows) -> None:
    names = [f"{row['students_an_hour']} students,\n{row['streams_allowed']} streams" for row in rows]
    _bars(axes[0], names, [row["first_question_p95_s"] for row in rows])
    _bars(axes[1], names, [row["stalled_advances_percent"] for row in rows], _PEER)
    _name(axes[0], "First question in the exam hour, p95", "s")
    _name(axes[1], "Advances that had to wait", "percent")


def _bars(
    axis: Axes,
    names: Sequence[str],
    widths: Sequence[float],
    colour: str | Sequence[str] = _OURS,
    label: str = "",
    *,
    within: bool = False,
) -> None:
    """From above, each with its figure: behind it, or at its foot where something else stands behind it."""
    drawn = axis.barh(range(len(names)), widths, height=0.6, color=colour, label=label)
    if within:
        for place, width in enumerate(widths):
            axis.text(0, place, f" {width:.3g}", color="white", fontsize=8, va="center")
    else:
        axis.bar_label(drawn, fmt="%.3g", padding=3, fontsize=8)
        axis.margins(x=0.1)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)


def _allow(axis: Axes, most: float, *, upright: bool = False) -> None:
    line = axis.axvline if upright else axis.axhline
    line(most, color="black", lw=0.8, ls="--", label="allowed")


def _name(axis: Axes, title: str, x: str, y: str = "", *, below: bool = False) -> None:
    axis.set_title(title)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    if axis.get_legend_handles_labels()[1]:
        where: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.4, -0.12), "ncols": 6}
        axis.legend(frameon=False, fontsize=8, **(where if below else {}))
    axis.spines[["top", "right"]].set_visible(False)


_PICTURES: dict[str, tuple[int, Callable[[Sequence[Axes], Rows], None]]] = {
    "first": (2, _first),
    "many_streams": (3, _many_streams),
    "prefetch": (2, _prefetch),
    "parsing": (2, _parsing),
    "cost": (2, _cost),
    "morning": (2, _morning),
}
