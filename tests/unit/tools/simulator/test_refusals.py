"""What the simulated API refuses, row by row of the published table."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tools.simulator import rules
from tools.simulator.catalogue import callable_model, catalogue, find_model, find_slug
from tools.simulator.errors import ApiError
from tools.simulator.schema_rules import check_schema

NEW, OLD = "2026-10-21", "2023-06-01"
TODAY = date(2026, 11, 22)
CACHED = {"type": "ephemeral"}
CACHED_1H = {"type": "ephemeral", "ttl": "1h"}


def text(words: str, control: dict[str, str] | None = None) -> dict[str, Any]:
    return {"type": "text", "text": words} | ({"cache_control": control} if control else {})


def check(model: str, *, version: str = NEW, **changes: Any) -> None:
    body = {"model": model, "max_tokens": 5000, "messages": [{"role": "user", "content": "س"}], **changes}
    rules.check_fields(body, version)
    rules.check_request(body, callable_model(model, TODAY), version)


def refusal(model: str, *, version: str = NEW, **changes: Any) -> str:
    with pytest.raises(ApiError) as caught:
        check(model, version=version, **changes)
    assert caught.value.status == 400
    return caught.value.message


def schema(**changes: Any) -> dict[str, Any]:
    return {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False, **changes}}


PREFILL = [{"role": "user", "content": "س"}, {"role": "assistant", "content": "{"}]
FORCED = {"tool_choice": {"type": "any"}, "tools": [{"name": "t", "input_schema": {"type": "object"}}]}

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("claude-sonnet-5-5", {}),
    ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}}),
    ("claude-sonnet-5-5", {"thinking": {"type": "adaptive", "display": "omitted"}}),
    ("claude-sonnet-5-5", {"output_config": {"effort": "max"}}),
    ("claude-sonnet-5-5", {"diagnostics": {"previous_message_id": None}}),
    ("claude-sonnet-5-5", {"max_tokens": 0}),
    ("claude-sonnet-5-5", {"version": OLD, "temperature": 1}),
    ("claude-haiku-5-5", {"thinking": {"type": "disabled"}}),
    ("claude-haiku-5-5", FORCED),
    ("claude-sonnet-5", FORCED),
    ("claude-sonnet-4-6", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
    ("claude-sonnet-4-5", {"messages": PREFILL}),
    ("claude-sonnet-4-5", {"version": OLD, "temperature": 0.7}),
    ("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ("claude-sonnet-4-5", FORCED),
]

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("claude-sonnet-5-5", {"thinking": {"type": "disabled"}}),
    ("claude-sonnet-5-5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    ("claude-sonnet-5-5", {"thinking": {"type": "between_tools", "display": "omitted"}}),
    ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}, "output_config": {"effort": "xhigh"}}),
    ("claude-sonnet-5-5", {"temperature": 0.7}),
    ("claude-sonnet-5-5", {"temperature": 1}),
    ("claude-sonnet-5-5", {"version": OLD, "temperature": 0.7}),
    ("claude-sonnet-5-5", {"version": OLD, "top_k": 5}),
    ("claude-sonnet-5-5", {"messages": PREFILL}),
    ("claude-sonnet-5-5", FORCED),
    ("claude-sonnet-5-5", {"output_config": {"effort": "huge"}}),
    ("claude-opus-5-5", {"thinking": {"type": "disabled"}}),
    ("claude-opus-5-5", {"thinking": {"type": "between_tools"}}),
    ("claude-haiku-5-5", {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
    ("claude-haiku-5-5", {"thinking": {"type": "between_tools"}}),
    ("claude-sonnet-5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    ("claude-sonnet-4-6", {"messages": PREFILL}),
    ("claude-sonnet-4-6", {"output_config": {"effort": "xhigh"}}),
    ("claude-sonnet-4-6", {"thinking": {"type": "adaptive"}, **FORCED}),
    ("claude-sonnet-4-5", {"thinking": {"type": "adaptive"}}),
    ("claude-sonnet-4-5", {"thinking": {"type": "between_tools"}}),
    ("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 1000}}),
    ("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 5000}}),
    ("claude-sonnet-4-5", {"output_config": {"effort": "low"}}),
    ("claude-sonnet-4-5", {"temperature": 0.7}),
    ("claude-sonnet-4-5", {"messages": PREFILL, "output_config": {"format": schema()}}),
    ("claude-sonnet-4-5", {"tool_choice": {"type": "any"}}),
    ("claude-sonnet-5-5", {"max_tokens": 200_000}),
    ("claude-sonnet-5-5", {"max_tokens": "many"}),
    ("claude-sonnet-5-5", {"max_tokens": 0, "stream": True}),
    ("claude-sonnet-5-5", {"max_tokens": 0, "output_config": {"format": schema()}}),
    ("claude-sonnet-5", {"max_tokens": 0, **FORCED}),
    ("claude-sonnet-5-5", {"messages": []}),
    ("claude-sonnet-5-5", {"messages": "س"}),
    ("claude-sonnet-5-5", {"messages": ["س"]}),
    ("claude-sonnet-5-5", {"messages": [{"role": "assistant", "content": "س"}]}),
    (
        "claude-sonnet-5-5",
        {"messages": [{"role": "user", "content": "س"}, {"role": "system", "content": "س"}]},
    ),
    ("claude-sonnet-5-5", {"messages": [{"role": "user", "content": " "}]}),
    ("claude-sonnet-5-5", {"messages": [{"role": "user", "content": ["س"]}]}),
    ("claude-sonnet-5-5", {"messages": [{"role": "user", "content": [text(" ")]}]}),
    ("claude-sonnet-5-5", {"system": 5}),
    ("claude-sonnet-5-5", {"system": [text("")]}),
    ("claude-sonnet-5-5", {"thinking": "off"}),
    ("claude-sonnet-5-5", {"tools": {}}),
    ("claude-sonnet-5-5", {"tools": ["t"]}),
    ("claude-sonnet-5-5", {"unheard_of": 1}),
    ("claude-sonnet-5-5", {"system": [text("س", CACHED)] * 5}),
    ("claude-sonnet-5-5", {"system": [text("س", CACHED)] * 4, "cache_control": CACHED}),
    ("claude-sonnet-5-5", {"system": [text("س", CACHED), text("س", CACHED_1H)]}),
    ("claude-sonnet-5-5", {"system": [text("س", {"type": "ephemeral", "ttl": "2h"})]}),
]


@pytest.mark.parametrize(("model", "changes"), ACCEPTED)
def test_a_model_accepts_what_its_row_of_the_table_says(model: str, changes: dict[str, Any]) -> None:
    check(model, **changes)


@pytest.mark.parametrize(("model", "changes"), REFUSED)
def test_a_model_refuses_what_its_row_of_the_table_says(model: str, changes: dict[str, Any]) -> None:
    assert refusal(model, **changes)


def test_the_new_version_refuses_documents_of_the_assistant_and_citations_of_the_user() -> None:
    document = [{"role": "user", "content": "س"}, {"role": "assistant", "content": [{"type": "document"}]}]
    cited = [{"role": "user", "content": [text("س") | {"citations": {"enabled": True}}]}]
    assert "document" in refusal("claude-sonnet-4-5", messages=document)
    assert "citations" in refusal("claude-sonnet-5-5", messages=cited)
    check("claude-sonnet-4-5", version=OLD, messages=document)


def test_a_longer_lifetime_may_come_before_a_shorter_one() -> None:
    check("claude-sonnet-5-5", system=[text("س", CACHED_1H), text("س", CACHED)])


def test_a_breakpoint_on_a_thinking_block_is_refused() -> None:
    blocks = [{"type": "thinking", "thinking": "س", "cache_control": CACHED}]
    messages = [{"role": "user", "content": "س"}, {"role": "assistant", "content": blocks}, *PREFILL[:1]]
    assert "thinking" in refusal("claude-sonnet-5-5", messages=messages)


@pytest.mark.parametrize(
    "node",
    [
        {"properties": {"a": {"type": "string", "maxLength": 5}}},
        {"properties": {"a": {"type": "array", "minItems": 4, "items": {}}}},
        {"properties": {"a": {"type": "object"}}},
        {"anyOf": [{"$ref": "https://example.com/schema"}]},
    ],
)
def test_a_schema_that_cannot_be_compiled_is_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        check_schema(schema(**node))


def test_a_schema_of_plain_objects_is_accepted() -> None:
    check_schema(schema(properties={"a": {"type": "string", "enum": ["س"]}}, required=["a"]))


@pytest.mark.parametrize("output_format", ["json", {"type": "json"}, {"type": "json_schema"}])
def test_a_format_without_a_schema_is_refused(output_format: Any) -> None:
    with pytest.raises(ApiError):
        check_schema(output_format)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("claude-sonnet-4-5-20250514", TODAY),
        ("claude-sonnet-4-20250514", TODAY),
        ("claude-sonnet-4-5", date(2026, 11, 30)),
        ("gpt", TODAY),
    ],
)
def test_an_unknown_or_retired_model_is_not_found(name: str, day: date) -> None:
    with pytest.raises(ApiError, match=name) as caught:
        callable_model(name, day)
    assert caught.value.status == 404
    assert caught.value.kind == "not_found_error"


def test_a_deprecated_model_works_until_its_last_day_but_not_for_newcomers() -> None:
    day = date(2026, 11, 29)
    assert callable_model("claude-sonnet-4-5", day).lifecycle(day) == "deprecated"
    with pytest.raises(ApiError):
        callable_model("claude-sonnet-4-5", day, new_organization=True)


def test_a_model_is_described_as_the_models_api_does() -> None:
    info = catalogue()["claude-sonnet-5-5"].info(TODAY)
    assert info["lifecycle"] == "active"
    assert info["retires_at"] is None
    assert info["capabilities"]["thinking"]["types"]["between_tools"] == {"supported": True}
    assert info["capabilities"]["thinking"]["types"]["disabled"] == {"supported": False}


def test_models_are_found_by_alias_and_by_openrouter_slug() -> None:
    assert find_model("claude-sonnet-4-5") is find_model("claude-sonnet-4-5-20250929")
    assert find_slug("anthropic/claude-sonnet-5.5") is find_slug("~anthropic/claude-sonnet-latest")
    assert find_slug("anthropic/claude-sonnet-5-5") is None


@pytest.mark.parametrize("version", [None, "2024-01-01"])
def test_a_missing_or_unknown_api_version_is_refused(version: str | None) -> None:
    with pytest.raises(ApiError):
        rules.check_version(version)


def test_x_api_key_wins_over_a_bearer_token_and_only_invalid_keys_are_refused() -> None:
    assert rules.check_key({"x-api-key": "a", "authorization": "Bearer b"}) == "a"
    assert rules.check_key({"authorization": "Bearer b"}) == "b"
    for headers in ({}, {"x-api-key": "invalid"}, {"authorization": "Bearer invalid"}):
        with pytest.raises(ApiError) as caught:
            rules.check_key(headers)
        assert caught.value.status == 401


def test_a_prompt_larger_than_the_context_is_refused() -> None:
    profile = catalogue()["claude-haiku-4-5"]
    rules.check_size(200_000, profile)
    with pytest.raises(ApiError, match="too long"):
        rules.check_size(200_001, profile)
