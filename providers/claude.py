"""Claude itself, or a simulator that speaks its language."""

from __future__ import annotations

from providers.client import line_to, make_client
from providers.settling import TokenCounter
from providers.source import GATHER_S, Asking, MessagesSource, Traffic
from providers.stream import StreamLimits
from providers.trail import CacheTrail
from runtime.settings import ClaudeSettings

NAME = "claude"

#: What the simulator is told where Claude would want a key; the settings allow that on this machine only.
_SIMULATOR_KEY = "simulator"


def make_claude(
    settings: ClaudeSettings,
    *,
    stall_timeout_s: float,
    deadline_s: float,
    gather_s: float = GATHER_S,
    traffic: Traffic | None = None,
) -> MessagesSource:
    """The source for CLAUDE_MODEL. Opens no connection yet; make it once per process, after a fork.

    A call that brings no text for `stall_timeout_s`, or takes longer than `deadline_s`, is given up.
    Without `traffic` it keeps the rate limits and warms prefixes for this process alone.
    """
    key = settings.anthropic_api_key
    client = make_client(
        line_to(settings.address, settings),
        api_key=_SIMULATOR_KEY if key is None else key.get_secret_value(),
    )
    return MessagesSource(
        name=NAME,
        model=settings.claude_model,
        client=client,
        asking=Asking.of(settings, StreamLimits(stall_timeout_s, deadline_s, gather_s)),
        traffic=traffic or Traffic(),
        count=TokenCounter(client, settings.claude_model),
        trail=CacheTrail(),
    )
