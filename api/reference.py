"""The API reference as HTML, made from the OpenAPI description: every call, answer and shape, with anchors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from api.plain_html import block, code, inline, link, prose, table

Json = Mapping[str, Any]

_REF = "#/components/schemas/"

#: A rule of JSON Schema, and its wording on the page.
_RULES = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
    ("pattern", "like {}"),
    ("default", "default {}"),
)


def reference(description: Json) -> str:
    """The body of the page."""
    schemas: Json = description["components"]["schemas"]
    operations = list(_operations(description))
    return "\n".join(
        [
            f"<h1>{inline(description['info']['title'])}</h1>",
            prose(description["info"].get("summary", "")),
            f"<p>The same for programs: {link('/openapi.json', '/openapi.json')}.</p>",
            _contents(operations),
            "<h2 id='callers'>Who calls</h2>",
            _callers(description["components"].get("securitySchemes", {})),
            "<h2 id='calls'>Calls</h2>",
            *(_operation(*operation, schemas) for operation in operations),
            "<h2 id='shapes'>Shapes</h2>",
            *(_shape(name, schema) for name, schema in sorted(schemas.items())),
        ]
    )


def _operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and description of each operation; first those under /api/."""
    for path, methods in sorted(
        description["paths"].items(), key=lambda each: not each[0].startswith("/api/")
    ):
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _contents(operations: list[tuple[str, str, Json]]) -> str:
    lines = "".join(
        f"<li><span class='method'>{method}</span> {link('#' + operation['operationId'], path)}</li>"
        for method, path, operation in operations
    )
    return f"<ul class='plain'>{lines}</ul><p>{link('#shapes', 'Shapes')}</p>"


def _callers(schemes: Json) -> str:
    rows = [(code(name), inline(scheme.get("description", ""))) for name, scheme in schemes.items()]
    return table(("scheme", "what is sent"), rows)


def _operation(method: str, path: str, operation: Json, schemas: Json) -> str:
    parts = [
        f"<section><h3 id='{operation['operationId']}'><span class='method'>{method}</span> {code(path)}</h3>",
        prose(operation.get("description") or operation.get("summary", "")),
        _parameters(operation.get("parameters", ())),
        _body(operation.get("requestBody"), schemas),
        _answers(operation["responses"], schemas),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _parameters(parameters: list[Json] | tuple[()]) -> str:
    rows = [
        (
            f"{code(each['name'])} ({each['in']})",
            _type(each["schema"]) + (", required" if each.get("required") else ""),
            inline(each.get("description", "")),
        )
        for each in parameters
    ]
    return table(("parameter", "value", ""), rows)


def _body(body: Json | None, schemas: Json) -> str:
    if body is None:
        return ""
    content = body["content"]["application/json"]
    return f"<h4>Body</h4><p>{_type(content['schema'])}</p>" + _examples(content, schemas)


def _answers(responses: Json, schemas: Json) -> str:
    rows = []
    for status, answer in sorted(responses.items()):
        headers = ", ".join(code(name) for name in answer.get("headers", ()))
        shown = [inline(answer.get("description", "")) + (f", with {headers}:" if headers else ":")]
        for kind, content in answer.get("content", {}).items():
            shape = _type(content["schema"]) if content.get("schema") else ""
            shown.append(f"{shape} <small>{code(kind)}</small>" + _examples(content, schemas))
        rows.append((code(status), " ".join(shown)))
    return "<h4>Answers</h4>" + table(("status", ""), rows)


def _examples(content: Json, schemas: Json) -> str:
    """The examples of this content, else those of its shape."""
    name = content.get("schema", {}).get("$ref", "").removeprefix(_REF)
    of_shape = schemas.get(name, {}).get("examples", [])
    given = [each["value"] for each in content.get("examples", {}).values()]
    examples = given or ([content["example"]] if "example" in content else of_shape)
    shown = "".join(block(_written(example)) for example in examples)
    return f"<details><summary>Example</summary>{shown}</details>" if shown else ""


def _written(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _shape(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = [
        (
            code(field),
            _type(value) + ("" if field in required else ", optional"),
            inline(value.get("description", "")),
        )
        for field, value in schema.get("properties", {}).items()
    ]
    kind = "" if rows else f"<p>{_type(schema)}</p>"
    about = prose(schema.get("description", ""))
    return f"<h3 id='{name}'>{code(name)}</h3>{about}{kind}{table(('field', 'value', ''), rows)}"


def _type(schema: Json) -> str:
    """The type and its rules as HTML; one of our shapes is a link."""
    kind = _kind(schema)
    rules = [text.format(_plain(schema[rule])) for rule, text in _RULES if rule in schema]
    return ", ".join([kind, *map(inline, rules)])


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return link(f"#{name}", name)
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " or ".join(code(_plain(value)) for value in values)
    either = schema.get("anyOf") or schema.get("oneOf")
    if either and "properties" not in schema:
        return " or ".join(_type(each) for each in either)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return _simple(schema)


def _simple(schema: Json) -> str:
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    kind = inline(str(schema.get("type", "anything")))
    return f"{kind} ({inline(schema['format'])})" if "format" in schema else kind


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
