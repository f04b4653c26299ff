"""What every drawing must keep, as sentences about what does not; and what the web app's renderers cannot draw."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

from generation.figures.canvas import LARGEST_BYTES, Canvas
from generation.figures.catalogue import asked, caption, shown
from generation.figures.charts.chart import Chart
from generation.figures.pattern import Pattern
from generation.figures.sketch import Drawn, SketchedPattern
from generation.figures.text import Box

TO_SCALE = 0.005
_FORBIDDEN = re.compile(
    r"<script|href|<foreignObject|<image|javascript:|data:| on\w+=|@import|<style", re.IGNORECASE
)
_COORDINATE = re.compile(r"-?\d+(?:\.\d+)?")


def faults(figure: Pattern) -> list[str]:
    """Everything that is wrong with the drawing, the caption and the shown part of a valid figure."""
    scale_faults: list[str] = []
    if isinstance(figure, SketchedPattern):
        drawn = figure.drawn()
        canvas, scale_faults = drawn.canvas, _scale_faults(figure, drawn)
    else:
        canvas = figure.lay_out()
    svg = canvas.svg(caption(figure))
    return [*_document_faults(svg, canvas), *_text_faults(canvas), *_leaks(figure, svg), *scale_faults]


def texts_of(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]


def _document_faults(svg: str, canvas: Canvas) -> list[str]:
    root = ET.fromstring(svg)
    found = []
    if len(svg.encode()) > LARGEST_BYTES:
        found.append("the document is too large")
    if _FORBIDDEN.search(svg):
        found.append("the document holds a script, a style or a reference")
    for element in root.iter():
        if element.tag.endswith("}path") and element.get("d", "") != "M0 0H9V9H0z":
            numbers = [float(number) for number in _COORDINATE.findall(_without_radii(element.get("d", "")))]
            if any(not -1 <= x <= max(canvas.width, canvas.height) + 1 for x in numbers):
                found.append(f"a line leaves the canvas: {element.get('d')}")
    return found


def _without_radii(data: str) -> str:
    """The end points alone: an arc's radii and flags are no places."""
    return re.sub(r"A[\d.-]+ [\d.-]+ 0 \d \d ", "L", data)


def _text_faults(canvas: Canvas) -> list[str]:
    found: list[str] = []
    card = Box(0, 0, canvas.width, canvas.height)
    found += [f"{placed.text} is cut off" for placed in canvas.texts if not placed.box.within(card)]
    for one, other in combinations(canvas.texts, 2):
        if one.box.overlaps(other.box):
            found.append(f"{one.text} lies on {other.text}")
    return found


def _leaks(figure: Pattern, svg: str) -> list[str]:
    """An asked value that is written, unless another measure that is shown has the same number."""
    found = []
    allowed = set(_numbers(" ".join(map(str, figure.shown_measures.values()))))
    open_text = " ".join(texts_of(svg)) + caption(figure) + str([*shown(figure).get("measures", {}).values()])
    for name, quantity in asked(figure).items():
        if name in shown(figure).get("measures", {}):
            found.append(f"{name} is asked for and shown")
        rational = quantity.value.rational
        if rational is not None and rational > 20:
            text = f"{float(rational):g}"
            if text not in allowed and text in _numbers(open_text) and not _is_fixed(figure):
                found.append(f"the value {text} of {name} can be read")
    return found


def _is_fixed(figure: Pattern) -> bool:
    return isinstance(figure, Chart) or figure.pattern == "coordinate-plane"  # their axes carry numbers


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)


def _scale_faults(figure: SketchedPattern, drawn: Drawn) -> list[str]:
    if not figure.to_scale:
        return []
    found = []
    for name, measured in drawn.measures().items():
        wanted = figure.size(name)
        if abs(measured - wanted) > TO_SCALE * wanted:
            found.append(f"{name} is {wanted} and measures {measured}")
    return found


def web_app_faults(diagram: dict[str, Any]) -> list[str]:
    """What the renderers of the web app would crash on, ignore, cut off or draw wrongly."""
    kind, hint, data = diagram.get("type"), diagram.get("renderHint"), diagram.get("data")
    if not isinstance(data, dict) or not isinstance(diagram.get("caption"), str):
        return ["data or caption is missing"]
    rule = _WEB_APP_RULES.get((str(kind), str(hint)))
    return [f"no renderer for {kind} with {hint}"] if rule is None else rule(data)


def _circle(data: dict[str, Any]) -> list[str]:
    found = [] if isinstance(data.get("radius"), int | float) and 0 < data["radius"] <= 17 else ["radius"]
    if not isinstance(data.get("label", ""), str) or len(data.get("label", "")) > 12:
        found.append("label")
    labels = data.get("labels", {})
    places = {"center", "top", "bottom", "left", "right"}
    if not isinstance(labels, dict) or not labels.keys() <= places or set(map(type, labels.values())) - {str}:
        found.append("labels")
    return found


def _triangle(data: dict[str, Any]) -> list[str]:
    vertices, found = data.get("vertices", []), []
    if len(vertices) < 3 or any(not isinstance(place, list) or len(place) != 2 for place in vertices):
        return ["another figure than ours would be drawn"]
    if any(not isinstance(value, int | float) for vertex in vertices for value in vertex):
        return ["all corners would lie at the origin"]
    if any(not 20 <= value <= 380 for vertex in vertices for value in vertex):
        found.append("vertices outside the canvas")
    if max(abs(a - b) for axis in zip(*vertices, strict=True) for a in axis for b in axis) < 100:
        found.append("a speck")
    if _turn(vertices) >= 0:
        found.append("clockwise order puts the side texts inside")
    for name, most in (("labels", 12), ("sides", 10)):
        entries = data.get(name, [])
        wrong = not isinstance(entries, list) or len(entries) > len(vertices)
        if wrong or any(
            text is not None and (not isinstance(text, str) or len(text) > most) for text in entries
        ):
            found.append(name)
    if data.get("angles"):
        first, second, last = vertices[0], vertices[1], vertices[-1]
        if (
            data["angles"] != [90]
            or abs(first[1] - second[1]) > 1
            or second[0] < first[0]
            or last[1] > first[1]
        ):
            found.append("the right-angle box would not be at the right angle")
    return found


def _turn(vertices: list[list[int]]) -> int:
    pairs = zip(vertices, [*vertices[1:], vertices[0]], strict=True)
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in pairs)  # y points downwards: negative is anticlockwise


def _composite(data: dict[str, Any]) -> list[str]:
    found = [] if isinstance(data.get("labels", []), list) else ["labels would crash the page"]
    for shape in data.get("shapes", []):
        if shape["type"] == "rectangle":
            ends = (shape["x"], shape["y"], shape["x"] + shape["width"], shape["y"] + shape["height"])
        else:
            radius = shape["radius"]
            ends = (shape["cx"] - (0 if shape.get("half") else radius), shape["cy"] - radius,
                    shape["cx"] + radius, shape["cy"] + radius)  # fmt: skip
        if not all(20 <= end <= 380 for end in ends):
            found.append("a shape leaves the canvas")
    return found


def _overlapping(data: dict[str, Any]) -> list[str]:
    sizes, subtype = data["dimensions"], data["subtype"]
    right = {
        "inscribed-circle-in-square": {"side"},
        "inscribed-square-in-circle": {"radius"},
        "sector-minus-triangle": {"radius", "angle"},
        "circles-in-rectangle": {"width", "height", "numCircles"},
        "square-vertex-at-circle-center": {"side", "radius"},
    }
    if sizes.keys() != right.get(subtype):
        return [f"{subtype} is drawn wrongly or lacks a dimension"]
    if subtype == "circles-in-rectangle" and (sizes["numCircles"], sizes["width"]) != (
        2,
        2 * sizes["height"],
    ):
        return ["circles that do not touch"]
    if subtype == "square-vertex-at-circle-center" and sizes["side"] != sizes["radius"]:
        return ["a side that is not the radius"]
    return [] if sizes.get("angle", 90) <= 180 else ["angle"]


def _chart(data: dict[str, Any]) -> list[str]:
    labels, values = data.get("labels"), data.get("values")
    if not isinstance(labels, list) or not isinstance(values, list) or len(labels) != len(values):
        return ["labels and values"]
    texts, numbers = (
        all(isinstance(text, str) for text in labels),
        all(isinstance(x, int | float) for x in values),
    )
    if not texts or not numbers or "datasets" in data:
        return ["labels and values"]
    found = [] if isinstance(data.get("title"), str) and data["title"] else ["no title"]
    if len(labels) > 8:
        found.append("colours repeat")
    # Their bars, points and slices carry no numbers.
    pairs = zip(labels, values, strict=True)
    return found + [f"nobody can read {value:g}" for label, value in pairs if f"{value:g}" not in label]


_WEB_APP_RULES = {
    ("circle", "SVG"): _circle,
    ("triangle", "SVG"): _triangle,
    ("composite-shape", "SVG"): _composite,
    ("overlapping-shapes", "JSXGraph"): _overlapping,
    ("bar-chart", "Chart.js"): _chart,
    ("pie-chart", "Chart.js"): _chart,
    ("line-graph", "Chart.js"): _chart,
}
