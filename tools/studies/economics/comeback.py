"""All students ask at one instant, as after an API that was away, and one call in ten fails at once.

`python -m tools.studies.economics.comeback`: how often the circuit breaker opens, how many runs end without a call,
and how long the batches take. No fallback: what a breaker closes for nothing, nobody else writes.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from generation.model import Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import PROVIDERS_UNAVAILABLE, READY
from providers.fallback import OrderedFallback
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator
from tools.stack.embedded import EmbeddedRedis
from tools.studies.economics.fleet import Memory, Site, chains_of, claim_of, run

#: The rates of the long chaos run, those that fail before the first token.
FAULTS = (Fault("overloaded", rate=0.03), Fault("reset_early", rate=0.04), Fault("cut", rate=0.03))
_PAUSE_S = 2.0  #: a run that ended without a call is tried again after this
_GIVES_UP_AFTER = 40  #: runs


@dataclass(frozen=True, slots=True)
class Comeback:
    """What a run of it showed."""

    batches: int
    ready: int
    runs: int
    runs_without_a_call: int
    calls: int
    calls_failed: int
    ready_p50_s: float
    ready_p95_s: float
    ready_worst_s: float


def main(
    students: Annotated[int, typer.Option(min=1, help="Who ask at one instant.")] = 40,
    speed: Annotated[float, typer.Option(min=0.1, help="Of the simulator.")] = 4,
    seed: Annotated[int, typer.Option(help="Of faults and questions.")] = 1,
) -> None:
    """Measure it, and print JSON."""
    with (
        EmbeddedRedis(durable=False) as redis,
        RunningSimulator(seed=seed, speed=speed) as simulator,
        chains_of(
            Site(simulator.url, redis.url, "bench:", with_fallback=False, processes=0, chains=4)
        ) as chains,
    ):
        simulator.faults.extend(FAULTS)
        print(json.dumps(asdict(measure(chains, students, seed))))


def measure(chains: list[OrderedFallback], students: int, seed: int) -> Comeback:
    """The students' first batches, begun together."""
    with ThreadPoolExecutor(students * 10) as lanes, ThreadPoolExecutor(students) as seats:
        done = list(
            seats.map(
                lambda number: _sit(chains[number % len(chains)], seed + number, lanes), range(students)
            )
        )
    waits = sorted(wait_s for _, _, wait_s, _ in done)
    attempts = [attempt for memory, *_ in done for attempt in memory.attempts]
    return Comeback(
        batches=students,
        ready=sum(is_ready for *_, is_ready in done),
        runs=sum(len(outcomes) for _, outcomes, *_ in done),
        runs_without_a_call=sum(outcomes.count(PROVIDERS_UNAVAILABLE) for _, outcomes, *_ in done),
        calls=len(attempts),
        calls_failed=sum(attempt.outcome != "complete" for attempt in attempts),
        ready_p50_s=round(waits[len(waits) // 2], 1),
        ready_p95_s=round(waits[int(len(waits) * 0.95)], 1),
        ready_worst_s=round(waits[-1], 1),
    )


def _sit(
    fallback: OrderedFallback, seed: int, lanes: ThreadPoolExecutor
) -> tuple[Memory, list[str], float, bool]:
    plan, memory = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed), Memory()
    outcomes: list[str] = []
    began = time.monotonic()
    while len(outcomes) < _GIVES_UP_AFTER:
        claim = claim_of(plan, plan.batches[0], memory, Urgency.INTERACTIVE)
        outcomes.append(run(fallback, claim, memory, lanes).outcome)
        if outcomes[-1] == READY:
            break
        time.sleep(_PAUSE_S)
    return memory, outcomes, time.monotonic() - began, outcomes[-1] == READY


if __name__ == "__main__":
    typer.run(main)
