"""The models that exist, what each accepts, and until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tools.simulator.errors import ApiError

EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING_TYPES = ("adaptive", "between_tools", "disabled", "enabled")


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """One row of the table of what each model accepts."""

    id: str
    display_name: str
    line: str
    created_at: str
    deprecated_at: str | None
    retires_at: str | None
    context: int
    max_output: int
    cache_minimum: int  #: tokens; a shorter prefix is silently not cached
    thinking_default: str
    thinking: tuple[str, ...]
    effort: tuple[str, ...]
    default_effort: str | None
    sampling: bool
    prefill: bool
    forced_tools: bool
    settings_level: str  #: from which cache level on thinking and effort split the prefix
    limits_group: str
    openrouter: str
    price: str
    aliases: tuple[str, ...]

    def lifecycle(self, day: date) -> str:
        if self.retires_at is not None and day >= date.fromisoformat(self.retires_at):
            return "retired"
        if self.deprecated_at is not None and day >= date.fromisoformat(self.deprecated_at):
            return "deprecated"
        return "active"

    def info(self, day: date) -> dict[str, Any]:
        """The model as the Models API shows it."""
        lifecycle = self.lifecycle(day)
        announced = lifecycle != "active"
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "line": self.line,
            "created_at": f"{self.created_at}T00:00:00Z",
            "lifecycle": lifecycle,
            "deprecated_at": f"{self.deprecated_at}T00:00:00Z" if announced else None,
            "retires_at": f"{self.retires_at}T00:00:00Z" if announced else None,
            "max_input_tokens": self.context,
            "max_tokens": self.max_output,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, Any]:
        yes = {"supported": True}
        return {
            "batch": yes,
            "citations": yes,
            "code_execution": yes,
            "context_management": {
                "supported": True,
                "clear_thinking_20251015": yes,
                "clear_tool_uses_20250919": yes,
                "compact_20260112": yes,
            },
            "effort": {
                "supported": bool(self.effort),
                **{level: {"supported": level in self.effort} for level in EFFORTS},
            },
            "image_input": yes,
            "pdf_input": yes,
            "server_tools": {"supported": True, "code_execution": yes, "web_fetch": yes, "web_search": yes},
            "structured_outputs": yes,
            "thinking": {
                "supported": True,
                "types": {kind: {"supported": kind in self.thinking} for kind in THINKING_TYPES},
            },
        }


@cache
def catalogue() -> Mapping[str, ModelProfile]:
    """Every model by its id, newest first."""
    rows = json.loads(Path(__file__).with_name("models.json").read_text(encoding="utf-8"))
    return {name: _profile(name, row) for name, row in rows.items()}


def _profile(name: str, row: dict[str, Any]) -> ModelProfile:
    """JSON has lists where the profile has tuples."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    return ModelProfile(id=name, **values)


def find_model(name: object) -> ModelProfile | None:
    """By id or alias."""
    for profile in catalogue().values():
        if name == profile.id or name in profile.aliases:
            return profile
    return None


def find_slug(slug: object) -> ModelProfile | None:
    """By OpenRouter's name for it."""
    if slug == "~anthropic/claude-sonnet-latest":
        return find_model("claude-sonnet-5-5")
    return next((profile for profile in catalogue().values() if profile.openrouter == slug), None)


def callable_model(name: object, day: date, *, new_organization: bool = False) -> ModelProfile:
    """The model a request may use today. Raises a 404 for an unknown, retired or closed one."""
    profile = find_model(name)
    lifecycle = profile.lifecycle(day) if profile else "retired"
    if profile is None or lifecycle == "retired" or (lifecycle == "deprecated" and new_organization):
        raise ApiError(404, f"model: {name}")
    return profile
