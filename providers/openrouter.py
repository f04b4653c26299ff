"""OpenRouter, the fallback: the same Messages protocol, pinned to the provider that speaks it fully."""

from __future__ import annotations

from typing import Any, Final

from providers.client import line_to, make_client
from providers.messages_client import Asking, MessagesClient, Traffic
from providers.stream import StreamLimits
from providers.usage_recovery import GenerationRecord
from runtime.settings import ClaudeSettings, OpenRouterSettings

NAME = "openrouter"

#: Other providers would drop what they do not know (caching, thinking off) without a word, or keep our data.
_PIN: Final[dict[str, Any]] = {"only": ["anthropic"], "require_parameters": True, "data_collection": "deny"}


def make_openrouter(
    settings: OpenRouterSettings,
    claude: ClaudeSettings,
    *,
    stall_timeout_s: float,
    deadline_s: float,
    traffic: Traffic | None = None,
) -> MessagesClient | None:
    """The provider for OPENROUTER_MODEL, or None without OPENROUTER_API_KEY.

    Effort, cache life and timeouts are Claude's, so that a batch reads the same whichever provider writes it.
    """
    if settings.openrouter_api_key is None:
        return None
    client = make_client(
        line_to(settings.openrouter_base_url, claude),
        auth_token=settings.openrouter_api_key.get_secret_value(),
    )
    limits = StreamLimits(stall_timeout_s, deadline_s)
    return MessagesClient(
        name=NAME,
        model=settings.openrouter_model,
        client=client,
        asking=Asking.of(claude, limits, also={"provider": _PIN}),
        traffic=traffic or Traffic(),
        count=GenerationRecord(client),
    )
