"""Claude itself, or a simulator that speaks its language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from generation.model import Prompt, StreamEvent
from generation.stop import StopSignal
from providers.client import Line, make_client
from providers.governor import Governor, Permit
from providers.messages import CacheTtl, request_body
from providers.profiles import profile_of
from providers.settling import TokenCounter
from providers.source import MessagesSource, Traffic
from providers.stream import StreamLimits
from providers.trail import CacheTrail
from providers.warmup import Flight, WarmUp
from runtime.settings import ClaudeSettings

NAME = "claude"

#: What the simulator is told where Claude would want a key; the settings allow that on this machine only.
_SIMULATOR_KEY = "simulator"


class ClaudeSource(MessagesSource):
    """Claude over its own API; asks why the cache was missed as well, which only Claude answers."""

    def __init__(self, trail: CacheTrail, **source: Any) -> None:
        super().__init__(**source)
        self._trail = trail

    @contextmanager
    def _streaming(
        self, prompt: Prompt, stop: StopSignal, flight: Flight, permit: Permit
    ) -> Iterator[Iterator[StreamEvent]]:
        with super()._streaming(prompt, stop, flight, permit) as events:
            yield self._trail.following(prompt, events)


def make_claude(
    settings: ClaudeSettings,
    *,
    stall_timeout_s: float,
    deadline_s: float,
    traffic: Traffic | None = None,
) -> ClaudeSource:
    """The source for CLAUDE_MODEL. Opens no connection yet; make it once per process, after a fork.

    A call that brings no text for `stall_timeout_s`, or takes longer than `deadline_s`, is given up.
    Without `traffic` it keeps the rate limits and warms prefixes for this process alone.
    """
    traffic = traffic or Traffic()
    trail = CacheTrail()
    key = settings.anthropic_api_key
    model = settings.claude_model
    client = make_client(line_of(settings), api_key=_SIMULATOR_KEY if key is None else key.get_secret_value())
    return ClaudeSource(
        trail,
        name=NAME,
        model=model,
        client=client,
        count=TokenCounter(client, model),
        make_body=partial(_body, settings=settings, trail=trail),
        warmup=make_warmup(NAME, model, settings, traffic),
        governor=Governor(NAME, model, traffic.shared, rules=traffic.limits, signs=traffic.signs),
        health=traffic.health,
        limits=StreamLimits(stall_timeout_s, deadline_s),
    )


def make_warmup(source: str, model: str, settings: ClaudeSettings, traffic: Traffic) -> WarmUp:
    """With the lifetime that CLAUDE_CACHE_TTL names, or the cheaper one each time."""
    ttl = settings.claude_cache_ttl
    return WarmUp(
        source,
        traffic.shared,
        ttl=None if ttl == "auto" else ttl,
        rates=profile_of(model).prices.rates,
        signs=traffic.signs,
    )


def line_of(settings: ClaudeSettings) -> Line:
    return Line(
        base_url=settings.address,
        connect_timeout_s=settings.claude_connect_timeout_s,
        read_timeout_s=settings.claude_read_timeout_s,
        max_connections=settings.claude_max_connections,
    )


def _body(
    prompt: Prompt, cache_ttl: CacheTtl, *, settings: ClaudeSettings, trail: CacheTrail
) -> dict[str, Any]:
    body = request_body(
        prompt,
        profile_of(settings.claude_model),
        model=settings.claude_model,
        effort=settings.claude_effort,
        cache_ttl=cache_ttl,
    )
    return body | {"diagnostics": {"previous_message_id": trail.previous(prompt)}}
