"""`python -m tools.studies.economics`: what caching, rate limits and the fallback must show, with a fleet of workers.

Prints a table, and JSON with `--json`. Exit code 0 when every figure holds, 1 when one does not.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from redis import Redis
from rich.console import Console
from rich.table import Table

from generation.errors import ProviderBusy
from generation.model import Urgency
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator
from tools.stack.embedded import EmbeddedRedis
from tools.studies.economics import cold_start, outage, overload, rates
from tools.studies.economics.fleet import Site

Seed = Annotated[int, typer.Option(help="Of sessions, arrivals, faults and questions.")]
Out = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")]

#: Simulated tokens of one question, about.
_TOKENS_A_CALL = 230
_DRAIN_S = 25.0  #: until a full bucket and the backlog have met
_START_S = 5.0  #: of the processes


def main(
    sessions: Annotated[int, typer.Option(min=1, help="That start cold within one second.")] = 200,
    window_s: Annotated[float, typer.Option(min=5, help="Of the measured overload, each time.")] = 60,
    outage_s: Annotated[float, typer.Option(min=5, help="How long Claude is dead.")] = 40,
    seed: Seed = 1,
    out: Out = None,
) -> None:
    """Measure all of it."""
    found = {
        "seed": seed,
        "cold_start": measure_cold_start(sessions, seed),
        "requests": measure_rates({"rpm": 600}, window_s, seed),
        "output": measure_rates({"otpm": 600 * _TOKENS_A_CALL}, window_s, seed),
        "ramp": measure_ramp(seed),
        "outage": measure_outage(outage_s, seed),
        "overload": measure_overload(30, seed, retry_after_s=None),
        "overload_with_a_time": measure_overload(30, seed, retry_after_s=1.0),
    }
    checks = list(_checks(found))
    if out is not None:
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    _show(checks)
    print(json.dumps(found))
    sys.exit(0 if all(holds for *_, holds in checks) else 1)


def measure_cold_start(sessions: int, seed: int, *, speed: float = 10) -> dict[str, Any]:
    with _site(seed=seed, speed=speed) as (simulator, site):
        attempts = cold_start.cold_start(site, cold_start.ColdStart(sessions, 10, seed))
        return cold_start.figures(attempts, simulator.bill().entries, prefixes=2)


def measure_rates(limits: dict[str, int], window_s: float, seed: int) -> dict[str, Any]:
    """Students alone, then the same students while prefetches ask for twice what is allowed."""
    calls_per_s = min(limit / 60 / (1 if name == "rpm" else _TOKENS_A_CALL) for name, limit in limits.items())
    found: dict[str, Any] = {"limits": limits}
    for name, factor in (("students_alone", 0.0), ("saturated", 2.0)):
        with _site(seed=seed, speed=4, with_fallback=False, **limits) as (_, site):
            begins_at = time.time() + _START_S
            window = (begins_at + _DRAIN_S, begins_at + _DRAIN_S + window_s)
            load = rates.Load(
                first_batches_per_s=0.2 * calls_per_s / 10,
                prefetch_calls_per_s=factor * calls_per_s,
                begins_at=begins_at,
                ends_at=window[1],
                seed=seed,
                backlog=round(60 * calls_per_s) if factor else 0,
            )
            done = rates.offer(site, load)
            found[name] = rates.figures(done, window=window, limits=limits)
            found[name] |= {"first_batches": rates.latencies(done, window=window)}
    alone, saturated = (found[name]["first_batches"] for name in ("students_alone", "saturated"))
    found["first_batch_slower"] = {
        cut: round(saturated[cut] / alone[cut] - 1, 3) for cut in ("mean_s", "p50_s", "p95_s")
    }
    return found


def measure_ramp(seed: int, *, sessions: int = 120, speed: float = 4) -> dict[str, Any]:
    """First batches of ten calls each, all in one second, where a hundred new calls a second are allowed."""
    with _site(seed=seed, speed=speed, with_fallback=False, acceleration_per_s=100) as (simulator, site):
        began = time.monotonic()
        attempts = cold_start.cold_start(site, cold_start.ColdStart(sessions, 1, seed))
        found = cold_start.figures(attempts, simulator.bill().entries, prefixes=1)
        found["seconds"] = round(time.monotonic() - began, 1)
        refused = sum(attempt.outcome == ProviderBusy.code for attempt in attempts)
        return found | {"refused": refused, "refused_share": refused / max(1, len(attempts))}


def measure_outage(outage_s: float, seed: int, *, students: int = 6) -> dict[str, Any]:
    with _site(seed=seed, speed=10) as (simulator, site):
        begins_at = time.time() + _START_S
        died_at, recovered_at = begins_at + 8, begins_at + 8 + outage_s

        def die() -> None:
            time.sleep(max(0.0, died_at - time.time()))
            simulator.faults.extend(outage.DEATH)
            time.sleep(max(0.0, recovered_at - time.time()))
            simulator.faults.clear()

        death = threading.Thread(target=die)
        death.start()
        seen = _Watch(simulator, site)
        done = outage.sit(site, outage.Outage(begins_at, recovered_at + 60, students, seed))
        death.join()
        return outage.figures(
            done, seen.stop(), died_at=died_at, opened_at=seen.opened_at, recovered_at=recovered_at
        )


def measure_overload(
    for_s: float, seed: int, *, retry_after_s: float | None, students: int = 12
) -> dict[str, Any]:
    """With ten calls for each batch, so that many answers come; the chains are threads of this process."""
    with _site(seed=seed, speed=30) as (simulator, site):
        simulator.faults.append(Fault("overloaded", route="anthropic", rate=0.2, retry_after=retry_after_s))
        begins_at = time.time()
        seen = _Watch(simulator, site)
        exam_session = outage.Outage(begins_at, begins_at + for_s, students, seed, Urgency.INTERACTIVE)
        done = outage.sit(replace(site, processes=0, chains=4), exam_session)
        return overload.figures(done, seen.stop(), retry_after_s)


class _Watch:
    """Gathers the simulator's requests, of which it keeps only the latest, and sees the breaker open."""

    def __init__(self, simulator: RunningSimulator, site: Site) -> None:
        self.opened_at: float | None = None
        self._simulator = simulator
        self._redis = Redis.from_url(site.redis_url)
        self._breaker = f"{site.prefix}breaker:claude"
        self._seen: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[Any]:
        self._stop.set()
        self._thread.join()
        self._redis.close()
        return list(self._seen.values())

    def _watch(self) -> None:
        over = False
        while not over:
            over = self._stop.wait(0.02)
            if self.opened_at is None and int(self._redis.hget(self._breaker, "opens") or 0):
                self.opened_at = time.time()
            self._seen |= {request.request_id: request for request in self._simulator.requests}


@contextmanager
def _site(*, with_fallback: bool = True, **config: Any) -> Iterator[tuple[RunningSimulator, Site]]:
    with EmbeddedRedis(durable=False) as redis, RunningSimulator(**config) as simulator:
        yield simulator, Site(simulator.url, redis.url, "bench:", with_fallback=with_fallback)


def _checks(found: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Figure, value, what is asked for, and whether it holds."""
    cold, back = found["cold_start"], found["outage"]
    yield _equal("cold start: calls that wrote a prefix", cold["calls_that_wrote"], cold["prefixes"])
    yield _at_least("cold start: hit rate, batches 2 to 10", cold["hit_rate_later_batches"], 0.95)
    yield _at_least("cold start: hit rate, over all", cold["hit_rate"], 0.90)
    yield _equal("cold start: misses without a reason", cold["misses_without_reason"], 0)
    for name, limit in (("requests", "rpm"), ("output", "otpm")):
        rate = found[name]["saturated"]
        yield _at_least(f"{name} limit at twice the load: goodput", rate["goodput"][limit], 0.95)
        yield _at_most(f"{name} limit: share of 429", rate["refused_share"], 0.005)
        yield _at_most(
            f"{name} limit: first batch slower (mean)", found[name]["first_batch_slower"]["mean_s"], 0.2
        )
    yield _at_most("ramp: share of calls refused as too fast", found["ramp"]["refused_share"], 0.05)
    for name in ("overload", "overload_with_a_time"):
        yield _at_most(f"{name}: attempts a success", found[name]["attempts_per_success"], 1.2)
        yield _equal(f"{name}: calls before their time", found[name]["too_soon"], 0)
        yield _equal(f"{name}: questions lost", found[name]["questions_lost"], 0)
    yield _equal("outage: questions lost", back["questions_lost"], 0)
    yield _equal("outage: questions repeated", back["questions_repeated"], 0)
    yield _at_most("outage: switched after the opening, s", back["switched_after_s"], 1.0)
    yield _at_most("outage: back after recovery, s", back["back_after_s"], 60.0)


def _equal(name: str, value: float, wanted: float) -> tuple[str, str, str, bool]:
    return name, str(value), f"= {wanted}", value == wanted


def _at_least(name: str, value: float, wanted: float) -> tuple[str, str, str, bool]:
    return name, f"{value:.4f}", f">= {wanted}", value >= wanted


def _at_most(name: str, value: float, wanted: float) -> tuple[str, str, str, bool]:
    return name, f"{value:.4f}", f"<= {wanted}", value <= wanted


def _show(checks: list[tuple[str, str, str, bool]]) -> None:
    table = Table("figure", "measured", "asked for", "")
    for name, value, wanted, holds in checks:
        table.add_row(name, value, wanted, "holds" if holds else "DOES NOT HOLD")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
