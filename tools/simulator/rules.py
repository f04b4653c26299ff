"""What the Messages API refuses before it spends a token: one small check a rule, in the order of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tools.simulator.catalogue import EFFORTS, THINKING_TYPES, ModelProfile
from tools.simulator.errors import ApiError, bad_request
from tools.simulator.schema_rules import check_schema

VERSIONS = ("2023-06-01", "2026-10-21")
STRICT_VERSION = "2026-10-21"
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_BREAKPOINTS = 4
MIN_BUDGET_TOKENS = 1024
OBJECTS = ("thinking", "output_config", "tool_choice", "diagnostics", "metadata", "cache_control")
LISTS = ("messages", "tools", "stop_sequences")
SAMPLING_DEFAULTS: dict[str, Any] = {"temperature": 1, "top_p": None, "top_k": None}
FIELDS = frozenset(
    {
        "model",
        "max_tokens",
        "messages",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "metadata",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "thinking",
        "tool_choice",
        "tools",
        "user_profile_id",
        "workspace_id",
    }
)


def check_request(body: dict[str, Any], profile: ModelProfile, version: str) -> None:
    """Raises the 400 that the real API would answer with."""
    for rule in _RULES:
        rule(body, profile, version)


def check_fields(body: dict[str, Any], version: str) -> None:
    """Needs no model: what is missing, what is unknown, what has the wrong shape."""
    known = FIELDS if version >= STRICT_VERSION else FIELDS | SAMPLING_DEFAULTS.keys()
    for name in ("model", "messages"):
        if name not in body:
            raise bad_request(f"{name}: Field required")
    for name in body:
        if name not in known:
            raise bad_request(f"{name}: Extra inputs are not permitted")
    check_shapes(body)


def check_shapes(body: dict[str, Any]) -> None:
    """The rules below rely on these."""
    for name in OBJECTS:
        if not isinstance(body.get(name), dict | None):
            raise bad_request(f"{name}: Input should be an object")
    for name in LISTS:
        if not isinstance(body.get(name), list | None):
            raise bad_request(f"{name}: Input should be a list")
    for tool in body.get("tools") or []:
        if not isinstance(tool, dict):
            raise bad_request("tools: every tool must be an object")


def is_forced(body: dict[str, Any]) -> bool:
    return (body.get("tool_choice") or {}).get("type") in {"any", "tool"}


def _sampling(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    for name, default in SAMPLING_DEFAULTS.items():
        if name in body and not profile.sampling and body[name] != default:
            raise bad_request(f"{name}: only the default value is supported for this model.")


def _max_tokens(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    wanted = body.get("max_tokens")
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise bad_request("max_tokens: Field required")
    if not 0 <= wanted <= profile.max_output:
        raise bad_request(
            f"max_tokens: {wanted} is not between 0 and {profile.max_output}, the model's limit."
        )
    if wanted == 0:
        _check_prewarm(body)


def _check_prewarm(body: dict[str, Any]) -> None:
    refused = {
        "stream": bool(body.get("stream")),
        "thinking.type enabled": (body.get("thinking") or {}).get("type") == "enabled",
        "output_config.format": bool((body.get("output_config") or {}).get("format")),
        "tool_choice any or tool": is_forced(body),
    }
    for name, present in refused.items():
        if present:
            raise bad_request(f"max_tokens: 0 is not supported together with {name}.")


def _messages(body: dict[str, Any], _profile: ModelProfile, version: str) -> None:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise bad_request("messages: at least one message is required")
    if not all(isinstance(message, dict) for message in messages):
        raise bad_request("messages: Input should be an object")
    if messages[0].get("role") != "user":
        raise bad_request("messages: first message must use the user role")
    for i, message in enumerate(messages):
        _message(i, message, version)


def _message(i: int, message: dict[str, Any], version: str) -> None:
    role, content = str(message.get("role")), message.get("content")
    if role not in {"user", "assistant"}:
        raise bad_request(f"messages.{i}.role: Input should be 'user' or 'assistant'")
    if not isinstance(content, str | list) or not content or not str(content).strip():
        raise bad_request(f"messages.{i}: user messages must have non-empty content")
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict) or "type" not in block:
            raise bad_request(f"messages.{i}.content: every block must have a type")
        if block["type"] == "text" and not str(block.get("text", "")).strip():
            raise bad_request(f"messages.{i}: text content blocks must be non-empty")
        if version >= STRICT_VERSION:
            _check_strict_block(i, role, block)


def _check_strict_block(i: int, role: str, block: dict[str, Any]) -> None:
    if role == "assistant" and block["type"] == "document":
        raise bad_request(f"messages.{i}.content: document blocks are not permitted in assistant messages")
    if role == "user" and block["type"] == "text" and block.get("citations"):
        raise bad_request(f"messages.{i}.content: citations are not permitted on user text blocks")


def _system(body: dict[str, Any], _profile: ModelProfile, _version: str) -> None:
    system = body.get("system")
    if system is None or isinstance(system, str):
        return
    texts = isinstance(system, list) and all(
        isinstance(block, dict) and block.get("type") == "text" and block.get("text") for block in system
    )
    if not texts:
        raise bad_request("system: must be a text or a list of text blocks that are not empty")


def _prefill(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    if body["messages"][-1]["role"] != "assistant":
        return
    if not profile.prefill:
        raise bad_request(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    if (body.get("output_config") or {}).get("format"):
        raise bad_request("output_config.format: not supported together with assistant message prefill.")


def _thinking(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in THINKING_TYPES or kind not in profile.thinking:
        raise bad_request(f'thinking.type: "{kind}" is not supported for this model.')
    if kind in {"between_tools", "disabled"}:
        _check_thinking_off(kind, thinking, body, profile)
    if kind == "enabled":
        _check_budget(thinking, body)


def _check_thinking_off(
    kind: str, thinking: dict[str, Any], body: dict[str, Any], profile: ModelProfile
) -> None:
    extra = sorted(thinking.keys() - {"type"})
    if extra:
        raise bad_request(f"thinking.{extra[0]}: Extra inputs are not permitted")
    effort = (body.get("output_config") or {}).get("effort")
    if effort in {"xhigh", "max"} and profile.thinking_default == "adaptive":
        raise bad_request(f'thinking.type: "{kind}" is not supported with effort "{effort}".')


def _check_budget(thinking: dict[str, Any], body: dict[str, Any]) -> None:
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < MIN_BUDGET_TOKENS:
        raise bad_request(
            f"thinking.budget_tokens: Input should be greater than or equal to {MIN_BUDGET_TOKENS}"
        )
    if budget >= body["max_tokens"]:
        raise bad_request("max_tokens must be greater than thinking.budget_tokens")


def _output_config(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    config = body.get("output_config") or {}
    effort = config.get("effort")
    if effort is not None and effort not in EFFORTS:
        raise bad_request(f"output_config.effort: Input should be one of {', '.join(EFFORTS)}")
    if effort is not None and effort not in profile.effort:
        raise bad_request(f'output_config.effort: "{effort}" is not supported for this model.')
    if config.get("format") is not None:
        check_schema(config["format"])


def _tools(body: dict[str, Any], profile: ModelProfile, _version: str) -> None:
    if not is_forced(body):
        return
    if not profile.forced_tools:
        raise bad_request('tool_choice: type "tool" and "any" are not supported for this model.')
    if not body.get("tools"):
        raise bad_request("tool_choice: may only be specified while providing tools.")
    thinks = (body.get("thinking") or {}).get("type") in {"enabled", "adaptive"}
    if thinks and profile.thinking_default == "disabled":
        raise bad_request("Thinking may not be enabled when tool_choice forces tool use.")


def _breakpoints(body: dict[str, Any], _profile: ModelProfile, _version: str) -> None:
    lifetimes = [_lifetime(control) for control in _controls(body)]
    if len(lifetimes) > MAX_BREAKPOINTS:
        raise bad_request(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(lifetimes)}."
        )
    if lifetimes != sorted(lifetimes):
        raise bad_request("cache_control.ttl: a ttl of '1h' must not come after a ttl of '5m'.")


def _controls(body: dict[str, Any]) -> Iterator[Any]:
    """Every breakpoint in prefix order, the automatic one last."""
    contents = [body.get("tools"), body.get("system")]
    contents += [message["content"] for message in body["messages"]]
    for content in contents:
        for block in content if isinstance(content, list) else []:
            if block.get("cache_control") is not None:
                if block.get("type") == "thinking":
                    raise bad_request("cache_control: not permitted on thinking blocks.")
                yield block["cache_control"]
    if body.get("cache_control") is not None:
        yield body["cache_control"]


def _lifetime(control: Any) -> str:
    """Sorts as the API wants it: "1h" before "5m"."""
    ttl = control.get("ttl") or "5m" if isinstance(control, dict) else None
    if ttl not in {"5m", "1h"} or control.get("type") != "ephemeral":
        raise bad_request("cache_control: must be of type 'ephemeral' with a ttl of '5m' or '1h'.")
    return str(ttl)


def check_size(prompt_tokens: int, profile: ModelProfile) -> None:
    if prompt_tokens > profile.context:
        raise bad_request(f"prompt is too long: {prompt_tokens} tokens > {profile.context} maximum")


def check_version(version: str | None) -> str:
    if version is None:
        raise bad_request("anthropic-version: header is required")
    if version not in VERSIONS:
        raise bad_request(f"anthropic-version: {version!r} is not a valid version")
    return version


def check_key(headers: dict[str, str], *, bearer_only: bool = False, refused: str = "invalid") -> str:
    """Any key is good but the refused one; x-api-key wins over a bearer token."""
    bearer = headers.get("authorization", "").removeprefix("Bearer").strip()
    key = bearer if bearer_only else headers.get("x-api-key") or bearer
    if not key or key == refused:
        raise ApiError(401, "invalid x-api-key")
    return key


_RULES: tuple[Callable[[dict[str, Any], ModelProfile, str], None], ...] = (
    _messages,
    _max_tokens,
    _system,
    _sampling,
    _prefill,
    _thinking,
    _output_config,
    _tools,
    _breakpoints,
)
