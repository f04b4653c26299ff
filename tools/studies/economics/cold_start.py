"""A fleet with cold caches, and two hundred sessions in one second: what is written, and what is read."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from generation.model import Track, Urgency
from generation.model_call import AttemptRecord
from generation.plan import plan_exam
from generation.run_batch import READY
from providers.fallback import OrderedFallback
from tools.simulator.bill import BilledRequest
from tools.studies.economics.fleet import Memory, Site, chains_of, claim_of, run, spread


@dataclass(frozen=True, slots=True)
class ColdStart:
    sessions: int
    batches: int
    seed: int

    @property
    def arrival_s(self) -> float:
        """All of them come within it."""
        return 1.0


def cold_start(site: Site, asked: ColdStart) -> list[AttemptRecord]:
    """Every attempt of all sessions: each takes its first batch as a student who waits, the rest as prefetches."""
    return spread(site, _sit_all, asked)


def _sit_all(site: Site, number: int, asked: ColdStart) -> list[AttemptRecord]:
    ours = range(number, asked.sessions, max(1, site.processes))
    with (
        chains_of(site) as chains,
        ThreadPoolExecutor(max(64, 4 * len(ours))) as lanes,
        ThreadPoolExecutor(len(ours)) as sitters,
    ):
        began = time.monotonic()
        exam_sessions = [
            sitters.submit(_sit, chains[index % len(chains)], asked, index, began, lanes) for index in ours
        ]
        return [attempt for exam_session in exam_sessions for attempt in exam_session.result()]


def _sit(
    fallback: OrderedFallback, asked: ColdStart, index: int, began: float, lanes: ThreadPoolExecutor
) -> list[AttemptRecord]:
    rng = random.Random(f"{asked.seed}:{index}")
    time.sleep(max(0.0, began + rng.uniform(0, asked.arrival_s) - time.monotonic()))
    plan, memory = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=rng.randrange(2**31)), Memory()
    for batch in plan.batches[: asked.batches]:
        urgency = Urgency.PREFETCH if batch.index else Urgency.INTERACTIVE
        for _ in range(20):
            if run(fallback, claim_of(plan, batch, memory, urgency), memory, lanes).outcome == READY:
                break
    return memory.attempts


def figures(
    attempts: Iterable[AttemptRecord], bill: Iterable[BilledRequest], prefixes: int
) -> dict[str, Any]:
    """What must hold: one write a prefix, the hit rates, a reason for each miss."""
    attempts, entries = list(attempts), list(bill)
    later = [attempt for attempt in attempts if attempt.batch_index > 0]
    misses = [a for a in attempts if a.message_id and (a.usage.cache_written or not a.usage.cache_read)]
    return {
        "calls": len(attempts),
        "calls_billed": len(entries),
        "prefixes": prefixes,
        "calls_that_wrote": sum(entry.tokens.write_5m + entry.tokens.write_1h > 0 for entry in entries),
        "tokens_written": sum(entry.tokens.write_5m + entry.tokens.write_1h for entry in entries),
        "hit_rate": _hit_rate(attempts),
        "hit_rate_later_batches": _hit_rate(later),
        "misses": len(misses),
        "misses_without_reason": sum(attempt.cache_miss_reason is None for attempt in misses),
        "reasons": dict(Counter(attempt.cache_miss_reason for attempt in misses)),
        "outcomes": dict(Counter(attempt.outcome for attempt in attempts)),
    }


def _hit_rate(attempts: list[AttemptRecord]) -> float | None:
    """Of the tokens of shared prefixes, the share that was read rather than written."""
    read = sum(attempt.usage.cache_read for attempt in attempts)
    written = sum(attempt.usage.cache_written for attempt in attempts)
    return read / (read + written) if read + written else None
