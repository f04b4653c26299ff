"""POST /v1/messages, and OpenRouter's twin of it: play or send the reply, then put it on the bill."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any

from tools.simulator.admission import Call, admit
from tools.simulator.bill import BilledRequest
from tools.simulator.errors import ApiError
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.left import whole_lines
from tools.simulator.player import Played, play
from tools.simulator.prefix_cache import CachePlan
from tools.simulator.pricing import TokenCounts, cost_microdollars
from tools.simulator.script import SIGNATURE, THOUGHT, Draft, Pace, make_script, output_tokens
from tools.simulator.state import ORGANIZATION, SeenRequest, State


async def anthropic_messages(state: State, request: Request, connection: Connection) -> Response | None:
    return await _messages(state, request, connection, "anthropic")


async def openrouter_messages(state: State, request: Request, connection: Connection) -> Response | None:
    return await _messages(state, request, connection, "openrouter")


async def _messages(state: State, request: Request, connection: Connection, route: str) -> Response | None:
    arrived = asyncio.get_running_loop().time()
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
        return await _answer(state, call, connection, arrived)
    except ApiError as error:
        seen.status, seen.outcome = error.status, error.kind
        headers = {"request-id": seen.request_id, "anthropic-organization-id": ORGANIZATION}
        body = error.body(seen.request_id, openrouter=route == "openrouter")
        return Response.of_json(body, status=error.status, headers=headers | error.headers())


async def _answer(state: State, call: Call, connection: Connection, arrived: float) -> Response | None:
    state.open_streams += 1
    state.peak_streams = max(state.peak_streams, state.open_streams)
    try:
        if call.fault is not None and call.fault.kind == "reset_early":
            call.seen.outcome = "reset"
            connection.reset()
            return None
        if call.body.get("stream"):
            await _stream(state, call, connection, arrived)
            return None
        return await _whole(state, call, connection)
    finally:
        state.open_streams -= 1


async def _stream(state: State, call: Call, connection: Connection, arrived: float) -> None:
    pace = Pace(state.config, call.rng, call.fault)
    cost = partial(_dollars, call) if call.route == "openrouter" else None
    script = make_script(replace(call.draft, cost=cost), pace, call.rng, call.fault)
    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        **call.headers,
    }
    if call.route == "openrouter":
        headers["x-generation-id"] = call.message_id
    call.seen.status = 200
    await play(
        script,
        connection,
        state.config,
        headers,
        arrived=arrived,
        begun=lambda: state.caches[call.route].begin(call.plan),
        settle=lambda played: _account(state, call, played),
        done_mark=call.route == "openrouter" and state.config.openrouter_done,
    )


async def _whole(state: State, call: Call, connection: Connection) -> Response | None:
    pace = Pace(state.config, call.rng, call.fault)
    tokens = output_tokens(call.draft)
    await asyncio.sleep((pace.first_s + tokens * pace.token_s) / state.config.speed)
    if connection.gone or await _interrupted(call, connection):
        call.seen.outcome = "client_gone" if call.fault is None else call.fault.kind
        return None
    state.caches[call.route].begin(call.plan)
    _account(state, call, Played("complete", tokens, call.draft.text.whole().count("\n")))
    call.seen.status = 200
    message = dict(call.draft.message)
    headers = dict(call.headers)
    usage = {**message["usage"], "output_tokens": tokens}
    if call.route == "openrouter":
        cost = _dollars(call, tokens)
        usage |= {"cost": cost, "cost_details": {"upstream_inference_cost": None}, "is_byok": False}
        message["provider"] = "Anthropic"
        headers["x-generation-id"] = call.message_id
    message |= {
        "content": _content(call.draft),
        "stop_reason": call.draft.stop_reason,
        "stop_details": call.draft.stop_details,
        "usage": usage,
    }
    return Response.of_json(message, headers=headers)


def _content(draft: Draft) -> list[dict[str, Any]]:
    """The thinking block comes first, so that a client that takes content[0] for the answer fails here."""
    blocks: list[dict[str, Any]] = []
    if draft.thinking_tokens:
        thought = THOUGHT if draft.show_thinking else ""
        blocks.append({"type": "thinking", "thinking": thought, "signature": SIGNATURE})
    text = draft.text.whole()
    if text:
        blocks.append({"type": "text", "text": text})
    return blocks


async def _interrupted(call: Call, connection: Connection) -> bool:
    """Whether a fault takes the place of a whole answer: there is no middle of it to strike in."""
    kind = call.fault.kind if call.fault is not None else None
    if kind == "error_event":
        raise ApiError(529, "Overloaded")
    if kind in {"cut", "no_stop"}:
        connection.cut()
    elif kind == "reset":
        connection.reset()
    elif kind == "stall":
        await connection.until_gone()
    return kind in {"cut", "no_stop", "reset", "stall"}


def _dollars(call: Call, output: int) -> float:
    """What the reply costs when it has so many tokens."""
    tokens = tokens_of(call.plan, output)
    return float(cost_microdollars(call.profile.price, tokens) / 1_000_000)


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
            lines=played.lines,
            ended_at=time.time(),
            left=whole_lines(call.draft.text.written, played.lines) if state.config.itemized else (),
        )
    )
    if call.route == "openrouter":
        _record_generation(state, call, played, tokens)


def _record_generation(state: State, call: Call, played: Played, tokens: TokenCounts) -> None:
    """OpenRouter's own account of a call, which says what a reply that broke off was billed."""
    record = {
        "id": call.message_id,
        "model": call.body["model"],
        "total_cost": float(cost_microdollars(call.profile.price, tokens) / 1_000_000),
        "native_tokens_prompt": tokens.prompt,
        "native_tokens_cached": tokens.read,
        "native_tokens_completion": tokens.output,
        "finish_reason": call.draft.stop_reason if played.outcome == "complete" else None,
        "cancelled": played.outcome == "client_gone",
    }
    state.remember_generation(call.message_id, record)
