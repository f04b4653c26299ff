"""Everything one running simulator knows: its configuration, caches, limits, bill, and what it has seen."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tools.simulator.bill import Bill
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.memory import Memory
from tools.simulator.faults import FaultBook
from tools.simulator.limits import RateLimits
from tools.simulator.prefix_cache import PromptCache
from tools.simulator.solving import Answers

KEPT_REQUESTS = 500
KEPT_MESSAGES = 20_000
ORGANIZATION = "org_local_simulator"


@dataclass
class SeenRequest:
    """One call as it arrived, and what became of it."""

    at: float  #: seconds since the epoch
    method: str
    path: str
    headers: dict[str, str]  #: without the key
    body: dict[str, Any]
    request_id: str
    status: int = 0  #: 0 while it is being answered
    outcome: str = "open"

    def to_json(self, *, bodies: bool = False) -> dict[str, Any]:
        shown = {name: value for name, value in vars(self).items() if name != "body"}
        model = self.body.get("model")
        return shown | {"model": model} | ({"body": self.body} if bodies else {})


@dataclass
class State:
    config: SimulatorConfig = field(default_factory=SimulatorConfig)
    faults: FaultBook = field(default_factory=FaultBook)
    bill: Bill = field(default_factory=Bill)
    requests: list[SeenRequest] = field(default_factory=list)
    batches: dict[str, Any] = field(default_factory=dict)
    generations: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)
    digests: OrderedDict[str, tuple[dict[str, str], int]] = field(default_factory=OrderedDict)
    answers: Answers = field(default_factory=Answers)
    memory: Memory = field(default_factory=Memory)
    open_streams: int = 0
    peak_streams: int = 0
    served: int = 0

    def __post_init__(self) -> None:
        self.limits = RateLimits(self.config)
        self.caches = {"anthropic": PromptCache(), "openrouter": PromptCache()}
        self.started = time.monotonic()
        self.fault_rng = Random(f"{self.config.seed}:faults")
        self._asked_before: Counter[str] = Counter()

    def now(self) -> float:
        """The clock of cache lifetimes and limits."""
        passed = time.monotonic() - self.started
        return passed * self.config.speed if self.config.scaled_clock else passed

    def next_id(self, prefix: str) -> str:
        self.served += 1
        digest = hashlib.sha256(f"{prefix}:{self.config.seed}:{self.started}:{self.served}".encode())
        return f"{prefix}_{digest.hexdigest()[:24]}"

    def source_of(self, text: str) -> str:
        """Names one answer: the same words get another answer the second time, in the same order each run."""
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        self._asked_before[digest] += 1
        return f"{digest}:{self._asked_before[digest]}"

    def see(self, request: SeenRequest) -> None:
        self.requests.append(request)
        del self.requests[:-KEPT_REQUESTS]

    def remember(self, message_id: str, digests: dict[str, str], prompt_tokens: int) -> None:
        """Keep what a later request's diagnostics are compared with."""
        self.digests[message_id] = (digests, prompt_tokens)
        while len(self.digests) > KEPT_MESSAGES:
            self.digests.popitem(last=False)

    def remember_generation(self, generation_id: str, run_events: dict[str, Any]) -> None:
        self.generations[generation_id] = run_events
        while len(self.generations) > KEPT_MESSAGES:
            self.generations.popitem(last=False)

    def reset(self) -> None:
        """Forget everything but the configuration."""
        self.faults.faults.clear()
        self.bill.clear()
        self.requests.clear()
        self.batches.clear()
        self.digests.clear()
        self.generations.clear()
        self.answers.clear()
        self.memory.clear()
        for cache in self.caches.values():
            cache.clear()
        self.limits = RateLimits(self.config)
        self._asked_before.clear()
        self.peak_streams = self.open_streams
