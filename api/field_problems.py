"""What is wrong with a request, field by field: where, of which kind, and what would be right.

Built from an allow-list of what the validation knows of its own rules. The value that was sent is never in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

#: The name of the whole body, where there is no field to name.
BODY = "body"

#: A caller can invent fields by the thousand, and names of any length.
MOST_PROBLEMS = 20
MOST_CHARACTERS = 100

Absent = SkipJsonSchema[None]

_QUOTED = re.compile(r"'([^']*)'")

_JSON_TYPES: Mapping[str, str] = {
    "bool": "boolean",
    "dict": "object",
    "float": "number",
    "int": "integer",
    "list": "array",
    "model_attributes": "object",
    "string": "string",
}

#: Our field by the validation's own name for a rule.
_RULES: Mapping[str, str] = {
    "allowed": "allowed",
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}


class FieldProblem(BaseModel):
    """Beside `field` and `problem` only what belongs to this problem is there."""

    model_config = ConfigDict(alias_generator=to_camel)

    field: str = Field(
        description="`questionCount`, `categories.1`, `query.limit`, `header.idempotency-key`, or `body`: all of it"
    )
    problem: str = Field(description="Stable, for programs: `enum`, `missing`, `extra_forbidden`, ...")
    allowed: list[str] | Absent = Field(None, description="The values that may stand there")
    minimum: int | Absent = None
    maximum: int | Absent = None
    min_length: int | Absent = Field(None, description="Characters of a text, items of a list")
    max_length: int | Absent = None
    pattern: str | Absent = None
    type: str | Absent = Field(None, description="The JSON type that belongs there")
    format: str | Absent = Field(None, description="`date-time`: as RFC 3339 writes it, with its offset")
    position: int | Absent = Field(
        None, description="With `json_invalid`: the character at which it ceases to be JSON, from 0"
    )


def field_problems(
    problems: Sequence[Mapping[str, Any]], *, content_type: str | None = None
) -> list[dict[str, Any]]:
    """Each problem of the validation as FieldProblem describes it; of very many the first ones.

    `content_type` is the request's own: whoever sends JSON under another name is told so, and not that it is none.
    """
    if any(_is_unread(problem) for problem in problems) and not _is_json(content_type):
        return [{"field": "header.content-type", "problem": "content_type", "allowed": ["application/json"]}]
    return [_described(problem) for problem in problems[:MOST_PROBLEMS]]


def _described(problem: Mapping[str, Any]) -> dict[str, Any]:
    kind, where = str(problem["type"]), tuple(problem["loc"])
    if kind == "json_invalid":
        return {"field": BODY, "problem": kind, "position": where[-1]}
    return {"field": _named(where), "problem": kind, **_rules(kind, problem.get("ctx", {}))}


def _named(where: tuple[str | int, ...]) -> str:
    """The path of a field; those of the body without saying so."""
    parts = where[1:] if where[0] == BODY else where
    return ".".join(map(str, parts))[:MOST_CHARACTERS] or BODY


def _rules(kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """What would be right there."""
    rules = {ours: context[theirs] for theirs, ours in _RULES.items() if theirs in context}
    if kind in {"enum", "literal_error"}:
        rules["allowed"] = _QUOTED.findall(context["expected"])
    json_type = _JSON_TYPES.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if json_type is not None:
        rules["type"] = json_type
    if kind.startswith(("datetime", "timezone")):
        rules["format"] = "date-time"
    return rules


def _is_unread(problem: Mapping[str, Any]) -> bool:
    """Whether the body was taken for something else than JSON: it is still bytes."""
    return tuple(problem["loc"]) == (BODY,) and isinstance(problem.get("input"), bytes)


def _is_json(content_type: str | None) -> bool:
    name = (content_type or "").partition(";")[0].strip().lower()
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))
