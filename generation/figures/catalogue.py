"""The catalogue of figures: what can be drawn, and the only functions that other packages call.

`parse` reads what a model wrote; `check` names every fault; the rest is for figures that passed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from generation.figures import charts
from generation.figures.angles import lines
from generation.figures.angles import polygons as polygon_angles
from generation.figures.composites import circles as two_circles
from generation.figures.composites import rectangles, similar
from generation.figures.overlapping import circles as touching_circles
from generation.figures.overlapping import squares
from generation.figures.pattern import Pattern
from generation.figures.quantity import Quantity
from generation.figures.reasons import FigureRejected, Reason
from generation.figures.shapes import circles, plane, polygons, quadrilaterals, slanted, solids, triangles
from generation.figures.stem import contradictions, key_faults
from generation.figures.web_app import fits

_MODULES: Final = (
    circles,
    triangles,
    quadrilaterals,
    slanted,
    polygons,
    solids,
    plane,
    lines,
    polygon_angles,
    squares,
    touching_circles,
    rectangles,
    two_circles,
    similar,
    charts,
)

#: Every pattern by its name. A new pattern is listed in the PATTERNS of its own module.
PATTERNS: Final[Mapping[str, type[Pattern]]] = {
    pattern.model_fields["pattern"].default: pattern for module in _MODULES for pattern in module.PATTERNS
}

#: The patterns that chart questions have; all others are for diagram questions.
CHARTS: Final[frozenset[str]] = frozenset(
    pattern.model_fields["pattern"].default for pattern in charts.PATTERNS
)

#: The parts of a stored figure that repeat its caption and shown parameters, for a page to draw.
DRAWN: Final = frozenset({"type", "renderHint", "data", "svg"})


def parse(written: object) -> Pattern:
    """The figure that a model wrote as a JSON object. Raises FigureRejected when it is none of the catalogue."""
    name = written.get("pattern") if isinstance(written, Mapping) else None
    if not isinstance(name, str) or (pattern := PATTERNS.get(name)) is None:
        raise FigureRejected(Reason.UNKNOWN_PATTERN)
    try:
        return pattern.model_validate(written)
    except ValidationError as err:
        fields = sorted({".".join(map(str, problem["loc"])) or "the figure" for problem in err.errors()})
        raise FigureRejected(Reason.WRONG_PARAMETERS, ", ".join(fields)) from err


def check(written: object, *, stem: str = "", answer: str = "") -> tuple[Reason, ...]:
    """The faults of a figure, each once; none: it can be drawn. `written`: a parsed figure, or what a model wrote.

    With the question's stem and key, what they state about the figure's quantities must agree with it.
    """
    try:
        figure = written if isinstance(written, Pattern) else parse(written)
        found = [*figure.problems(), *contradictions(figure, stem)]
        found += [] if found else key_faults(figure, answer)
        if not found:
            draw(figure)
    except FigureRejected as rejected:
        found = [rejected.reason]
    except (ArithmeticError, ValueError, LookupError):
        found = [Reason.UNSOLVABLE]  # no figure of a model may stop the worker
    return tuple(dict.fromkeys(found))


def draw(figure: Pattern) -> str:
    """The figure as SVG: at most 8 KB, without script or reference, the same bytes for the same figure."""
    return figure.lay_out().svg(caption(figure))


def caption(figure: Pattern) -> str:
    """What the drawing shows, with its measures, in Arabic: for a student who does not see it."""
    return "، ".join((figure.sentence(), *figure.measure_texts()))


def shown(figure: Pattern) -> dict[str, Any]:
    """The part of the figure that the student may see, as JSON values: nothing that is asked for or hidden."""
    data: dict[str, Any] = {"pattern": figure.pattern}
    if figure.unit:
        data["unit"] = figure.unit
    if figure.points:
        data["points"] = figure.points
    if figure.shown_measures:
        data["measures"] = dict(figure.shown_measures)
    return {**data, **figure.shown_data()}


def web_app(figure: Pattern) -> dict[str, Any] | None:
    """`type`, `renderHint`, `data`, `caption` for the web app's own renderers; None: they would draw it wrongly."""
    fields = figure.web_app()
    return None if fields is None or not fits(fields["data"]) else {**fields, "caption": caption(figure)}


def diagram(figure: Pattern) -> dict[str, Any]:
    """What is stored and sent of a figure, as JSON values: nothing of it is asked for or hidden.

    `svg`, `caption`, `figure` (the shown part); `type`, `renderHint`, `data` where the web app draws it rightly.
    """
    fields = web_app(figure) or {"caption": caption(figure)}
    return {**fields, "svg": draw(figure), "figure": shown(figure)}


def asked(figure: Pattern) -> dict[str, Quantity]:
    """The exact quantities that the question asks for. Never send them to a student."""
    return {name: figure.known[name] for name in figure.ask}
