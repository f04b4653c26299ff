"""Requests that nest without measure: refused as no JSON on every Python, and the simulator goes on."""

from __future__ import annotations

import httpx2
import pytest

from tools.simulator.json_text import MAX_NESTING, decode

DEPTHS = pytest.mark.parametrize("depth", [MAX_NESTING, 3_000, 200_000])


def deep(depth: int) -> str:
    """One deeper than `depth`."""
    return '{"slot": 1, "choices": ' + "[" * depth + "]" * depth + "}"


@DEPTHS
@pytest.mark.parametrize("path", ["/v1/messages", "/_simulator/faults", "/_simulator/config"])
def test_a_body_that_nests_too_deep_is_no_json(http: httpx2.Client, path: str, depth: int) -> None:
    refused = http.post(path, content=deep(depth))
    assert refused.status_code == 400
    assert "not valid JSON" in refused.text
    assert http.get("/_simulator/health").status_code == 200


@DEPTHS
@pytest.mark.parametrize("line", ["{}", '{"slot": 1, "type": "mcq"} {}'])
def test_a_line_that_nests_too_deep_asks_for_nothing(http: httpx2.Client, line: str, depth: int) -> None:
    user = line.replace("{}", deep(depth).replace('{"slot": ', '{"slot":'))
    message = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": user}],
    }
    assert http.post("/v1/messages", json=message).status_code == 200


def test_what_nests_as_deep_as_it_may_is_decoded_whatever_its_texts_hold() -> None:
    whole = "[" * MAX_NESTING + '"' + "[{" * 1_000 + '"' + "]" * MAX_NESTING
    value = decode(whole.encode())
    for _ in range(MAX_NESTING):
        (value,) = value
    assert value == "[{" * 1_000
