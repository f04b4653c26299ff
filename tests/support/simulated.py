"""Requests as the simulator's tests send them, and what came back line by line."""

from __future__ import annotations

import json
from typing import Any

import httpx2

LONG = "قاعدة من قواعد كتابة الأسئلة. " * 300
OFF = {"type": "between_tools"}


def slots(count: int) -> str:
    rows = (
        {"slot": i, "type": "mcq", "section": "quantitative", "topic": "algebra", "difficulty": "easy"}
        for i in range(count)
    )
    return "\n".join(json.dumps(row) for row in rows)


def request(count: int = 2, **changes: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8000,
        "thinking": OFF,
        "system": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": slots(count)}],
        **changes,
    }


def ask(http: httpx2.Client, **changes: Any) -> httpx2.Response:
    return http.post("/v1/messages", json=request(**changes))


def stream_lines(http: httpx2.Client, path: str = "/v1/messages", **changes: Any) -> list[str]:
    """Every line that arrived, whether or not the stream came to its end."""
    lines: list[str] = []
    try:
        with http.stream("POST", path, json=request(stream=True, **changes)) as response:
            assert response.status_code == 200
            lines.extend(response.iter_lines())
    except httpx2.TransportError as error:
        lines.append(f"! {type(error).__name__}")
    return lines


def data_of(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
