"""Numbers for people: medians with their spread, and plain tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from runtime.money import dollars

_WITH_DIGITS = 100  # a greater number needs none after the point


def summary(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median, quartiles, p95 and p99, greatest, and how many."""
    ordered = sorted(values)
    quarters = statistics.quantiles(ordered, n=4) if len(ordered) > 1 else [ordered[0]] * 3
    return {
        "n": len(ordered),
        "median": round(statistics.median(ordered), digits),
        "q1": round(quarters[0], digits),
        "q3": round(quarters[2], digits),
        "p95": round(share(ordered, 0.95), digits),
        "p99": round(share(ordered, 0.99), digits),
        "max": round(ordered[-1], digits),
    }


def share(values: Sequence[float], part: float) -> float:
    """The value that `part` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows with their keys as heads; a missing value is a dash."""
    if not rows:
        return "  (nothing)"
    heads = list(dict.fromkeys(head for row in rows for head in row))
    cells = [heads, *([_shown(head, row.get(head)) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(["  " + line.rstrip() for line in lines])


def _shown(head: str, value: Any) -> str:
    if value is None:
        return "-"
    if head.endswith("_usd"):
        return dollars(Decimal(str(value)) * 1_000_000)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < _WITH_DIGITS else f"{value:.0f}"
    return str(value)
