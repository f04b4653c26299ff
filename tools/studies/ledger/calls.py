"""Makes a given number of model calls through the whole writing side: claims, runs, sources, real rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from generation.cancellation import CancellationSignal
from generation.errors import ProviderError
from generation.model import BatchStatus, Claim, Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import READY, RunLimits, run_batch
from generation.run_events import AttemptEnded, QuestionRejected, RunEvent
from providers.claude import make_claude
from providers.fallback import OrderedFallback
from providers.limits import LimitRules
from providers.messages_client import Traffic
from providers.openrouter import make_openrouter
from providers.read_pacing import LONGEST_GATHER_S, READS_PER_S, ReadPacing
from runtime.settings import ClaudeSettings, Environment, OpenRouterSettings
from tools.simulator.running import RunningSimulator

#: Our time limit for a word of a reply, and for all of it. Short, because many replies stall on purpose.
STALL_TIMEOUT_S = 1.5
DEADLINE_S = 60.0

_LEASE_S = 600.0
_LIMITS = RunLimits(max_rounds=6, lanes=2)


@dataclass
class Tally:
    """Counts calls, and stops everybody when there are enough. Implements generation.ports.Observer."""

    wanted: int
    calls: int = 0
    rejections: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def is_full(self) -> bool:
        return self.calls >= self.wanted

    def notice(self, event: RunEvent) -> None:
        with self._lock:
            if isinstance(event, AttemptEnded):
                self.calls += 1
            elif isinstance(event, QuestionRejected):
                self.rejections[event.reason] += 1


def make_calls(engine: Engine, simulator: RunningSimulator, *, wanted: int, seed: int, threads: int) -> Tally:
    """Take exams until `wanted` calls have been made, a few more when runs are under way; then stop."""
    tally = Tally(wanted)
    seeds = count(seed)
    with (
        providers_of(simulator) as providers,
        ThreadPoolExecutor(threads * _LIMITS.lanes) as lanes,
        ThreadPoolExecutor(threads) as sitters,
    ):
        sitter = _Sitter(engine, providers, lanes, tally)
        for exam_session in [sitters.submit(sitter.sit, seeds) for _ in range(threads)]:
            exam_session.result()
    return tally


@contextmanager
def providers_of(simulator: RunningSimulator) -> Iterator[OrderedFallback]:
    """Claude, then OpenRouter, both always asked again at once: here every call counts, also the tenth."""
    settings = {"tafawoq_env": Environment.DEVELOPMENT, "claude_base_url": simulator.url}
    claude = ClaudeSettings.model_validate(settings)
    openrouter = OpenRouterSettings.model_validate(
        {"openrouter_api_key": "simulator", "openrouter_base_url": simulator.openrouter_url}
    )
    # As long as in earnest, on the simulator's clock: or its haste would fill the socket meanwhile, and a reset
    # take what did not fit.
    speed = simulator.config.speed
    read_pacing = ReadPacing(READS_PER_S * speed, LONGEST_GATHER_S / speed)
    traffic = Traffic(limits=LimitRules(longest_pause_s=0.001, ramp_per_s=10_000), read_pacing=read_pacing)
    limits: dict[str, Any] = {
        "stall_timeout_s": STALL_TIMEOUT_S,
        "deadline_s": DEADLINE_S,
        "traffic": traffic,
    }
    fallback = make_openrouter(openrouter, claude, **limits)
    assert fallback is not None  # noqa: S101 - it has a key
    chain = OrderedFallback([make_claude(claude, **limits), fallback], _AlwaysWell())
    try:
        yield chain
    finally:
        chain.close()


class _AlwaysWell:
    """A memory that bears no grudge."""

    def may_be_asked(self, provider: str) -> bool:
        return bool(provider)

    def is_open(self, provider: str) -> bool:
        return not provider

    def note(self, provider: str, error: ProviderError | None) -> None: ...

    def serving(self, provider: str) -> AbstractContextManager[Callable[[], object]]:
        return nullcontext(lambda: bool(provider))


@dataclass(frozen=True)
class _Sitter:
    engine: Engine
    providers: OrderedFallback
    lanes: ThreadPoolExecutor
    tally: Tally

    def sit(self, seeds: Iterator[int]) -> None:
        """One exam after another."""
        sessions, batches = SessionStore(self.engine), BatchStore(self.engine)
        while not self.tally.is_full():
            plan = plan_exam(Track.SCIENTIFIC, seed=next(seeds), batch_size=10)
            session_id = sessions.create(uuid4(), plan).session_id
            for batch in plan.batches:
                urgency = Urgency.INTERACTIVE if batch.index % 2 else Urgency.PREFETCH
                while not self.tally.is_full() and not self._fill(batches, session_id, batch.index, urgency):
                    pass

    def _fill(self, batches: BatchStore, session_id: UUID, batch_index: int, urgency: Urgency) -> bool:
        """One run; True when the batch is ready."""
        if batches.request(session_id, batch_index, urgency).status is BatchStatus.READY:
            return True
        claim = batches.claim(session_id, batch_index, "bench", _LEASE_S)
        assert claim is not None  # noqa: S101 - nobody else knows of this session
        outcome = self._run(batches, claim)
        if outcome != READY:
            batches.release(claim, 0, outcome, counts_as_failure=False)
        return outcome == READY

    def _run(self, batches: BatchStore, claim: Claim) -> str:
        return run_batch(
            claim,
            providers=self.providers,
            store=batches,
            ledger=LedgerStore(self.engine),
            observer=self.tally,
            stop=CancellationSignal(),
            limits=_LIMITS,
            lanes=self.lanes,
        ).outcome
