"""What is wrong with a request, field by field: the place, the kind of problem, and what is allowed.

Only listed facts about the validation rules are included, never the value that was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

#: The name for the whole body, when the problem has no field.
BODY = "body"

#: Bounds of the answer: a caller can send thousands of unknown fields, with names of any length.
MAX_PROBLEMS = 20
MAX_NAME_CHARS = 100

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

#: Pydantic's name of a rule, and the name of our field for it.
_RULES: Mapping[str, str] = {
    "allowed": "allowed",
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}


class FieldProblem(BaseModel):
    """One problem: `field`, `problem`, and only those other fields that belong to this problem."""

    model_config = ConfigDict(alias_generator=to_camel)

    field: str = Field(
        description="`questionCount`, `categories.1`, `query.limit`, `header.idempotency-key`, or `body` for the whole body"
    )
    problem: str = Field(description="Stable, for programs: `enum`, `missing`, `extra_forbidden`, ...")
    allowed: list[str] | Absent = Field(None, description="The allowed values")
    minimum: int | Absent = None
    maximum: int | Absent = None
    min_length: int | Absent = Field(None, description="Characters of a string, or items of a list")
    max_length: int | Absent = None
    pattern: str | Absent = None
    type: str | Absent = Field(None, description="The expected JSON type")
    format: str | Absent = Field(None, description="`date-time`: RFC 3339, with an offset")
    position: int | Absent = Field(
        None, description="With `json_invalid`: the 0-based character at which the JSON becomes invalid"
    )


def field_problems(
    problems: Sequence[Mapping[str, Any]], *, content_type: str | None = None
) -> list[dict[str, Any]]:
    """The first MAX_PROBLEMS problems of the validation, in the shape of FieldProblem.

    `content_type` is the request's header: JSON sent under another content type is reported as exactly that.
    """
    if any(_is_unread(problem) for problem in problems) and not _is_json(content_type):
        return [{"field": "header.content-type", "problem": "content_type", "allowed": ["application/json"]}]
    return [_described(problem) for problem in problems[:MAX_PROBLEMS]]


def _described(problem: Mapping[str, Any]) -> dict[str, Any]:
    kind, where = str(problem["type"]), tuple(problem["loc"])
    if kind == "json_invalid":
        return {"field": BODY, "problem": kind, "position": where[-1]}
    return {"field": _named(where), "problem": kind, **_rules(kind, problem.get("ctx", {}))}


def _named(where: tuple[str | int, ...]) -> str:
    """The path of a field; `body` is left out for fields of the body."""
    parts = where[1:] if where[0] == BODY else where
    return ".".join(map(str, parts))[:MAX_NAME_CHARS] or BODY


def _rules(kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that the value must follow."""
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
    """Whether the framework left the body as bytes, because the content type is not JSON."""
    return tuple(problem["loc"]) == (BODY,) and isinstance(problem.get("input"), bytes)


def _is_json(content_type: str | None) -> bool:
    name = (content_type or "").partition(";")[0].strip().lower()
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))
