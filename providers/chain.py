"""The sources in order of preference, the first that is well first; and who gives second opinions."""

from __future__ import annotations

from collections.abc import Sequence

from generation.errors import ProviderError
from providers.breaker import SharedBreaker
from providers.claude import SOLVER, make_claude, make_solver
from providers.health import LocalHealth, SourceHealth
from providers.limits import LimitRules
from providers.openrouter import make_openrouter
from providers.shared import Shared
from providers.signs import Signs
from providers.source import MessagesSource, Traffic
from runtime.settings import ClaudeSettings, GenerationSettings, OpenRouterSettings, TrafficSettings


def make_chain(
    claude: ClaudeSettings,
    openrouter: OpenRouterSettings,
    limits: GenerationSettings,
    *,
    traffic: TrafficSettings,
    shared: Shared | None = None,
    signs: Signs | None = None,
) -> OrderedChain:
    """Claude first, then OpenRouter where it has a key. Make it once per process, after a fork.

    With `shared` all workers have one breaker, one set of rate limits and one warm-up of each prefix;
    without it every process has its own.
    """
    signs = signs or Signs()
    health = SharedBreaker(shared, signs=signs)
    shares = Traffic(shared, _limit_rules(traffic), signs, health)
    stall_timeout_s, deadline_s = limits.generation_stall_timeout_s, limits.generation_run_deadline_s
    first = make_claude(claude, stall_timeout_s=stall_timeout_s, deadline_s=deadline_s, traffic=shares)
    sources = [first]
    fallback = make_openrouter(
        openrouter, claude, stall_timeout_s=stall_timeout_s, deadline_s=deadline_s, traffic=shares
    )
    if fallback is not None:
        sources.append(fallback)
    solver = make_solver(claude, first, stall_timeout_s=stall_timeout_s, traffic=shares)
    return OrderedChain(sources, health, solver=solver)


def _limit_rules(traffic: TrafficSettings) -> LimitRules:
    return LimitRules(
        interactive_wait_s=traffic.traffic_interactive_wait_s,
        prefetch_wait_s=traffic.traffic_prefetch_wait_s,
        reserve=traffic.traffic_interactive_reserve,
        ramp_per_s=traffic.traffic_ramp_per_s,
        longest_pause_s=traffic.traffic_longest_pause_s,
    )


class OrderedChain:
    """Implements generation.ports.SourceChain. Safe to use from many threads."""

    def __init__(
        self,
        sources: Sequence[MessagesSource],
        health: SourceHealth | None = None,
        *,
        solver: MessagesSource | None = None,
    ) -> None:
        self.sources = tuple(sources)  #: in order of preference
        self.solver = solver
        self._health = health or LocalHealth()

    def pick(self, excluded: frozenset[str]) -> MessagesSource | None:
        """The first source that is neither excluded nor resting, or None: then the batch waits."""
        for source in self.sources:
            if source.name not in excluded and self._health.may_be_asked(source.name):
                return source
        return None

    def report(self, source: str, error: ProviderError | None) -> None:
        """Tell how a call to `source` went; None means well."""
        self._health.note(source, error)

    @property
    def has_solver(self) -> bool:
        """Whether anybody is ever asked for a second opinion."""
        return self.solver is not None

    def pick_solver(self) -> MessagesSource | None:
        """The solver, unless there is none, or it or its provider is resting."""
        if self.solver is None or self._health.is_resting(self.solver.name):
            return None
        return self.solver if self._health.may_be_asked(SOLVER) else None

    def report_solver(self, error: ProviderError | None) -> None:
        """Tell how a call to the solver went; None means well. It says nothing about who writes."""
        self._health.note(SOLVER, error)

    def close(self) -> None:
        """Close every connection of every source; the solver has none of its own."""
        for source in self.sources:
            source.close()
