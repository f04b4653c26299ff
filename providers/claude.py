"""Claude itself, or a simulator that speaks its language."""

from __future__ import annotations

from dataclasses import replace

from providers.cache_diagnostics import CacheDiagnostics
from providers.client import line_to, make_client
from providers.messages_client import Asking, MessagesClient, Traffic
from providers.stream import StreamLimits
from providers.telemetry import ProviderTelemetry
from providers.usage_recovery import TokenCounter
from runtime.settings import ClaudeSettings

NAME = "claude"

#: The solver has a circuit breaker of its own, by this name: its failures must not stop the writing.
SOLVER = "solver"

#: For a whole reply of the solver. No student waits for it when it begins; one may come meanwhile.
SOLVER_DEADLINE_S = 30.0

_LEAST_EFFORT = "low"

#: The key that the simulator is given; the settings allow that on this machine only.
_SIMULATOR_KEY = "simulator"


def make_claude(
    settings: ClaudeSettings,
    *,
    stall_timeout_s: float,
    deadline_s: float,
    traffic: Traffic | None = None,
) -> MessagesClient:
    """The provider for CLAUDE_MODEL. Opens no connection yet; make it once per process, after a fork.

    A call that brings no text for `stall_timeout_s`, or takes longer than `deadline_s`, is given up.
    Without `traffic` it keeps the rate limits and warms prefixes for this process alone.
    """
    key = settings.anthropic_api_key
    client = make_client(
        line_to(settings.address, settings),
        api_key=_SIMULATOR_KEY if key is None else key.get_secret_value(),
    )
    return MessagesClient(
        name=NAME,
        model=settings.claude_model,
        client=client,
        asking=Asking.of(settings, StreamLimits(stall_timeout_s, deadline_s)),
        traffic=traffic or Traffic(),
        count=TokenCounter(client, settings.claude_model),
        diagnostics=CacheDiagnostics(),
    )


def make_solver(
    settings: ClaudeSettings,
    writer: MessagesClient,
    *,
    stall_timeout_s: float,
    traffic: Traffic | None = None,
) -> MessagesClient | None:
    """The provider for SOLVER_MODEL, over the connections of `writer`, or None where it is off.

    It has rate limits of its own, as each model has, but no gauges: gauges describe the model that writes.
    """
    if settings.solver_model is None:
        return None
    traffic = replace(traffic or Traffic(), telemetry=ProviderTelemetry())
    return MessagesClient(
        name=NAME,
        model=settings.solver_model,
        client=writer.client,
        asking=Asking(_LEAST_EFFORT, None, StreamLimits(stall_timeout_s, SOLVER_DEADLINE_S)),
        traffic=traffic,
        count=TokenCounter(writer.client, settings.solver_model),
    )
