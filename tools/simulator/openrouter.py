"""OpenRouter's own routes beside the messages one: key, models, and what a generation cost."""

from __future__ import annotations

from tools.simulator import rules
from tools.simulator.catalogue import catalogue
from tools.simulator.errors import ApiError
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.pricing import prices
from tools.simulator.state import State


async def key(state: State, request: Request, _connection: Connection) -> Response:
    rules.check_key(request.headers, bearer_only=True, refused=state.config.refused_key)
    used = float(state.bill.of_route("openrouter") / 1_000_000)
    credit = state.config.openrouter_credit_usd
    limit = None if credit is None else float(credit)
    return Response.of_json(
        {
            "data": {
                "label": "simulator",
                "usage": used,
                "limit": limit,
                "limit_remaining": None if limit is None else max(0.0, limit - used),
                "is_free_tier": False,
            }
        }
    )


async def list_models(_state: State, _request: Request, _connection: Connection) -> Response:
    """No key needed. Prices are dollars a token, as text."""
    rows = [
        {
            "id": model.openrouter,
            "name": f"Anthropic: {model.display_name}",
            "context_length": model.context,
            "pricing": {
                part: f"{float(prices()['models'][model.price][name]) / 1_000_000:.10f}"
                for part, name in (
                    ("prompt", "input"),
                    ("completion", "output"),
                    ("input_cache_read", "read"),
                )
            },
        }
        for model in catalogue().values()
    ]
    return Response.of_json({"data": rows})


async def generation(state: State, request: Request, _connection: Connection) -> Response:
    rules.check_key(request.headers, bearer_only=True, refused=state.config.refused_key)
    run_events = state.generations.get(request.query.get("id", ""))
    if run_events is None:
        raise ApiError(404, "Generation not found")
    return Response.of_json({"data": run_events})
