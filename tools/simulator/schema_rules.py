"""Which JSON schemas structured outputs accept."""

from __future__ import annotations

from typing import Any

from tools.simulator.errors import bad_request

REFUSED = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "oneOf",
    }
)


def check_schema(output_format: Any) -> None:
    """Raises the 400 for a format that is no schema, or one the grammar compiler does not take."""
    if not isinstance(output_format, dict) or output_format.get("type") != "json_schema":
        raise bad_request("output_config.format.type: Input should be 'json_schema'")
    schema = output_format.get("schema")
    if not isinstance(schema, dict):
        raise bad_request("output_config.format.schema: Field required")
    _check_node(schema)


def _check_node(node: Any) -> None:
    if isinstance(node, list):
        for part in node:
            _check_node(part)
        return
    if not isinstance(node, dict):
        return
    _check_keywords(node)
    for key, part in node.items():
        children = part.values() if key in {"properties", "$defs"} and isinstance(part, dict) else [part]
        for child in children:
            _check_node(child)


def _check_keywords(node: dict[str, Any]) -> None:
    refused = sorted(REFUSED & node.keys())
    if refused:
        raise bad_request(f"output_config.format.schema: {refused[0]} is not supported.")
    if node.get("minItems", 0) not in {0, 1}:
        raise bad_request("output_config.format.schema: minItems must be 0 or 1.")
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        raise bad_request("output_config.format.schema: additionalProperties must be false on every object.")
    if str(node.get("$ref", "#")).startswith("#") is False:
        raise bad_request("output_config.format.schema: external $ref is not supported.")
