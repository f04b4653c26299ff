"""Asks OpenRouter about our key: it has no Models API of Claude's kind, and the fallback is needed when all else fails."""

from __future__ import annotations

from contextlib import closing

import anthropic
import httpx2
from pydantic import BaseModel

from providers.client import line_to, make_client
from providers.model_check import ModelCheck, is_simulator
from runtime.settings import ClaudeSettings, OpenRouterSettings

_TIMEOUT_S = 10


class _Key(BaseModel):
    limit_remaining: float | None = None  #: dollars; None: no limit


class _Answer(BaseModel):
    data: _Key


def check_openrouter_key(settings: OpenRouterSettings, claude: ClaudeSettings) -> ModelCheck | None:
    """Whether the key is accepted and has credit left; None without a key. Takes seconds at most, and costs nothing."""
    if settings.openrouter_api_key is None:
        return None
    token = settings.openrouter_api_key.get_secret_value()
    with closing(make_client(line_to(settings.openrouter_base_url, claude), auth_token=token)) as client:
        try:
            answer = client.get("/v1/key", cast_to=httpx2.Response, options={"timeout": _TIMEOUT_S})
            remaining = _Answer.model_validate_json(answer.content).data.limit_remaining
        except (anthropic.AuthenticationError, anthropic.PermissionDeniedError):
            return ModelCheck(stop="OPENROUTER_API_KEY is not accepted. Set a valid key.")
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError):  # no JSON, or another shape
            return ModelCheck(warnings=("OpenRouter could not be asked about the key.",))
    if remaining is not None and remaining <= 0:
        return ModelCheck(stop="OPENROUTER_API_KEY has spent its limit. Raise it, or top up.")
    return ModelCheck(is_simulator=is_simulator(answer.headers))
