"""The providers in order of preference, the first healthy one first; and who checks answers."""

from __future__ import annotations

from collections.abc import Sequence

from generation.errors import ProviderError
from generation.ports import LightWriter
from providers.breaker_rules import BreakerState
from providers.circuit_breaker import CircuitBreaker
from providers.claude import SOLVER, make_claude, make_solver
from providers.light_writer import LIGHT, make_light_writer
from providers.limits import LimitRules
from providers.messages_client import MessagesClient, Traffic
from providers.openrouter import make_openrouter
from providers.redis_scripts import RedisScripts
from providers.stream import StreamLimits
from providers.telemetry import ProviderTelemetry
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings


def make_fallback(
    claude: ClaudeSettings,
    openrouter: OpenRouterSettings,
    limits: GenerationSettings,
    *,
    traffic: TrafficSettings,
    scripts: RedisScripts | None = None,
    telemetry: ProviderTelemetry | None = None,
) -> OrderedFallback:
    """Claude first, then OpenRouter where it has a key. Make it once per process, after a fork.

    With `scripts` all workers have one breaker, one set of rate limits and one warm-up of each prefix. Without
    it a process pauses after a failure, keeps no limits but the provider's, and warms up by itself.
    """
    telemetry = telemetry or ProviderTelemetry()
    health = CircuitBreaker(scripts, telemetry=telemetry)
    shares = Traffic(scripts, _limit_rules(traffic), telemetry, health)
    stall_timeout_s, deadline_s = limits.generation_stall_timeout_s, limits.generation_run_deadline_s
    first = make_claude(claude, stall_timeout_s=stall_timeout_s, deadline_s=deadline_s, traffic=shares)
    providers = [first]
    fallback = make_openrouter(
        openrouter, claude, stall_timeout_s=stall_timeout_s, deadline_s=deadline_s, traffic=shares
    )
    if fallback is not None:
        providers.append(fallback)
    solver = make_solver(claude, first, stall_timeout_s=stall_timeout_s, traffic=shares)
    stream_limits = StreamLimits(stall_timeout_s, deadline_s)
    light = make_light_writer(claude, first, limits=stream_limits, traffic=shares)
    return OrderedFallback(providers, health, solver=solver, light=light)


def _limit_rules(traffic: TrafficSettings) -> LimitRules:
    return LimitRules(
        interactive_wait_s=traffic.traffic_interactive_wait_s,
        prefetch_wait_s=traffic.traffic_prefetch_wait_s,
        reserve=traffic.traffic_interactive_reserve,
        ramp_per_s=traffic.traffic_ramp_per_s,
        longest_pause_s=traffic.traffic_longest_pause_s,
    )


class OrderedFallback:
    """Implements generation.ports.SourceChain. Safe to use from many threads."""

    def __init__(
        self,
        providers: Sequence[MessagesClient],
        health: BreakerState | None = None,
        *,
        solver: MessagesClient | None = None,
        light: LightWriter | None = None,
    ) -> None:
        self.providers = tuple(providers)  #: in order of preference
        self.solver = solver
        self.light = light
        self._health = health or CircuitBreaker()

    def pick(self, excluded: frozenset[str]) -> MessagesClient | None:
        """The first provider that is neither excluded nor behind an open circuit breaker, or None: then the batch waits."""
        for provider in self.providers:
            if provider.name not in excluded and self._health.may_be_asked(provider.name):
                return provider
        return None

    def report(self, provider: str, error: ProviderError | None) -> None:
        """Report how a call to `provider` went; None means that it succeeded."""
        self._health.note(provider, error)

    def pick_light(self, provider: str) -> LightWriter | None:
        """The light writer beside this provider, unless there is none, or its circuit breaker is open."""
        if self.light is None or self.light.client.name != provider:
            return None
        return self.light if self._health.may_be_asked(LIGHT) else None

    def report_light(self, error: ProviderError | None) -> None:
        """Report how a call of the light writer went; None means that it succeeded."""
        self._health.note(LIGHT, error)

    @property
    def has_solver(self) -> bool:
        """Whether a solver is configured for answer checks."""
        return self.solver is not None

    def pick_solver(self) -> MessagesClient | None:
        """The solver, unless there is none, or a circuit breaker is open."""
        if self.solver is None or self._health.is_open(self.solver.name):
            return None
        return self.solver if self._health.may_be_asked(SOLVER) else None

    def report_solver(self, error: ProviderError | None) -> None:
        """Report how a call to the solver went; None means that it succeeded. It says nothing about who writes."""
        self._health.note(SOLVER, error)

    def close(self) -> None:
        """Close every connection of every provider; the solver has none of its own."""
        for provider in self.providers:
            provider.close()
