"""OpenRouter, the fallback: the same Messages wire, pinned to the provider that speaks it fully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from generation.model import Prompt
from providers.claude import line_of as claude_line_of
from providers.claude import make_warmup
from providers.client import Line, make_client
from providers.governor import Governor
from providers.messages import CacheTtl, request_body
from providers.profiles import profile_of
from providers.settling import GenerationRecord
from providers.source import MessagesSource, Traffic
from providers.stream import StreamLimits
from runtime.settings import ClaudeSettings, OpenRouterSettings

NAME = "openrouter"

#: Other providers would drop what they do not know (caching, thinking off) without a word, or keep our data.
_PIN: Mapping[str, Any] = {"only": ["anthropic"], "require_parameters": True, "data_collection": "deny"}


def make_openrouter(
    settings: OpenRouterSettings,
    claude: ClaudeSettings,
    *,
    stall_timeout_s: float,
    deadline_s: float,
    traffic: Traffic | None = None,
) -> MessagesSource | None:
    """The source for OPENROUTER_MODEL, or None without OPENROUTER_API_KEY.

    Effort, cache life and timeouts are Claude's, so that a batch reads the same whoever writes it.
    """
    if settings.openrouter_api_key is None:
        return None
    client = make_client(line_of(settings, claude), auth_token=settings.openrouter_api_key.get_secret_value())
    model = settings.openrouter_model
    traffic = traffic or Traffic()
    return MessagesSource(
        name=NAME,
        model=model,
        client=client,
        count=GenerationRecord(client),
        make_body=partial(_body, model=model, claude=claude),
        warmup=make_warmup(NAME, model, claude, traffic),
        governor=Governor(NAME, model, traffic.shared, rules=traffic.limits, signs=traffic.signs),
        health=traffic.health,
        limits=StreamLimits(stall_timeout_s, deadline_s),
    )


def line_of(settings: OpenRouterSettings, claude: ClaudeSettings) -> Line:
    return replace(claude_line_of(claude), base_url=settings.openrouter_base_url)


def _body(prompt: Prompt, cache_ttl: CacheTtl, *, model: str, claude: ClaudeSettings) -> dict[str, Any]:
    body = request_body(
        prompt,
        profile_of(model),
        model=model,
        effort=claude.claude_effort,
        cache_ttl=cache_ttl,
    )
    return body | {"provider": dict(_PIN)}
