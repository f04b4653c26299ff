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
Rows = Sequence[Mapping[str, Any]]


def draw(results: Mapping[str, Rows], directory: Path) -> list[Path]:
    """One picture for each part that was measured."""
    drawn = []
    for part, picture in _PICTURES.items():
        if results.get(part):
            figure, axes = plt.subplots(1, 2, figsize=(12, 5))
            picture(axes, results[part])
            figure.tight_layout()
            path = directory / f"{part}.png"
            figure.savefig(path, dpi=110)
            plt.close(figure)
            drawn.append(path)
    return drawn


def _crowd(axes: Sequence[Axes], rows: Rows) -> None:
    for name, colour in (("ours", _OURS), ("bare asyncio SDK", _LIMIT)):
        mine = [row for row in rows if row["contender"] == name]
        at = [row["batches"] for row in mine]
        axes[0].plot(
            at, [row["all_over_bound"] for row in mine], "o-", color=colour, label=f"{name}: the last"
        )
        axes[0].plot(at, [row["mean_over_bound"] for row in mine], "o:", color=colour, label=f"{name}: mean")
        axes[1].plot(at, [row["cpu_ms_a_batch"] for row in mine], "o-", color=colour, label=name)
    axes[0].axhline(1.10, color="black", lw=0.8, ls="--", label="allowed")
    axes[1].axhline(60, color="black", lw=0.8, ls="--", label="allowed")
    _name(axes[0], "Completion over the model's own time", "batches at once", "ratio")
    _name(axes[1], "CPU a batch of ten", "batches at once", "ms")


def _prefetch(axes: Sequence[Axes], rows: Rows) -> None:
    names = list(dict.fromkeys(row["students"] for row in rows))
    for number, (policy, colour) in enumerate((("fixed 70 %", _PEER), ("ours", _OURS))):
        mine = {row["students"]: row for row in rows if row["prefetch"] == policy}
        at = [place + 0.4 * number for place in range(len(names))]
        waiting = [100 - mine[name]["ready_percent"] for name in names]
        axes[0].barh(at, waiting, height=0.38, color=colour, label=policy)
        axes[1].barh(
            at, [mine[name]["wasted_an_exam"] for name in names], height=0.38, color=colour, label=policy
        )
    for axis in axes:
        axis.set_yticks([place + 0.2 for place in range(len(names))], names)
        axis.invert_yaxis()
    _name(axes[0], "Advances that found no finished batch", "percent", "")
    _name(axes[1], "Questions written for nobody", "a student", "")


def _parsing(axes: Sequence[Axes], rows: Rows) -> None:
    timed = [row for row in rows if "us_a_delta" in row and "parser" in row]
    colours = [_OURS if row["parser"] == "ours" else _PEER for row in timed]
    axes[0].barh([row["parser"] for row in timed], [row["us_a_delta"] for row in timed], color=colours)
    axes[0].axvline(3, color="black", lw=0.8, ls="--", label="allowed")
    axes[0].invert_yaxis()
    growing = [row for row in rows if "reply_kb" in row]
    axes[1].plot(
        [r["reply_kb"] for r in growing], [r["us_a_delta"] for r in growing], "o-", color=_OURS, label="ours"
    )
    axes[1].set_xscale("log")
    axes[1].set_ylim(0, 4)
    _name(axes[0], "Parsing, CPU a delta", "µs", "")
    _name(axes[1], "It does not grow with the reply", "KB of reply", "µs a delta")


def _first(axes: Sequence[Axes], rows: Rows) -> None:
    seconds = [row for row in rows if row["figure"].endswith(", s")]
    millis = [row for row in rows if row["figure"].endswith(", ms")]
    for axis, shown, unit in ((axes[0], seconds, "s"), (axes[1], millis, "ms")):
        places = range(len(shown))
        axis.barh(places, [row["median"] for row in shown], color=_OURS, label="median")
        ends = [[row["median"] - row["q1"] for row in shown], [row["p95"] - row["median"] for row in shown]]
        axis.errorbar(
            [row["median"] for row in shown],
            places,
            xerr=ends,
            fmt="none",
            color="black",
            capsize=4,
            label="q1 to p95",
        )
        axis.set_yticks(places, [row["figure"].rsplit(",", 1)[0] for row in shown])
        axis.invert_yaxis()
        _name(axis, "", unit, "")
    axes[0].axvline(5, color="black", lw=0.8, ls="--")
    axes[0].set_title("What one student waits for")
    axes[1].set_title("What we add")


def _cost(axes: Sequence[Axes], rows: Rows) -> None:
    ways = [row for row in rows if "way" in row]
    parts = ("output_usd", "input_usd", "read_usd", "write_usd", "solver_estimate_usd")
    names = [row["way"].replace(" (", "\n(") for row in ways]
    left = [0.0] * len(ways)
    for part in parts:
        widths = [row.get(part, 0.0) for row in ways]
        axes[0].barh(names, widths, left=left, label=part.removesuffix("_usd").replace("_", " "))
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes[0].barh(names, [row["exam_usd"] if "output_usd" not in row else 0 for row in ways], color=_LIMIT)
    axes[0].axvline(0.39 * 0.75, color="black", lw=0.8, ls="--", label="allowed")
    axes[0].invert_yaxis()
    _name(axes[0], "An exam of 96 questions at list prices", "US dollars", "")
    busy = [row for row in rows if "exams_an_hour" in row]
    at = [str(row["exams_an_hour"]) for row in busy]
    for kind, colour in (("5m", _PEER), ("1h", _LIMIT), ("chosen", _OURS)):
        axes[1].plot(at, [row[f"prefix_{kind}_usd"] for row in busy], "o-", color=colour, label=kind)
    axes[1].set_ylim(0)
    _name(axes[1], "The shared prefix, by the life of its entry", "exams an hour", "US dollars an exam")


def _morning(axes: Sequence[Axes], rows: Rows) -> None:
    names = [f"{row['students_an_hour']} an hour, {row['streams_allowed']} streams" for row in rows]
    axes[0].barh(names, [row["first_question_p95_s"] for row in rows], color=_OURS, label="p95")
    axes[1].barh(names, [row["stalled_advances_percent"] for row in rows], color=_PEER, label="percent")
    for axis in axes:
        axis.invert_yaxis()
    axes[1].set_yticks([])
    _name(axes[0], "First question", "s", "")
    _name(axes[1], "Advances that had to wait", "percent", "")


def _name(axis: Axes, title: str, x: str, y: str) -> None:
    if title:
        axis.set_title(title)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


_PICTURES: dict[str, Callable[[Sequence[Axes], Rows], None]] = {
    "first": _first,
    "crowd": _crowd,
    "prefetch": _prefetch,
    "parsing": _parsing,
    "cost": _cost,
    "morning": _morning,
}
