"""`python -m tools.studies.economics.without_redis`: what a fleet pays and waits when Redis is away, and when it is not.

Students ask for their first batch at about the same moment, ten calls each. By default each has one run:
Redis is the broker, so when it is away the runs under way are all there are, and a batch that is given back
waits for it. More runs and a longer arrival show what it would be like if they could begin.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any

import typer

from generation.model import Track, Urgency
from generation.model_call import AttemptRecord
from generation.plan import plan_exam
from generation.run_batch import READY
from providers.fallback import OrderedFallback
from runtime.settings import GenerationSettings
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator
from tools.stack.embedded import EmbeddedRedis
from tools.studies.economics.fleet import Memory, Site, chains_of, claim_of, run

_NOBODY_LISTENS = "redis://127.0.0.1:1/0"
_PROCESSES = 2  #: each has one chain: they know of each other through Redis alone
_HEALS_AFTER_S = 10.0  #: where there is no fallback


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with Claude besides. `Fault`s last as long as the batches do."""

    students: int = 20
    faults: tuple[Fault, ...] = ()
    with_fallback: bool = True
    rpm: int = 0


_DOWN = (Fault("http", status=500, route="anthropic"),)
TROUBLES = {
    "cold": Trouble(students=40),
    "down": Trouble(faults=_DOWN),
    "down_for_10_s_alone": Trouble(faults=_DOWN, with_fallback=False),
    "dies_in_mid_stream": Trouble(faults=(Fault("cut", after_chars=300, route="anthropic"),)),
    "hangs": Trouble(students=10, faults=(Fault("stall", after_chars=300, route="anthropic"),)),
    "busy": Trouble(faults=(Fault("rate_limit", rate=0.5, retry_after=3, route="anthropic"),)),
    "limited": Trouble(rpm=120),
    "limited_alone": Trouble(rpm=120, with_fallback=False),
}


@dataclass(frozen=True, slots=True)
class Pressure:
    """How the students come, and how often each one's batch is run."""

    arrive_within_s: float
    runs: int
    seed: int


@dataclass(frozen=True, slots=True)
class Tried:
    ready_after_s: float | None
    attempts: tuple[AttemptRecord, ...]


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Of the troubles; all without.")] = None,
    arrive_within_s: float = 1.0,
    runs: Annotated[int, typer.Option(min=1, help="Of each batch, with production's pauses.")] = 1,
    seed: int = 1,
    only_away: Annotated[bool, typer.Option(help="Leave out the runs with Redis there.")] = False,
) -> None:
    """One line of JSON for each trouble, with Redis there and with Redis away."""
    pressure = Pressure(arrive_within_s, runs, seed)
    for name in names or TROUBLES:
        for redis in ("away",) if only_away else ("there", "away"):
            found = measure(TROUBLES[name], redis_there=redis == "there", pressure=pressure)
            print(json.dumps({"trouble": name, "redis": redis} | found), flush=True)


def measure(trouble: Trouble, *, redis_there: bool, pressure: Pressure) -> dict[str, Any]:
    with (
        EmbeddedRedis(durable=False) if redis_there else nullcontext() as redis,
        RunningSimulator(seed=pressure.seed, speed=4, rpm=trouble.rpm) as simulator,
    ):
        url = redis.url if redis else _NOBODY_LISTENS
        site = Site(simulator.url, url, "bench:", trouble.with_fallback, processes=0, chains=_PROCESSES)
        simulator.faults.extend(trouble.faults)
        heals = threading.Timer(_HEALS_AFTER_S, simulator.faults.clear)
        if not trouble.with_fallback:
            heals.start()
        tried = _try_all(site, trouble, pressure)
        heals.cancel()
        return _figures(tried, simulator)


def _try_all(site: Site, trouble: Trouble, pressure: Pressure) -> list[Tried]:
    with (
        chains_of(site) as chains,
        ThreadPoolExecutor(10 * trouble.students) as lanes,
        ThreadPoolExecutor(trouble.students) as students,
    ):
        trying = [
            students.submit(_try, chains[index % len(chains)], pressure, index, lanes)
            for index in range(trouble.students)
        ]
        return [one.result() for one in trying]


def _try(fallback: OrderedFallback, pressure: Pressure, index: int, lanes: ThreadPoolExecutor) -> Tried:
    rng, limits = random.Random(f"{pressure.seed}:{index}"), GenerationSettings()
    time.sleep(rng.uniform(0, pressure.arrive_within_s))
    plan, memory = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=rng.randrange(2**31)), Memory()
    began = time.monotonic()
    for number in range(1, pressure.runs + 1):
        result = run(fallback, claim_of(plan, plan.batches[0], memory, Urgency.INTERACTIVE), memory, lanes)
        if result.outcome == READY:
            return Tried(time.monotonic() - began, tuple(memory.attempts))
        bound_s = min(limits.generation_backoff_cap_s / 4, limits.generation_retry_base_s * 2**number)
        time.sleep(max(result.retry_after_s or 0, rng.uniform(bound_s / 2, bound_s)))
    return Tried(None, tuple(memory.attempts))


def _figures(tried: Sequence[Tried], simulator: RunningSimulator) -> dict[str, Any]:
    attempts = [attempt for one in tried for attempt in one.attempts]
    waited = sorted(one.ready_after_s for one in tried if one.ready_after_s is not None)
    billed = simulator.bill().entries
    to_claude = [attempt for attempt in attempts if attempt.provider == "claude"]
    return {
        "ready": f"{len(waited)}/{len(tried)}",
        "ready_p50_s": round(median(waited), 1) if waited else None,
        "ready_worst_s": round(waited[-1], 1) if waited else None,
        "calls_to_claude": len(to_claude),
        "of_them_failed": sum(attempt.outcome != "complete" for attempt in to_claude),
        "busy": sum(attempt.outcome == "provider_busy" for attempt in to_claude),
        "calls_to_fallback": len(attempts) - len(to_claude),
        "cache_writes": sum(entry.tokens.write_5m + entry.tokens.write_1h > 0 for entry in billed),
        "cost_cents": round(float(sum(entry.cost_microdollars for entry in billed)) / 10_000, 2),
    }


if __name__ == "__main__":
    typer.run(main)
