"""Data for the renderers of the web app, which draw in px on a canvas of 400 by 400, y downwards.

They cut what leaves the canvas, ignore what they do not know, and blank the page on some shapes of data; so each
text is short, each corner lies within the canvas, and a figure that they would draw wrongly gets no data at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from generation.figures.geometry import Point

#: The patterns that the web app's renderers draw rightly, each with the parameters and the asked quantities that
#: have a place there. A figure with others may have no data: `web_app` says so for each.
WEB_APP_SAFE: Final[Mapping[str, frozenset[str]]] = {
    "circle": frozenset({"radius", "diameter"}),
    "right-triangle": frozenset({"base", "height", "hypotenuse", "base_angle", "top_angle"}),
    "isosceles-triangle": frozenset({"leg", "base", "base_angle", "apex_angle"}),
    "equilateral-triangle": frozenset({"side"}),
    "triangle": frozenset({"side_12", "side_23", "side_31", "angle_1", "angle_2", "angle_3"}),
    "square": frozenset({"side"}),
    "rectangle": frozenset({"width", "height"}),
    "parallelogram": frozenset({"base", "side", "angle_1", "angle_2"}),
    "rhombus": frozenset({"side", "angle_1"}),
    "trapezoid": frozenset({"bottom", "top", "left", "right", "form"}),
    "pentagon": frozenset({"side"}),
    "hexagon": frozenset({"side"}),
    "bar-chart": frozenset({"heading", "labels", "values", "of", "by"}),
    "line-chart": frozenset({"heading", "labels", "values", "of", "by"}),
    "pie-chart": frozenset({"heading", "labels", "values", "of"}),
    "polygon-angles": frozenset({"sides", *(f"angle_{index}" for index in range(1, 7))}),
}

_LONGEST_CORNER_LABEL: Final = 12
_LONGEST_SIDE_LABEL: Final = 10
_LOW_PX, _HIGH_PX = 60, 340


def corners_px(corners: Sequence[Point]) -> list[list[int]]:
    """The corners scaled into the canvas, in the order given."""
    xs, ys = [corner.real for corner in corners], [corner.imag for corner in corners]
    scale = (_HIGH_PX - _LOW_PX) / max(max(xs) - min(xs), max(ys) - min(ys))
    left = 200 - scale * (max(xs) + min(xs)) / 2
    top = 200 + scale * (max(ys) + min(ys)) / 2
    return [[round(left + scale * x), round(top - scale * y)] for x, y in zip(xs, ys, strict=True)]


def triangle_data(
    vertices: list[list[int]],
    *,
    labels: Sequence[tuple[str, str | None]],
    sides: Sequence[str | None],
    right: bool = False,
) -> dict[str, Any]:
    """Fields for a chain of corners; their `triangle` draws as many as it gets, with a text at each side.

    `labels`: a letter and the angle's text for each corner; `right`: the first corner has a right angle.
    """
    data: dict[str, Any] = {"vertices": vertices}
    texts = [" ".join(part for part in label if part) for label in labels]
    if any(texts):
        data["labels"] = texts
    if any(sides):
        data["sides"] = list(sides)
    if right:
        data["angles"] = [90]
    return {"type": "triangle", "renderHint": "SVG", "data": data}


def fits(data: dict[str, Any]) -> bool:
    """Whether every text of the data is short enough for its place."""
    corners = [data.get("label") or ""]
    if "vertices" in data:
        corners += data.get("labels") or []
    sides = data.get("sides") or []
    return all(len(text) <= _LONGEST_CORNER_LABEL for text in corners) and all(
        text is None or len(text) <= _LONGEST_SIDE_LABEL for text in sides
    )
