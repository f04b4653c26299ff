"""The billing reports of the two providers, day by day, for keys that may read bills."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tools.simulator import rules
from tools.simulator.bill import BilledDay
from tools.simulator.catalogue import catalogue
from tools.simulator.errors import ApiError, bad_request
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.state import State

MOST_DAYS = 31


async def usage_report(state: State, request: Request, _connection: Connection) -> Response:
    """Claude's: tokens in buckets of a day, by model. Pages are days."""
    if not rules.check_key(request.headers).startswith("sk-ant-admin"):
        raise ApiError(401, "invalid x-api-key")
    query = request.query
    if query.get("bucket_width", "1d") != "1d" or query.get("group_by[]") != "model":
        raise bad_request("The simulator knows only bucket_width=1d and group_by[]=model")
    first = _day(query.get("page") or query.get("starting_at"))
    end = _day(query.get("ending_at") or (datetime.now(UTC) + timedelta(days=1)).isoformat())
    limit = min(int(query.get("limit", "7")), MOST_DAYS)
    days = [first + timedelta(days=n) for n in range(max(0, (end - first).days))]
    return Response.of_json(
        {
            "data": [_bucket(state, day) for day in days[:limit]],
            "has_more": len(days) > limit,
            "next_page": _midnight(days[limit]) if len(days) > limit else None,
        },
        headers={"request-id": state.next_id("req")},
    )


async def activity(state: State, request: Request, _connection: Connection) -> Response:
    """OpenRouter's: dollars by day and model."""
    rules.check_key(request.headers, bearer_only=True)
    today = datetime.now(UTC).date()
    rows = [
        {
            "date": day.isoformat(),
            "model": catalogue()[model].openrouter,
            "provider_name": "Anthropic",
            "usage": float(billed.cost_microdollars / 1_000_000),
            "byok_usage_inference": 0,
            "requests": billed.requests,
            "prompt_tokens": sum(billed.tokens.values()) - billed.tokens["output"],
            "completion_tokens": billed.tokens["output"],
            "reasoning_tokens": 0,
        }
        for (day, route, model), billed in sorted(state.bill.days.items(), key=lambda item: item[0])
        if route == "openrouter" and (day < today or state.config.openrouter_activity_today)
    ]
    return Response.of_json({"data": rows})


def _bucket(state: State, day: date) -> dict[str, Any]:
    return {
        "starting_at": _midnight(day),
        "ending_at": _midnight(day + timedelta(days=1)),
        "results": [
            _result(model, billed)
            for (billed_day, route, model), billed in sorted(
                state.bill.days.items(), key=lambda item: item[0]
            )
            if billed_day == day and route == "anthropic"
        ],
    }


def _result(model: str, billed: BilledDay) -> dict[str, Any]:
    tokens = billed.tokens
    return {
        "model": model,
        "uncached_input_tokens": tokens["input"],
        "cache_read_input_tokens": tokens["read"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens["write_5m"],
            "ephemeral_1h_input_tokens": tokens["write_1h"],
        },
        "output_tokens": tokens["output"],
        "service_tier": None,
        "workspace_id": None,
        "api_key_id": None,
        "context_window": None,
        "server_tool_use": {"web_search_requests": 0},
    }


def _day(moment: str | None) -> date:
    try:
        return datetime.fromisoformat(moment or "").astimezone(UTC).date()
    except ValueError as error:
        raise bad_request("starting_at: Input should be a valid datetime") from error


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")
