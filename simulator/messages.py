"""POST /v1/messages, and OpenRouter's twin of it: play or send the reply, then put it on the bill."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

from simulator.admission import Call, admit
from simulator.bill import BilledRequest
from simulator.errors import ApiError
from simulator.http_server import Connection, Request, Response
from simulator.player import Played, play
from simulator.prefix_cache import CachePlan
from simulator.pricing import TokenCounts, cost_microdollars
from simulator.script import Pace, make_script, output_tokens
from simulator.state import ORGANIZATION, SeenRequest, State


async def anthropic_messages(state: State, request: Request, connection: Connection) -> Response | None:
    return await _messages(state, request, connection, "anthropic")


async def openrouter_messages(state: State, request: Request, connection: Connection) -> Response | None:
    return await _messages(state, request, connection, "openrouter")


async def _messages(state: State, request: Request, connection: Connection, route: str) -> Response | None:
    seen = SeenRequest(
        at=time.time(),
        method=request.method,
        path=request.path,
        headers={k: v for k, v in request.headers.items() if k not in {"x-api-key", "authorization"}},
        body={},
        request_id=state.next_id("req"),
    )
    state.see(seen)
    try:
        call = admit(state, request, route, seen)
        return await _answer(state, call, connection)
    except ApiError as error:
        seen.status, seen.outcome = error.status, error.kind
        headers = {"request-id": seen.request_id, "anthropic-organization-id": ORGANIZATION}
        body = error.body(seen.request_id, openrouter=route == "openrouter")
        return Response.of_json(body, status=error.status, headers=headers | error.headers())


async def _answer(state: State, call: Call, connection: Connection) -> Response | None:
    state.open_streams += 1
    state.peak_streams = max(state.peak_streams, state.open_streams)
    try:
        if call.fault is not None and call.fault.kind == "reset_early":
            call.seen.outcome = "reset"
            connection.reset()
            return None
        if call.body.get("stream"):
            await _stream(state, call, connection)
            return None
        return await _whole(state, call, connection)
    finally:
        state.open_streams -= 1


async def _stream(state: State, call: Call, connection: Connection) -> None:
    pace = Pace(state.config, call.rng, call.fault)
    if call.route == "openrouter":
        call.draft.extra_usage["cost"] = float(_cost(call, output_tokens(call.draft)) / 1_000_000)
        state.remember_generation(
            call.message_id, {"id": call.message_id, "total_cost": call.draft.extra_usage["cost"]}
        )
    script = make_script(call.draft, pace, call.rng, call.fault)
    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        **call.headers,
    }
    if call.route == "openrouter":
        headers["x-generation-id"] = call.message_id
    call.seen.status = 200
    played = await play(
        script,
        connection,
        state.config,
        headers,
        begun=lambda: state.caches[call.route].begin(call.plan),
        done_mark=call.route == "openrouter" and state.config.openrouter_done,
    )
    _account(state, call, played)


async def _whole(state: State, call: Call, connection: Connection) -> Response | None:
    pace = Pace(state.config, call.rng, call.fault)
    tokens = output_tokens(call.draft)
    await asyncio.sleep((pace.first_s + tokens * pace.token_s) / state.config.speed)
    if connection.gone:
        call.seen.outcome = "client_gone"
        return None
    state.caches[call.route].begin(call.plan)
    _account(state, call, Played("complete", tokens))
    call.seen.status = 200
    message = dict(call.draft.message)
    usage = {**message["usage"], "output_tokens": tokens}
    headers = dict(call.headers)
    if call.route == "openrouter":
        cost = float(_cost(call, tokens) / 1_000_000)
        usage |= {"cost": cost, "cost_details": {"upstream_inference_cost": None}, "is_byok": False}
        message["provider"] = "Anthropic"
        headers["x-generation-id"] = call.message_id
        state.remember_generation(call.message_id, {"id": call.message_id, "total_cost": cost})
    content = [{"type": "text", "text": call.draft.text}] if call.draft.text else []
    message |= {
        "content": content,
        "stop_reason": call.draft.stop_reason,
        "stop_details": call.draft.stop_details,
        "usage": usage,
    }
    return Response.of_json(message, headers=headers)


def _cost(call: Call, output: int) -> Decimal:
    return cost_microdollars(call.profile.price, tokens_of(call.plan, output))


def tokens_of(plan: CachePlan, output: int) -> TokenCounts:
    return TokenCounts(plan.input, plan.read, plan.write_5m, plan.write_1h, output)


def _account(state: State, call: Call, played: Played) -> None:
    """What has begun is paid for, up to the last token that left; what has not begun is free."""
    call.seen.outcome = played.outcome
    if played.tokens is None:
        return
    state.limits.produced(call.profile.limits_group, played.tokens, state.now())
    tokens = tokens_of(call.plan, played.tokens)
    state.bill.add(
        BilledRequest(
            request_id=call.seen.request_id,
            message_id=call.message_id,
            route=call.route,
            model=call.profile.id,
            tokens=tokens,
            cost_microdollars=cost_microdollars(call.profile.price, tokens),
            outcome=played.outcome,
            stop_reason=call.draft.stop_reason if played.outcome == "complete" else None,
        )
    )
