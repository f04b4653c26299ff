"""The way in: check the request, let faults strike, look up the cache, take from the limits, draft the reply."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tools.simulator import rules
from tools.simulator.asked import last_user_text, read_asked
from tools.simulator.catalogue import ModelProfile, callable_model, find_slug
from tools.simulator.errors import ApiError, bad_request
from tools.simulator.faults import Fault
from tools.simulator.http_server import Request
from tools.simulator.json_text import decode
from tools.simulator.limits import check_spend
from tools.simulator.prefix_cache import CachePlan, level_digests, prefix_of
from tools.simulator.reply import write_lines
from tools.simulator.script import Draft, limited
from tools.simulator.solving import read_posed, write_answers
from tools.simulator.state import ORGANIZATION, SeenRequest, State
from tools.simulator.text import Text

HTTP_FAULTS = {"overloaded": 529, "rate_limit": 429}
FAULT_MESSAGES = {529: "Overloaded", 429: "Rate limited", 500: "Internal server error"}


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request on its way to an answer."""

    seen: SeenRequest
    route: str
    profile: ModelProfile
    body: dict[str, Any]
    plan: CachePlan
    fault: Fault | None
    rng: Random
    message_id: str
    draft: Draft
    headers: dict[str, str]


def admit(state: State, request: Request, route: str, seen: SeenRequest) -> Call:
    rules.check_key(request.headers, bearer_only=route == "openrouter", refused=state.config.refused_key)
    body = seen.body = read_body(request)
    text = last_user_text(body)
    fault = state.faults.strike(route, str(body.get("model")), text, state.fault_rng)
    _raise_early(fault)
    openrouter = route == "openrouter"
    profile = _openrouter_model(state, body) if openrouter else checked_model(state, request, body)
    now = state.now()
    plan = state.caches[route].look_up(prefix_of(body, profile), profile, now)
    rules.check_size(plan.input + plan.read + plan.write_5m + plan.write_1h, profile)
    headers = {"request-id": seen.request_id}
    if route == "anthropic":
        check_spend(state.config, state.bill)
        state.limits.admit(profile.limits_group, plan.input + plan.write_5m + plan.write_1h, now)
        headers |= {
            "anthropic-organization-id": ORGANIZATION,
            **state.limits.headers(profile.limits_group, now),
        }
    message_id = state.next_id("msg")
    source = state.source_of(f"{profile.id}\n{text}")
    rng = Random(f"{state.config.seed}:pace:{source}")
    drafted = _draft(state, body, profile, plan=plan, message_id=message_id, source=source, route=route)
    draft = limited(drafted, fault, rng)
    return Call(seen, route, profile, body, plan, fault, rng, message_id, draft, headers)


def read_body(request: Request) -> dict[str, Any]:
    if len(request.body) > rules.MAX_BODY_BYTES:
        raise ApiError(413, "Request exceeds the maximum size")
    try:
        body = decode(request.body)
    except ValueError as error:
        raise bad_request("The request body is not valid JSON") from error
    if not isinstance(body, dict):
        raise bad_request("The request body is not a JSON object")
    return body


def checked_model(state: State, request: Request, body: dict[str, Any]) -> ModelProfile:
    """The model of an Anthropic request whose key, version and fields are in order. Raises ApiError."""
    version = rules.check_version(request.headers.get("anthropic-version"))
    rules.check_fields(body, version)
    config = state.config
    profile = callable_model(body["model"], config.current_day(), new_organization=config.new_organization)
    rules.check_request(body, profile, version)
    return profile


def _raise_early(fault: Fault | None) -> None:
    if fault is None or fault.kind not in {"http", *HTTP_FAULTS}:
        return
    status = HTTP_FAULTS.get(fault.kind, fault.status)
    raise ApiError(
        status,
        fault.message or FAULT_MESSAGES.get(status, "The simulator was told to fail"),
        kind=fault.error_type,
        error_code=fault.error_code,
        retry_after=fault.retry_after,
        flagged=fault.flagged,
    )


def _openrouter_model(state: State, body: dict[str, Any]) -> ModelProfile:
    """OpenRouter drops what a provider does not know, sampling among it; then the model's rules hold."""
    profile = find_slug(body.get("model"))
    if profile is None:
        raise ApiError(404, f"No endpoints found for {body.get('model')}.")
    credit = state.config.openrouter_credit_usd
    if credit is not None and state.bill.of_route("openrouter") >= credit * 1_000_000:
        raise ApiError(402, "Insufficient credits. Add more to continue.")
    known = {name: value for name, value in body.items() if name in rules.FIELDS}
    rules.check_shapes(known)
    if "messages" not in known:
        raise bad_request("messages: Field required")
    rules.check_request(known, profile, rules.VERSIONS[0])
    return profile


def _draft(
    state: State,
    body: dict[str, Any],
    profile: ModelProfile,
    *,
    plan: CachePlan,
    message_id: str,
    source: str,
    route: str,
) -> Draft:
    thinking = body.get("thinking") or {"type": profile.thinking_default}
    text = _text(state, last_user_text(body), source) if body["max_tokens"] else Text("")
    message: dict[str, Any] = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": body["model"] if route == "openrouter" else profile.id,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**usage_of(plan), "output_tokens": 1, "service_tier": "standard"},
        "diagnostics": None if route == "openrouter" else _diagnose(state, body, profile, message_id, plan),
    }
    text, sequence = _until_stop_sequence(text, body.get("stop_sequences") or [])
    message["stop_sequence"] = sequence
    return Draft(
        message=message,
        text=text,
        max_tokens=body["max_tokens"],
        thinking_tokens=_thinking_tokens(thinking, body, profile, source, text),
        show_thinking=thinking.get("display") == "summarized" or thinking["type"] == "enabled",
        reason="stop_sequence" if sequence else "end_turn" if body["max_tokens"] else "max_tokens",
        openrouter=route == "openrouter",
    )


def _text(state: State, user_text: str, source: str) -> Text:
    posed = read_posed(user_text)
    if posed:
        return Text(write_answers(posed, state.answers, state.config, source))
    asked = read_asked(user_text)
    return Text(write_lines(asked, state.config, source, state.answers.keep, state.memory))


def usage_of(plan: CachePlan) -> dict[str, Any]:
    return {
        "input_tokens": plan.input,
        "cache_read_input_tokens": plan.read,
        "cache_creation_input_tokens": plan.write_5m + plan.write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": plan.write_5m,
            "ephemeral_1h_input_tokens": plan.write_1h,
        },
    }


def _until_stop_sequence(text: Text, sequences: list[str]) -> tuple[Text, str | None]:
    """To look for one takes the whole text, so it is written only for a request that has some."""
    places = [(text.whole().find(sequence), sequence) for sequence in sequences if sequence]
    found = [place for place in places if place[0] >= 0]
    if not found:
        return text, None
    position, sequence = min(found)
    return Text(text.part(0, position)), sequence


def _thinking_tokens(
    thinking: dict[str, Any], body: dict[str, Any], profile: ModelProfile, source: str, text: Text
) -> int:
    """Adaptive thinking is skipped at low effort. There is none with thinking turned off or nothing to say."""
    effort = (body.get("output_config") or {}).get("effort") or profile.default_effort or "high"
    if thinking["type"] in {"disabled", "between_tools"} or (
        thinking["type"] == "adaptive" and effort == "low"
    ):
        return 0
    if not text.reaches(0):
        return 0
    scale = {"low": 1, "medium": 1, "high": 2, "xhigh": 4, "max": 8}[effort]
    tokens = scale * Random(f"thinking:{source}").randint(120, 360)
    room: int = body["max_tokens"]
    return min(tokens, int(thinking.get("budget_tokens", tokens)), room)


def _diagnose(
    state: State, body: dict[str, Any], profile: ModelProfile, message_id: str, plan: CachePlan
) -> dict[str, Any] | None:
    """Compare with the request that the caller names, level by level."""
    digests = level_digests(body, profile)
    prompt = plan.input + plan.read + plan.write_5m + plan.write_1h
    state.remember(message_id, digests, prompt)
    asked = body.get("diagnostics")
    if asked is None:
        return None
    previous_id = asked.get("previous_message_id")
    if previous_id is None:
        return {"cache_miss_reason": None}
    if previous_id not in state.digests:
        return {"cache_miss_reason": {"type": "previous_message_not_found"}}
    previous, previous_tokens = state.digests[previous_id]
    for level, digest in digests.items():
        if previous[level] != digest:
            missed = max(0, min(prompt, previous_tokens) - plan.read)
            return {"cache_miss_reason": {"type": f"{level}_changed", "cache_missed_input_tokens": missed}}
    return {"cache_miss_reason": None}
