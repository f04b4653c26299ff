"""OpenRouter, the fallback: the same Messages wire, pinned to the provider that speaks it fully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from generation.model import Prompt
from providers.claude import line_of
from providers.client import make_client
from providers.messages import CacheTtl, request_body
from providers.profiles import profile_of
from providers.settling import GenerationRecord
from providers.source import MessagesSource
from providers.stream import StreamLimits
from runtime.settings import ClaudeSettings, OpenRouterSettings

NAME = "openrouter"

#: Other providers would drop what they do not know (caching, thinking off) without a word, or keep our data.
_PIN: Mapping[str, Any] = {"only": ["anthropic"], "require_parameters": True, "data_collection": "deny"}


def make_openrouter(
    settings: OpenRouterSettings, claude: ClaudeSettings, *, stall_timeout_s: float, deadline_s: float
) -> MessagesSource | None:
    """The source for OPENROUTER_MODEL, or None without OPENROUTER_API_KEY.

    Effort, cache life and timeouts are Claude's, so that a batch reads the same whoever writes it.
    """
    if settings.openrouter_api_key is None:
        return None
    line = replace(line_of(claude), base_url=settings.openrouter_base_url)
    client = make_client(line, auth_token=settings.openrouter_api_key.get_secret_value())
    return MessagesSource(
        name=NAME,
        model=settings.openrouter_model,
        client=client,
        count=GenerationRecord(client),
        make_body=partial(_body, model=settings.openrouter_model, claude=claude),
        cache_ttl=cast("CacheTtl", claude.claude_cache_ttl),
        limits=StreamLimits(stall_timeout_s, deadline_s),
    )


def _body(prompt: Prompt, *, model: str, claude: ClaudeSettings) -> dict[str, Any]:
    body = request_body(
        prompt,
        profile_of(model),
        model=model,
        effort=claude.claude_effort,
        cache_ttl=cast("CacheTtl", claude.claude_cache_ttl),
    )
    return body | {"provider": dict(_PIN)}
