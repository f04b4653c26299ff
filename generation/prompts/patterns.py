"""How a figure pattern is explained to the writer: its points, its parameters, what can be asked for besides."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from generation.figures.catalogue import PATTERNS
from generation.figures.pattern import Pattern
from generation.figures.web_app import WEB_APP_SAFE

#: In the prompt, a parameter with this sign after its name is obligatory.
_OBLIGATORY: Final = "*"

#: What has no place of its own in a drawing, so that any renderer can show a figure that asks for it.
_WITHOUT_A_PLACE: Final = ("perimeter", "area")

#: What is marked in a drawing where it is asked for; the web app's renderers have no such mark.
_MARKED: Final = frozenset({"interior_angle", "exterior_angle", "value_n", "amount_n"})


def written_as(pattern: str, *, web_app_only: bool) -> dict[str, Any]:
    """The pattern as one line of a message. `web_app_only`: without what the web app's renderers cannot show."""
    shape = PATTERNS[pattern]
    kept = WEB_APP_SAFE[pattern] if web_app_only else shape.model_fields.keys()
    line: dict[str, Any] = {"pattern": pattern}
    if shape.corners:
        line["points"] = shape.corners
    line["parameters"] = [text for name, text in _parameters(shape) if name in kept]
    if asked := list(_askable(pattern, kept, web_app_only=web_app_only)):
        line["ask"] = asked
    return line


def _askable(pattern: str, kept: Collection[str], *, web_app_only: bool) -> Iterator[str]:
    """What can be asked for besides the parameters."""
    besides = _asked_besides()[pattern]
    yield from (name for name in besides if not (web_app_only and name in _MARKED))
    parameters: Collection[str] = PATTERNS[pattern].model_fields
    yield from (name for name in _WITHOUT_A_PLACE if name in parameters and name not in kept)


def _parameters(shape: type[Pattern]) -> Iterator[tuple[str, str]]:
    """Each parameter's name, and the same with its values where it is no number: `shaded: outside|inside`."""
    schema = shape.model_json_schema()
    for name, field in schema["properties"].items():
        if name not in Pattern.model_fields:
            mark = _OBLIGATORY if name in schema.get("required", ()) else ""
            values = _values(field)
            yield name, f"{name}{mark}: {values}" if values else f"{name}{mark}"


def _values(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return "|".join(map(str, field["enum"]))
    if "prefixItems" in field:
        return "[x, y]"
    if field.get("type") == "array":
        return f"[{_values(field['items']) or 'number'}, …]"
    if field.get("type") == "object":
        (inner,) = field.get("patternProperties", {}).values() or [field["additionalProperties"]]
        return f"{{name: {_values(inner)}}}"
    return {"string": "text", "boolean": "true|false"}.get(field.get("type", ""), "")


@cache
def _asked_besides() -> dict[str, list[str]]:
    """The quantities of each pattern that are no parameters; `n` stands for a number."""
    text = (files("generation") / "data" / "figure-quantities.json").read_text(encoding="utf-8")
    known: dict[str, list[str]] = json.loads(text)
    return known
