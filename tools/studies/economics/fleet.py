"""Worker processes without a queue: each has chains of its own, which know of each other through Redis alone."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

import structlog
from prometheus_client import CollectorRegistry

from generation.cancellation import CancellationSignal
from generation.model import Batch, Claim, Plan, Question, SessionKind, Slot, Track, Urgency
from generation.model_call import AttemptRecord
from generation.run_batch import RunLimits, RunResult, run_batch
from generation.run_events import AttemptEnded, RunEvent
from generation.verdicts import Finding
from providers.fallback import OrderedFallback, make_fallback
from providers.redis_scripts import RedisScripts
from providers.telemetry import ProviderTelemetry
from runtime.metrics import Metrics
from runtime.redis import make_redis
from runtime.settings import (
    ClaudeSettings,
    Environment,
    GenerationSettings,
    OpenRouterSettings,
    RedisSettings,
    TrafficSettings,
)

R = TypeVar("R")
RUN_LIMITS = RunLimits(max_rounds=6, lanes=10)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a fleet works. Small enough to be sent to other processes."""

    simulator_url: str
    redis_url: str
    prefix: str
    with_fallback: bool = True
    processes: int = 2  #: 0: in this one
    chains: int = 2  #: of each process, as if they were processes


def spread(site: Site, work: Callable[..., list[R]], *args: object) -> list[R]:
    """What `work(site, number, *args)` returns for each process's number, one after another."""
    if site.processes == 0:
        return work(site, 0, *args)
    context = multiprocessing.get_context("spawn")  # sockets and threads must not cross a fork
    with ProcessPoolExecutor(site.processes, mp_context=context, initializer=_quiet) as pool:
        futures = [pool.submit(work, site, number, *args) for number in range(site.processes)]
        return [item for future in futures for item in future.result()]


def _quiet() -> None:
    """A line for every call that waits would drown the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def chains_of(site: Site) -> Iterator[list[OrderedFallback]]:
    """This process's chains, with nothing in common but the Redis they were told of."""
    chains = [_chain(site) for _ in range(site.chains)]
    try:
        yield chains
    finally:
        for fallback in chains:
            fallback.close()


def _chain(site: Site) -> OrderedFallback:
    development = {"tafawoq_env": Environment.DEVELOPMENT}
    redis = make_redis(RedisSettings.model_validate({"redis_url": site.redis_url}), timeout_s=0.5)
    openrouter = {
        "openrouter_api_key": "simulator" if site.with_fallback else None,
        "openrouter_base_url": f"{site.simulator_url}/api",
    }
    return make_fallback(
        ClaudeSettings.model_validate(development | {"claude_base_url": site.simulator_url}),
        OpenRouterSettings.model_validate(development | openrouter),
        GenerationSettings(),
        traffic=TrafficSettings(),
        scripts=RedisScripts(redis, prefix=site.prefix),
        telemetry=ProviderTelemetry(Metrics(CollectorRegistry())),
    )


@dataclass
class Memory:
    """Keeps questions and attempts as the store does, for one session. Store, ledger and observer at once."""

    questions: dict[int, Question] = field(default_factory=dict)
    attempts: list[AttemptRecord] = field(default_factory=list)
    repeated: int = 0

    def accept(self, _claim: Claim, question: Question, _attempt: UUID, _provider: str) -> None:
        self.repeated += question.slot.position in self.questions
        self.questions[question.slot.position] = question

    def unchecked(self, _claim: Claim) -> tuple[Question, ...]:
        return ()  # what is measured here is the writing

    def settle_verdicts(self, _claim: Claim, _given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        return ()

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None: ...

    def finish_short(self, claim: Claim) -> None: ...

    def finish(self, claim: Claim) -> None: ...

    def open(self, attempt: AttemptRecord) -> None: ...

    def close(self, attempt: AttemptRecord) -> None: ...

    def notice(self, event: RunEvent) -> None:
        if isinstance(event, AttemptEnded):
            self.attempts.append(event.attempt)


def claim_of(plan: Plan, batch: Batch, memory: Memory, urgency: Urgency) -> Claim:
    """The claim on what is still open of a batch."""
    slots = tuple(slot for slot in plan.slots_of(batch) if slot.position not in memory.questions)
    return Claim(
        session_id=uuid4(),
        kind=SessionKind.EXAM,
        track=Track.SCIENTIFIC,
        batch=batch,
        seed=plan.seed,
        epoch=1,
        urgency=urgency,
        runs=1,
        failures=0,
        open_slots=slots,
        earlier=(),
    )


def run(fallback: OrderedFallback, claim: Claim, memory: Memory, lanes: ThreadPoolExecutor) -> RunResult:
    return run_batch(
        claim,
        providers=fallback,
        store=memory,
        ledger=memory,
        observer=memory,
        stop=CancellationSignal(),
        limits=RUN_LIMITS,
        lanes=lanes,
    )
