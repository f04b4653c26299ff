"""Message batches, minimal but real: created, in progress for a while, then ended with results at half price."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.simulator import rules
from tools.simulator.admission import read_body, usage_of
from tools.simulator.asked import last_user_text, read_asked
from tools.simulator.bill import BilledRequest
from tools.simulator.catalogue import ModelProfile, callable_model
from tools.simulator.errors import ApiError, bad_request
from tools.simulator.http_server import Connection, Request, Response
from tools.simulator.messages import tokens_of
from tools.simulator.prefix_cache import CachePlan, prefix_of
from tools.simulator.pricing import cost_microdollars
from tools.simulator.reply import write_reply
from tools.simulator.state import State
from tools.simulator.tokens import count_tokens

MAX_ITEMS = 100_000
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass
class MessageBatch:
    id: str
    items: list[dict[str, Any]]
    version: str
    created: datetime
    ends: datetime
    canceled: datetime | None = None
    results: list[dict[str, Any]] = field(default_factory=list)

    def status(self) -> str:
        if self.results:
            return "ended"
        return "canceling" if self.canceled else "in_progress"

    def to_json(self, base: str) -> dict[str, Any]:
        kinds = [result["result"]["type"] for result in self.results]
        ended = bool(self.results)
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": self.status(),
            "request_counts": {
                "processing": 0 if ended else len(self.items),
                **{kind: kinds.count(kind) for kind in ("succeeded", "errored", "canceled", "expired")},
            },
            "created_at": self.created.isoformat(),
            "expires_at": (self.created + timedelta(hours=24)).isoformat(),
            "ended_at": self.ends.isoformat() if ended else None,
            "cancel_initiated_at": self.canceled.isoformat() if self.canceled else None,
            "archived_at": None,
            "results_url": f"{base}/v1/messages/batches/{self.id}/results" if ended else None,
        }


async def create(state: State, request: Request, _connection: Connection) -> Response:
    rules.check_key(request.headers, refused=state.config.refused_key)
    version = rules.check_version(request.headers.get("anthropic-version"))
    items = read_body(request).get("requests")
    _check_items(items)
    created = datetime.now(UTC)
    ends = created + timedelta(seconds=state.config.batch_s / state.config.speed)
    batch = MessageBatch(state.next_id("msgbatch"), list(items or []), version, created, ends)
    state.batches[batch.id] = batch
    return Response.of_json(batch.to_json(_base(request)), headers={"request-id": state.next_id("req")})


async def show(state: State, request: Request, _connection: Connection) -> Response:
    """The batch, or its results as JSON lines once it has ended."""
    batch, action = _named(state, request)
    if datetime.now(UTC) >= batch.ends and not batch.results:
        batch.results = [_run_item(state, batch, item) for item in batch.items]
    headers = {"request-id": state.next_id("req")}
    if action != "results":
        return Response.of_json(batch.to_json(_base(request)), headers=headers)
    if not batch.results:
        raise bad_request("The batch has not ended: its results are not available yet.")
    lines = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in batch.results)
    return Response(200, lines.encode(), {"content-type": "application/x-jsonl", **headers})


async def cancel(state: State, request: Request, _connection: Connection) -> Response:
    batch, action = _named(state, request)
    if action != "cancel":
        raise ApiError(404, f"There is no {request.path}")
    if not batch.results:
        batch.canceled = batch.canceled or datetime.now(UTC)
    return Response.of_json(batch.to_json(_base(request)), headers={"request-id": state.next_id("req")})


def _named(state: State, request: Request) -> tuple[MessageBatch, str]:
    rules.check_key(request.headers, refused=state.config.refused_key)
    name, _, action = request.path.removeprefix("/v1/messages/batches/").partition("/")
    batch = state.batches.get(name)
    if batch is None:
        raise ApiError(404, f"message_batch: {name}")
    return batch, action


def _check_items(items: Any) -> None:
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise bad_request(f"requests: between 1 and {MAX_ITEMS} requests are required")
    names = [str(item.get("custom_id", "")) for item in items]
    for name in names:
        if not CUSTOM_ID.fullmatch(name):
            raise bad_request(f"requests: custom_id {name!r} does not match {CUSTOM_ID.pattern}")
    if len(set(names)) < len(names):
        raise bad_request("requests: custom_id must be unique within a batch")


def _run_item(state: State, batch: MessageBatch, item: dict[str, Any]) -> dict[str, Any]:
    if batch.canceled:
        return {"custom_id": item["custom_id"], "result": {"type": "canceled"}}
    try:
        message = _message(state, item.get("params") or {}, batch.version)
    except ApiError as error:
        result = {"type": "errored", "error": error.body(state.next_id("req"))}
        return {"custom_id": item["custom_id"], "result": result}
    return {"custom_id": item["custom_id"], "result": {"type": "succeeded", "message": message}}


def _message(state: State, params: dict[str, Any], version: str) -> dict[str, Any]:
    rules.check_fields(params, version)
    if params.get("stream") or params.get("speed") or params.get("max_tokens") == 0:
        raise bad_request("stream, speed and max_tokens 0 are not supported in message batches.")
    profile = callable_model(params["model"], state.config.current_day())
    rules.check_request(params, profile, version)
    plan = state.caches["anthropic"].look_up(prefix_of(params, profile), profile, state.now())
    state.caches["anthropic"].begin(plan)
    text = last_user_text(params)
    reply = write_reply(
        read_asked(text), state.config, state.source_of(f"{profile.id}\n{text}"), state.memory
    )
    message_id = state.next_id("msg")
    output = min(count_tokens(reply), params["max_tokens"])
    _put_on_bill(state, profile, plan, message_id, output)
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": profile.id,
        "content": [{"type": "text", "text": reply}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {**usage_of(plan), "output_tokens": output, "service_tier": "batch"},
    }


def _put_on_bill(state: State, profile: ModelProfile, plan: CachePlan, message_id: str, output: int) -> None:
    tokens = tokens_of(plan, output)
    state.bill.add(
        BilledRequest(
            request_id=state.next_id("req"),
            message_id=message_id,
            route="batch",
            model=profile.id,
            tokens=tokens,
            cost_microdollars=cost_microdollars(profile.price, tokens, in_batch=True),
            outcome="complete",
            stop_reason="end_turn",
        )
    )


def _base(request: Request) -> str:
    return f"http://{request.headers.get('host', '127.0.0.1')}"
